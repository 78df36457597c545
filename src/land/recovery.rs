//! Before a landing is taken up again: its old processes must be dead, and its own locks go.
//!
//! Owns the one place where a lock of git is ever removed, under all three conditions of rules 3.3: the
//! intent is open (the caller's promise), every git process noted is dead, and the target's lock holds the new
//! commit. Any other lock stays (F38). Start with [`clear_the_way`].

use std::path::Path;
use std::time::Duration;

use super::notes::Notes;
use super::{LandError, LandRequest};

pub(super) async fn clear_the_way(request: &LandRequest<'_>) -> Result<(), LandError> {
    let noted = Notes::at(request.notes).read();
    for who in &noted {
        // Whoever lost its bead sees the end of its input and ends by itself.
        for _ in 0..200 {
            if !who.is_alive() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if who.is_alive() {
            return Err(LandError::StillRunning { pid: who.pid });
        }
    }
    let lock = request.repo.common_dir().join("refs/heads").join(format!("{}.lock", request.target));
    let holds_new = std::fs::read_to_string(&lock).is_ok_and(|text| text.trim() == request.new.as_str());
    if noted.is_empty() || !holds_new {
        return Ok(());
    }
    // HEAD's first: as long as the target's stands, the proof that both are ours stands.
    for tree in request.repo.checked_out_in(request.target).await? {
        if let Some(git_dir) = tree.git_dir {
            remove(&git_dir.join("HEAD.lock"))?;
        }
    }
    remove(&lock)
}

fn remove(path: &Path) -> Result<(), LandError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(LandError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

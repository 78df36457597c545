//! One call of `bd` at a time in a workspace, ours and other Beadworks'.
//!
//! Owns the kernel lock on the `.beads` directory itself: it needs no file of ours there, every Beadwork with any
//! state directory meets the same one, and it goes with the process that held it. `bd` does not look at it. Whoever
//! waits holds the directory above meanwhile: without that place in the queue a process that calls again and again
//! was seen to keep seven others out for five minutes. Start with [`Turn::wait`].

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::beads::TrackerError;

/// How often those in the queue look; one of them comes next, and looks oftener.
const QUEUE: Duration = Duration::from_millis(25);
const NEXT: Duration = Duration::from_millis(5);

/// Held as long as this value lives.
#[derive(Debug)]
pub(crate) struct Turn {
    _dir: File,
}

impl Turn {
    pub(crate) async fn wait(dir: &Path, limit: Duration) -> Result<Self, TrackerError> {
        let failed = |source| TrackerError::Io { doing: "lock", path: dir.to_path_buf(), source };
        let file = File::open(dir).map_err(failed)?;
        let waiting = async {
            // Only a courtesy: whoever cannot have it, or not in time, goes on without.
            let queue = dir.parent().and_then(|above| File::open(above).ok());
            let _next = match &queue {
                Some(queue) => tokio::time::timeout(limit / 2, taken(queue, QUEUE)).await.ok(),
                None => None,
            };
            taken(&file, NEXT).await
        };
        match tokio::time::timeout(limit, waiting).await {
            Ok(taken) => taken.map(|()| Self { _dir: file }).map_err(|errno| failed(errno.into())),
            Err(_) => Err(TrackerError::Locked { path: dir.to_path_buf(), seconds: limit.as_secs() }),
        }
    }
}

async fn taken(file: &File, look: Duration) -> Result<(), rustix::io::Errno> {
    let mut pause = Duration::from_millis(2);
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            done => return done,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(look);
    }
}

#[cfg(test)]
mod tests;

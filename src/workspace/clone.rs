//! The private clone that one attempt works in.
//!
//! Owns its making (rules 2.3: no shared files, one branch, no remote, T01, T53) under a name that becomes its own
//! only when it is whole, its handing over to the run's user, and its removal. Between those two the host runs no git in it and follows nothing in it.
//! Start with [`make`].

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Gid, Uid, chownat};

use super::private::{PlaceError, make_private};
use super::program::{GitError, Verb};
use super::quarantine::{Quarantine, QuarantineError};
use crate::domain::ids::{Oid, RunId};

/// The branch an agent finds itself on.
pub const BRANCH: &str = "work";

/// A clone to be made.
#[derive(Debug, Clone)]
pub struct CloneRequest<'a> {
    /// `Places::clone_dir(run)`; made here with mode 0700.
    pub path: &'a Path,
    pub run: &'a RunId,
    /// The commit to work on, already in the quarantine.
    pub tip: &'a Oid,
    /// Uid and gid that shall own it, when that is not the caller itself.
    pub owner: Option<(u32, u32)>,
}

/// A clone that cannot be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    #[error("clone `{}` already exists", .0.display())]
    Exists(PathBuf),
    #[error("`{}` shares its bytes with another file, the clone cannot be trusted", .0.display())]
    Shared(PathBuf),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("cannot prepare or remove clone file `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The name under which a clone is being made. What bears the clone's own name is whole, so nobody ever has to guess
/// whether somebody worked in it.
const HALF: &str = ".half";

/// The name of the clone that this folder is, or was to become; and whether it is not whole.
pub fn whose(folder: &str) -> (&str, bool) {
    folder.strip_suffix(HALF).map_or((folder, false), |name| (name, true))
}

fn half(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(HALF);
    path.with_file_name(name)
}

/// Clones one commit with its history out of the quarantine. Unfinished clones are removed again.
pub async fn make(quarantine: &Quarantine, request: &CloneRequest<'_>) -> Result<(), CloneError> {
    if request.path.symlink_metadata().is_ok() {
        return Err(CloneError::Exists(request.path.to_owned()));
    }
    let half = half(request.path);
    remove_tree(&half)?;
    let made = fill(quarantine, &CloneRequest { path: &half, ..request.clone() }).await;
    let made = made.and_then(|()| std::fs::rename(&half, request.path).map_err(at(request.path)));
    if made.is_err() {
        // The first error is the one to tell; a remnant is found again by whoever collects clones.
        let _ = remove_tree(&half);
    }
    made
}

async fn fill(quarantine: &Quarantine, request: &CloneRequest<'_>) -> Result<(), CloneError> {
    let path = request.path;
    let parent = path.parent().unwrap_or(Path::new("/"));
    make_private(parent)?;
    make_private(path)?;
    let door = format!("refs/heads/{}", request.run);
    quarantine.set(&door, request.tip).await?;
    let cloned = quarantine
        .git()
        .strict(parent, Verb::Clone)
        .config("core.fsync=none")
        .config("protocol.file.allow=always")
        .args(["--quiet", "--no-recurse-submodules", "--branch", request.run.as_str(), "--"])
        .args([quarantine.path(), path])
        .deadline(Duration::from_secs(30 * 60))
        .ok()
        .await;
    quarantine.delete(&door).await?;
    cloned?;
    settle(quarantine, request).await?;
    let (path, owner) = (path.to_owned(), request.owner);
    tokio::task::spawn_blocking(move || hand_over(&path, owner))
        .await
        .expect("walking a clone does not panic")
}

/// One branch named `work`, no remote, no trace of where it came from.
async fn settle(quarantine: &Quarantine, request: &CloneRequest<'_>) -> Result<(), CloneError> {
    let git_dir = request.path.join(".git");
    let (run, tip) = (request.run, request.tip);
    let refs = format!(
        "create refs/heads/{BRANCH} {tip}\ndelete refs/heads/{run}\ndelete refs/remotes/origin/{run}\n"
    );
    let git = quarantine.git();
    git.ours(&git_dir, Verb::SymbolicRefSet).args(["HEAD", "refs/heads/work"]).ok().await?;
    git.ours(&git_dir, Verb::UpdateRef).arg("--stdin").input(refs).ok().await?;
    let config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n";
    write(&git_dir.join("config"), config)?;
    // As the export: an agent's `git add -A` takes no leftovers of a test run along.
    let info = git_dir.join("info");
    std::fs::create_dir_all(&info).map_err(at(&info))?;
    write(&info.join("exclude"), "__pycache__/\n*.py[cod]\n")?;
    for trace in ["logs", "FETCH_HEAD", "refs/remotes", "packed-refs", "description", "branches"] {
        discard(&git_dir.join(trace))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), CloneError> {
    std::fs::write(path, text).map_err(at(path))
}

fn discard(path: &Path) -> Result<(), CloneError> {
    let gone = match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    };
    gone.map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CloneError {
    let path = path.to_owned();
    move |source| CloneError::Io { path, source }
}

/// Proves that no file has a second name (T01), then gives everything to the run's user.
pub(crate) fn hand_over(top: &Path, owner: Option<(u32, u32)>) -> Result<(), CloneError> {
    let alternates = top.join(".git/objects/info/alternates");
    if alternates.symlink_metadata().is_ok() {
        return Err(CloneError::Shared(alternates));
    }
    let give = |path: &Path| {
        let Some((uid, gid)) = owner else { return Ok(()) };
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        chownat(CWD, path, uid, gid, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| at(path)(e.into()))
    };
    walk(top, &mut |path, found| {
        if !found.is_dir() && found.nlink() != 1 {
            return Err(CloneError::Shared(path.to_owned()));
        }
        give(path)
    })?;
    std::fs::set_permissions(top, std::fs::Permissions::from_mode(0o700)).map_err(at(top))
}

/// Visits everything below `top` and `top` itself, following no links.
fn walk(
    top: &Path,
    visit: &mut dyn FnMut(&Path, &std::fs::Metadata) -> Result<(), CloneError>,
) -> Result<(), CloneError> {
    let mut open = vec![top.to_owned()];
    while let Some(path) = open.pop() {
        let found = path.symlink_metadata().map_err(at(&path))?;
        if found.is_dir() {
            for entry in path.read_dir().map_err(at(&path))? {
                open.push(entry.map_err(at(&path))?.path());
            }
        }
        visit(&path, &found)?;
    }
    Ok(())
}

/// Removes a clone, whatever an agent left in it, and half of one that was being made. Blocking; links are removed, never
/// followed. Call it only when no container has the clone mounted.
pub fn remove(path: &Path) -> Result<(), CloneError> {
    remove_tree(&half(path))?;
    remove_tree(path)
}

fn remove_tree(path: &Path) -> Result<(), CloneError> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if !found.is_dir() {
        return std::fs::remove_file(path).map_err(at(path));
    }
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(path)?;
            std::fs::remove_dir_all(path).map_err(at(path))
        }
        other => other.map_err(at(path)),
    }
}

/// Folders that their owner locked with `chmod` are opened again, from the top down.
fn unlock(top: &Path) -> Result<(), CloneError> {
    let mut open = vec![top.to_owned()];
    while let Some(folder) = open.pop() {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).map_err(at(&folder))?;
        for entry in folder.read_dir().map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                open.push(path);
            }
        }
    }
    Ok(())
}

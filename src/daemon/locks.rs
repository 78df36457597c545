//! The operating-system lock that a live story holds.
//!
//! Owns one lock file for each bead under work. The kernel drops the lock with the process, so a stale file
//! never blocks anybody (rules 6.1). It says nothing about beads nobody works on. Start with [`StoryLock`].

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::domain::ids::{BeadId, ProjectId};

/// Held as long as this value lives.
#[derive(Debug)]
pub struct StoryLock {
    _file: File,
}

/// Waits for its turn to land on a project's branches: two landings at once would meet in git's own locks.
pub async fn turn(dir: &Path, project: &ProjectId) -> std::io::Result<StoryLock> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("{project}.landing.lock"));
    let file = File::options().create(true).read(true).write(true).truncate(false).open(&path)?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(StoryLock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// What taking a lock gave.
#[derive(Debug)]
pub enum Taken {
    Ours(StoryLock),
    /// Another live process has it; its pid, when it wrote one.
    Theirs(Option<u32>),
}

/// Tries to become the one daemon of a state directory (F09). A stale file never blocks: the lock is the kernel's.
pub fn daemon(dir: &Path) -> std::io::Result<Taken> {
    std::fs::create_dir_all(dir)?;
    take_file(&dir.join("daemon.lock"))
}

/// Tries to take the lock of a bead, without waiting.
pub fn take(dir: &Path, project: &ProjectId, bead: &BeadId) -> std::io::Result<Taken> {
    std::fs::create_dir_all(dir)?;
    take_file(&dir.join(format!("{project}-{}.lock", bead.slug())))
}

fn take_file(path: &Path) -> std::io::Result<Taken> {
    let mut file = File::options().create(true).read(true).write(true).truncate(false).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            file.set_len(0)?;
            file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
            Ok(Taken::Ours(StoryLock { _file: file }))
        }
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            Ok(Taken::Theirs(text.trim().parse().ok()))
        }
        Err(errno) => Err(errno.into()),
    }
}

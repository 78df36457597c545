//! The operating-system lock that a live story holds.
//!
//! Owns one lock file for each bead under work. The kernel drops the lock with the process, so a stale file
//! never blocks anybody (rules 6.1). It says nothing about beads nobody works on. Start with [`StoryLock`].

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::domain::ids::{BeadId, ProjectId};

/// So often a lock is tried before it counts as another's. A child that a process had just forked when it was killed
/// holds what its parent held, until it is the program it shall be; on a loaded machine that takes its time.
const LOOKS: u32 = 20;

/// Held as long as this value lives.
#[derive(Debug)]
pub struct StoryLock {
    file: File,
}

impl Drop for StoryLock {
    /// Let go of and not only closed: a child that is just being started has this file too, and would hold it on.
    fn drop(&mut self) {
        // Closing it does the same a moment later.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Waits for its turn to land on a project's branches: two landings at once would meet in git's own locks.
pub async fn turn(dir: &Path, project: &ProjectId) -> std::io::Result<StoryLock> {
    waited_for(dir, &format!("{project}.landing.lock")).await
}

/// Waits for its turn to begin or to count a project's runs outside any claim.
pub(super) async fn outside(dir: &Path, project: &ProjectId) -> std::io::Result<StoryLock> {
    waited_for(dir, &format!("{project}.outside.lock")).await
}

async fn waited_for(dir: &Path, name: &str) -> std::io::Result<StoryLock> {
    std::fs::create_dir_all(dir)?;
    let file = open(&dir.join(name))?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(StoryLock { file }),
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

/// Looks whether a live process has a bead; `Ours` means that none has. Those who look do not see each other.
pub fn look(dir: &Path, project: &ProjectId, bead: &BeadId) -> std::io::Result<Taken> {
    std::fs::create_dir_all(dir)?;
    let mut file = open(&dir.join(format!("{project}-{}.lock", bead.slug())))?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Taken::Ours(StoryLock { file })),
        Err(rustix::io::Errno::WOULDBLOCK) => theirs(&mut file),
        Err(errno) => Err(errno.into()),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    File::options().create(true).read(true).write(true).truncate(false).open(path)
}

fn theirs(file: &mut File) -> std::io::Result<Taken> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(Taken::Theirs(text.trim().parse().ok()))
}

fn take_file(path: &Path) -> std::io::Result<Taken> {
    let mut file = open(path)?;
    for left in (0..LOOKS).rev() {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
                return Ok(Taken::Ours(StoryLock { file }));
            }
            // `bead why` and `bead verify` hold it for the moment of a look.
            Err(rustix::io::Errno::WOULDBLOCK) if left > 0 => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    theirs(&mut file)
}

#[cfg(test)]
mod tests;

//! What the machine has left: memory, disk and inodes.
//!
//! Owns the reading and the contract its double keeps. How much a bead needs and whether it may start is the
//! scheduler's. Start with [`Resources`].

use std::path::{Path, PathBuf};

pub use crate::scheduler::plan::Resources as Reading;

/// Kept free of sandboxes for everything else.
const MEMORY_KEPT: u64 = 1 << 30;
/// Less than this at the state directory, and nothing is started.
const DISK_LEAST: u64 = 2 << 30;
const INODES_LEAST: u64 = 50_000;
/// Less than this is full: the smallest block of any usual file system.
const FULL: u64 = 4096;

/// Where the dispatcher learns what is free.
pub trait Resources: Send + Sync {
    fn read(&self) -> Reading;
}

/// This machine, with the file systems of the state directory and of the clones in it.
#[derive(Debug, Clone)]
pub struct Machine {
    pub state: PathBuf,
}

/// Free bytes and inodes at a path, for us and for a sandbox's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub bytes: u64,
    pub inodes: u64,
}

impl Room {
    /// What cannot be read counts as plenty.
    pub fn at(path: &Path) -> Self {
        let disk = rustix::fs::statvfs(path).ok();
        Self {
            bytes: disk.as_ref().map_or(u64::MAX, |d| d.f_bavail.saturating_mul(d.f_frsize)),
            // Some file systems have no fixed number of inodes and say 0 of 0.
            inodes: disk.as_ref().filter(|d| d.f_files > 0).map_or(u64::MAX, |d| d.f_favail),
        }
    }

    /// No file of any use fits any more.
    pub fn is_used_up(self) -> bool {
        self.bytes < FULL || self.inodes == 0
    }
}

impl Resources for Machine {
    /// A figure that cannot be read counts as plenty: the claim it would stop fails by itself if it must.
    fn read(&self) -> Reading {
        let (total, free) = memory(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default());
        // The clones may lie on a disk of their own.
        let (state, clones) = (Room::at(&self.state), Room::at(&self.state.join("clones")));
        Reading {
            memory: total.saturating_sub(MEMORY_KEPT),
            memory_free: free,
            disk_free: state.bytes.min(clones.bytes),
            disk_least: DISK_LEAST,
            inodes_free: state.inodes.min(clones.inodes),
            inodes_least: INODES_LEAST,
        }
    }
}

/// `MemTotal` and `MemAvailable` in bytes.
fn memory(meminfo: &str) -> (u64, u64) {
    let get = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    let kib = |name| get(name).map_or(u64::MAX, |n| n.saturating_mul(1024));
    (kib("MemTotal"), kib("MemAvailable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes_and_a_strange_file_counts_as_plenty() {
        assert_eq!(memory("MemTotal:  16 kB\nMemFree: 1 kB\nMemAvailable:   8 kB\n"), (16384, 8192));
        assert_eq!(memory("nonsense"), (u64::MAX, u64::MAX));
    }
}

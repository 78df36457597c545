//! What the machine has left: memory, disk and inodes.
//!
//! Owns the reading and the contract its double keeps. How much a bead needs and whether it may start is the
//! scheduler's. Start with [`Resources`].

use std::path::PathBuf;

pub use crate::scheduler::plan::Resources as Reading;

/// Kept free of sandboxes for everything else.
const MEMORY_KEPT: u64 = 1 << 30;
/// Less than this at the state directory, and nothing is started.
const DISK_LEAST: u64 = 2 << 30;
const INODES_LEAST: u64 = 50_000;

/// Where the dispatcher learns what is free.
pub trait Resources: Send + Sync {
    fn read(&self) -> Reading;
}

/// This machine, with the state directory's file system.
#[derive(Debug, Clone)]
pub struct Machine {
    pub state: PathBuf,
}

impl Resources for Machine {
    /// A figure that cannot be read counts as plenty: the claim it would stop fails by itself if it must.
    fn read(&self) -> Reading {
        let (total, free) = memory(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default());
        let disk = rustix::fs::statvfs(&self.state).ok();
        Reading {
            memory: total.saturating_sub(MEMORY_KEPT),
            memory_free: free,
            disk_free: disk.as_ref().map_or(u64::MAX, |d| d.f_bavail.saturating_mul(d.f_frsize)),
            disk_least: DISK_LEAST,
            // Some file systems have no fixed number of inodes and say 0 of 0.
            inodes_free: disk.as_ref().filter(|d| d.f_files > 0).map_or(u64::MAX, |d| d.f_favail),
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

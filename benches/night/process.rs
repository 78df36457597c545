//! What the kernel says of a process.
//!
//! Owns the reading of `/proc/<pid>`. Start with [`Reading::of`].

use std::time::Duration;

use anyhow::Context as _;

/// Linux counts time in hundredths of a second here.
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub own: Duration,
    /// Of programs that it started and that have ended.
    pub children: Duration,
    /// Megabytes.
    pub resident: f64,
    /// Megabytes that no file stands behind.
    pub own_memory: f64,
    pub most: f64,
    pub threads: u64,
    switches: u64,
}

impl Reading {
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name may hold spaces: fields count from its last bracket.
        let rest = stat.rsplit_once(") ").context("an odd stat file")?.1;
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<u32>().ok()).unwrap_or(0);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let number = |status: &str, key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
        };
        #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
        let megabytes = |key: &str| number(&status, key) as f64 / 1024.0;
        let mut switches = 0;
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            switches += number(&status, "voluntary_ctxt_switches:");
        }
        Ok(Self {
            own: TICK * (ticks(11) + ticks(12)),
            children: TICK * (ticks(13) + ticks(14)),
            resident: megabytes("VmRSS:"),
            own_memory: megabytes("RssAnon:"),
            most: megabytes("VmHWM:"),
            threads: number(&status, "Threads:"),
            switches,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    pub(crate) fn woken_since(&self, before: &Self, took: Duration) -> f64 {
        self.switches.saturating_sub(before.switches) as f64 / took.as_secs_f64()
    }
}

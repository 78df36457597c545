//! From a night that fails to the smallest one that still does.
//!
//! Owns the order of what is left out: faults and deaths first, then beads, hours, slots and chance. It believes
//! only a night that was played. Start with [`shrink`].

use std::time::Duration;

use super::play::{Manner, play};
use super::report::Report;
use super::scenario::Scenario;

/// Nights that may be played on the way.
const MOST: usize = 200;

/// The smallest night found, and what it came to.
#[derive(Debug, Clone)]
pub struct Shrunk {
    pub scenario: Scenario,
    pub report: Report,
    /// How many nights it took.
    pub played: usize,
}

/// Makes a failing night smaller as long as it fails. `report` is the failing one's.
pub fn shrink(scenario: Scenario, report: Report, manner: &Manner) -> Shrunk {
    let mut best = Shrunk { scenario, report, played: 0 };
    while best.played < MOST {
        let smaller = candidates(&best.scenario).into_iter().find_map(|candidate| {
            if best.played >= MOST {
                return None;
            }
            best.played += 1;
            let report = play(&candidate, manner).ok()?;
            // Another failure is as good a find, but a missed expectation alone is none where the check failed.
            let fails = if best.report.violations.is_empty() {
                !report.holds()
            } else {
                !report.violations.is_empty()
            };
            fails.then_some((candidate, report))
        });
        let Some((scenario, report)) = smaller else { break };
        best = Shrunk { scenario, report, played: best.played };
    }
    best
}

/// Smaller nights, the boldest first.
fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Scenario)| {
        let mut smaller = scenario.clone();
        change(&mut smaller);
        if smaller != *scenario {
            all.push(smaller);
        }
    };
    with(&|s| s.faults.clear());
    with(&|s| s.dies_at.clear());
    with(&|s| s.beads /= 2);
    with(&|s| s.beads = (s.beads * 3 / 4).max(1));
    with(&|s| s.projects = 1);
    with(&|s| s.slots = 1);
    with(&|s| s.slots = (s.slots / 2).max(1));
    with(&|s| s.length = hours(s.length, 2));
    with(&|s| s.edges = 0.0);
    with(&|s| s.allowance = 0);
    with(&|s| (s.gate_flaky, s.gate_out_of_memory) = (0.0, 0.0));
    let (faults, deaths) = (scenario.faults.len(), scenario.dies_at.len());
    with(&|s| drop(s.faults.drain(..faults / 2)));
    with(&|s| s.faults.truncate(faults / 2));
    with(&|s| drop(s.dies_at.drain(..deaths / 2)));
    with(&|s| s.dies_at.truncate(deaths / 2));
    for at in 0..faults.min(24) {
        with(&|s| {
            let _ = s.faults.remove(at);
        });
    }
    for at in 0..deaths.min(24) {
        with(&|s| {
            let _ = s.dies_at.remove(at);
        });
    }
    with(&|s| s.beads = s.beads.saturating_sub(1).max(1));
    all
}

/// A part of a night, in whole hours.
fn hours(length: Duration, part: u64) -> Duration {
    Duration::from_secs((length.as_secs() / 3600 / part).max(1) * 3600)
}

//! Many nights: random ones by their seeds, and small ones whose daemon dies at random points.
//!
//! Owns which nights those are, so that a number alone brings a failing one back. It stops at the first that
//! fails. Start with [`Soak`].

use super::play::{Manner, PlayError, play};
use super::report::Report;
use super::scenario::Scenario;
use super::time::Chance;

/// A night that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    pub scenario: Scenario,
    pub report: Report,
}

/// What was played so far.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Soak {
    pub nights: u64,
    pub events: u64,
    pub deaths: u64,
    pub landed: u64,
}

/// At most so many deaths in one night.
const DEATHS: u64 = 12;

impl Soak {
    /// Plays a night and adds it up; a failing one comes back.
    pub fn play(&mut self, scenario: Scenario) -> Result<Option<Failure>, PlayError> {
        let report = play(&scenario, &Manner::default())?;
        self.nights += 1;
        self.events += report.events as u64;
        self.deaths += report.figures.get("crashes").copied().unwrap_or_default();
        self.landed += report.beads.get("landed").copied().unwrap_or_default();
        Ok((!report.holds()).then_some(Failure { scenario, report }))
    }

    /// A small night with faults of all kinds, and random points to die at.
    pub fn deadly(seed: u64) -> Scenario {
        let mut chance = Chance::of(seed, "deaths");
        let mut scenario = Scenario::random(seed);
        scenario.beads = u32::try_from(chance.between(1, 6)).unwrap_or(1);
        scenario.slots = u32::try_from(chance.between(1, 3)).unwrap_or(1);
        scenario.projects = scenario.projects.min(scenario.beads);
        scenario.about = format!("deaths of seed {seed}");
        let half = scenario.faults.len() / 2;
        if chance.happens(0.5) {
            scenario.faults.clear();
        } else {
            scenario.faults.truncate(half);
        }
        // About fifty points lie on a bead's way.
        let most = u64::from(scenario.beads) * 50;
        scenario.dies_at = (0..chance.between(1, DEATHS)).map(|_| chance.between(1, most)).collect();
        scenario.dies_at.sort_unstable();
        scenario.dies_at.dedup();
        scenario
    }
}

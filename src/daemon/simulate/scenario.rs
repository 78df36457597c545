//! A night to be simulated, as data.
//!
//! Owns what a scenario consists of and its defaults; how it is read from YAML and written back stands in
//! `read` and `write`, how one is drawn from a seed in `draw`. Start with [`Scenario`].

mod draw;
mod read;
mod write;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::fault::Fault;
use super::nature::Nature;

/// A night from its first to its last minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub about: String,
    pub seed: u64,
    pub start: DateTime<Utc>,
    pub length: Duration,
    pub slots: u32,
    pub projects: u32,
    pub beads: u32,
    /// The share of beads that wait for another.
    pub edges: f64,
    /// Weights of natures.
    pub(super) agents: Vec<(Nature, u32)>,
    pub(super) gate_flaky: f64,
    pub(super) gate_out_of_memory: f64,
    /// Tokens that the account allows in five hours; 0 is no limit.
    pub(super) allowance: u64,
    /// More of the user's own config, as YAML.
    pub config: String,
    /// More of every project's `bead.yaml`, as YAML.
    pub project: String,
    pub(super) faults: Vec<Timed>,
    /// The daemon dies at the points with these numbers, counted over the whole night.
    pub dies_at: Vec<u64>,
    pub expect: Vec<Expectation>,
}

/// A fault and its moment, from the night's beginning.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timed {
    pub(super) at: Duration,
    pub(super) fault: Fault,
}

/// `landed: at least 40`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// An outcome, a state of a bead or a figure of the night.
    pub of: String,
    pub bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Least(u64),
    Most(u64),
    Exactly(u64),
}

impl Bound {
    pub fn holds(self, found: u64) -> bool {
        match self {
            Self::Least(least) => found >= least,
            Self::Most(most) => found <= most,
            Self::Exactly(exact) => found == exact,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Least(n) => write!(f, "at least {n}"),
            Self::Most(n) => write!(f, "at most {n}"),
            Self::Exactly(n) => write!(f, "{n}"),
        }
    }
}

impl Scenario {
    /// The same night with other chances.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            about: String::new(),
            seed: 1,
            start: DateTime::from_timestamp(1_795_298_400, 0).expect("a moment in 2026"),
            length: Duration::from_secs(8 * 3600),
            slots: 4,
            projects: 1,
            beads: 30,
            edges: 0.1,
            agents: vec![(Nature::Good, 1)],
            gate_flaky: 0.0,
            gate_out_of_memory: 0.0,
            allowance: 0,
            config: String::new(),
            project: String::new(),
            faults: Vec::new(),
            dies_at: Vec::new(),
            expect: Vec::new(),
        }
    }
}

/// `2h10m`, `90s`.
fn spell(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = [(seconds / 3600, 'h'), (seconds % 3600 / 60, 'm'), (seconds % 60, 's')];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests;

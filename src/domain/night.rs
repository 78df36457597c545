//! What is known of a night as it begins, and what it leaves as it ends.
//!
//! Owns shapes that are part of `event`'s on-disk vocabulary and follow its rules: without them a brief could not
//! tell later what was expected, and why a bead had no turn. Start with [`Prospect`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{BeadId, ProjectId};

/// A night as it looked when it opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prospect {
    /// Runs at once.
    pub slots: u32,
    /// Beads that could have been started, suspended ones among them.
    pub queue: u32,
    pub forecast: Forecast,
    /// The most the night may spend, in US dollars; `None`: no cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// The same of single projects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub projects: BTreeMap<ProjectId, f64>,
    /// Paid by a subscription: every cost is an estimate at list price.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimate: bool,
}

/// What a night was expected to bring. Each pair: what every second night reaches or keeps to, and what nine of
/// ten do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// At least so many beads land.
    pub landed: (u32, u32),
    /// At most so many US dollars are spent.
    pub usd: (f64, f64),
    /// The last run is over by then.
    pub ends: (DateTime<Utc>, DateTime<Utc>),
    /// How many past beads it rests on; 0: assumed.
    pub history: u32,
}

/// How many beads wait for their turn. Those that a night never takes (its filter, a person's pause) are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Nothing but a slot or memory is missing.
    pub ready: u32,
    /// Held back by something else: money, an hour, a limit, an outage, a try that failed.
    pub held: u32,
}

/// A bead that a night did not begin, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub project: ProjectId,
    pub bead: BeadId,
    #[serde(default)]
    pub title: String,
    /// Follows on "it waits: ".
    pub reason: String,
}

//! What is remembered of the night that is open, and the one item it becomes.
//!
//! Owns what a summary counts: ends, what was put aside and waits, and money as `docs/morning.md` has it, which is
//! what runs cost while the night was open. When that is told is the rules' matter. Start with [`Night`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::cut;
use crate::feed::notify::alert::{BeadEnd, Item, Kind, Lane, Summary, What};

const NAME: usize = 80;
const WHY: usize = 300;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Night {
    /// The number of the event that opened it.
    id: u64,
    summary: Summary,
    /// Beads that were put aside in it and wait now.
    #[serde(default)]
    aside: BTreeSet<String>,
}

impl Night {
    /// `id` is 0 where nobody saw it begin.
    pub(super) fn new(id: u64, name: &str) -> Self {
        let summary = Summary { night: cut(name, NAME), opened: id, ..Summary::default() };
        Self { id, summary, aside: BTreeSet::new() }
    }

    /// The end says its name, and is its number where nobody saw it begin.
    pub(super) fn ended(mut self, seq: u64, name: &str) -> Self {
        self.summary.night = cut(name, NAME);
        if self.id == 0 {
            self.id = seq;
        }
        self
    }

    pub(super) fn bill(&mut self, usd: f64) {
        self.summary.cost_usd += usd;
    }

    pub(super) fn count(&mut self, end: &BeadEnd) {
        self.summary.count(end);
    }

    pub(super) fn put_aside(&mut self, place: String) {
        self.aside.insert(place);
    }

    pub(super) fn goes_on(&mut self, place: &str) {
        self.aside.remove(place);
    }

    /// Nothing where there is nothing to tell. `held`: alerts that nobody got until now.
    pub(super) fn summed_up(self, at: DateTime<Utc>, why: &str, held: u32) -> Option<Item> {
        let Self { id, mut summary, aside } = self;
        summary.suspended = u32::try_from(aside.len()).unwrap_or(u32::MAX);
        (summary.why, summary.held) = (cut(why, WHY), held);
        if summary.is_empty() {
            return None;
        }
        let (key, what) = (format!("summary/{id}"), What::Summary(summary));
        Some(Item { key, at, kind: Kind::Summary, lane: Lane::Night, what })
    }
}

//! What people decided about beads: whatever asked for them before that asks no more.
//!
//! Owns the one rule for it, the same on every page and for the hand: a bead that was given back, closed, opened or parked by
//! hand is decided about; work that a person changed in a shell still asks, with the new commit. Start with [`Decided`].

use std::collections::BTreeMap;

use crate::domain::clean::clean_line;
use crate::domain::event::{Body, Event, GivenBack};
use crate::lifecycle::Kept;

/// By project and bead, as pages spell them.
type Key = (String, String);

#[derive(Debug, Default)]
pub struct Decided {
    /// The number of the newest decision.
    last: BTreeMap<Key, u64>,
    /// What a person made of the kept work.
    reworked: BTreeMap<Key, (u64, Kept)>,
}

impl Decided {
    /// The kinds of events that tell of it.
    pub const KINDS: [&str; 2] = ["given_back", "by_hand"];

    /// Of any events, in any order.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        events.into_iter().fold(Self::default(), Self::and)
    }

    fn and(mut self, event: &Event) -> Self {
        let (Some(project), Some(bead)) = (&event.project, &event.bead) else { return self };
        let key = key(project.as_str(), bead.as_str());
        match &event.body {
            Body::GivenBack { how: GivenBack::Reworked { run, tip }, .. } => {
                let kept = Kept { run: run.clone(), tip: tip.clone(), at: event.at };
                let known = self.reworked.entry(key).or_insert_with(|| (event.seq, kept.clone()));
                if known.0 < event.seq {
                    *known = (event.seq, kept);
                }
            }
            Body::GivenBack { .. } | Body::ByHand { .. } => {
                let known = self.last.entry(key).or_default();
                *known = event.seq.max(*known);
            }
            _ => {}
        }
        self
    }

    /// Whether a person decided about the bead since the event of that number.
    pub fn since(&self, project: &str, bead: &str, seq: u64) -> bool {
        self.last.get(&key(project, bead)).is_some_and(|last| *last > seq)
    }

    /// What a person made of the bead's kept work since the event of that number.
    pub fn reworked(&self, project: &str, bead: &str, seq: u64) -> Option<&Kept> {
        let (at, kept) = self.reworked.get(&key(project, bead))?;
        (*at > seq).then_some(kept)
    }
}

fn key(project: &str, bead: &str) -> Key {
    (project.to_owned(), clean_line(bead))
}

#[cfg(test)]
pub(super) mod tests;

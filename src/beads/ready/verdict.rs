//! What counts when the tracker has an answer of its own to "what is ready".
//!
//! Owns the rule that its answer decides and ours explains, and the words that say where the two differ. Pure: it asks
//! no tracker. Start with [`judge`].

use super::Readiness;
use crate::beads::Snapshot;
use crate::domain::ids::BeadId;

/// What a tracker's own list of ready beads says about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// The tracker keeps no rules, or was not asked.
    Unasked,
    Yes,
    No,
}

impl Listed {
    pub fn of(listed: Option<&[BeadId]>, id: &BeadId) -> Self {
        match listed {
            None => Self::Unasked,
            Some(ids) if ids.contains(id) => Self::Yes,
            Some(_) => Self::No,
        }
    }
}

/// Readiness as it counts, and what our own rules say where they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub readiness: Readiness,
    /// Follows on the sentence of the readiness, without a full stop.
    pub disagreement: Option<String>,
}

/// The tracker's answer decides.
pub fn judge(ours: Readiness, listed: Listed) -> Verdict {
    match (ours, listed) {
        (Readiness::Ready, Listed::No) => Verdict {
            readiness: Readiness::NotReady { why: "`bd ready` does not list it".to_owned() },
            disagreement: Some("by our own rules nothing holds it back, but `bd` decides".to_owned()),
        },
        (Readiness::Ready, _) => Verdict { readiness: Readiness::Ready, disagreement: None },
        (Readiness::Blocked { by }, Listed::Yes) => {
            let list: Vec<_> = by.iter().map(ToString::to_string).collect();
            ready_although(&format!("it waits for {}", list.join(", ")))
        }
        (Readiness::NotReady { why }, Listed::Yes) => ready_although(&format!("it is not ready: {why}")),
        (ours, _) => Verdict { readiness: ours, disagreement: None },
    }
}

fn ready_although(ours: &str) -> Verdict {
    Verdict {
        readiness: Readiness::Ready,
        disagreement: Some(format!("by our own rules {ours}, but `bd ready` lists it, and `bd` decides")),
    }
}

/// Indices of the listed beads by priority, age and id; ids that the snapshot does not have are left out.
pub fn in_order(snapshot: &Snapshot, listed: &[BeadId]) -> Vec<usize> {
    let mut order: Vec<usize> = listed.iter().filter_map(|id| snapshot.position(id)).collect();
    order.sort_by(|&a, &b| {
        let key = |at: usize| {
            let bead = &snapshot.beads[at];
            (bead.priority, bead.created_at, &bead.id)
        };
        key(a).cmp(&key(b))
    });
    order.dedup();
    order
}

#[cfg(test)]
mod tests;

//! A claim that takes over what an earlier one of the same bead kept.
//!
//! Owns where such a claim begins, how its work and a target that moved meanwhile become one, and how far a
//! person's approval reaches. How such an order comes about is decided by whoever makes it. Start with
//! [`Again`](crate::domain::order::Again).

use super::{Conflict, Kept, Phase, Story};
use crate::domain::event::Body;
use crate::domain::ids::Oid;
use crate::domain::run::Outcome;

impl Story {
    /// Puts the kept work in place. A tip that is its own base is no work: then only words go on.
    pub(super) fn take_over(&mut self) {
        let Some(again) = &self.order.again else { return };
        self.conversed = again.session.is_some();
        self.reviews.before.clone_from(&again.reviewed.open);
        self.reviews.accepted.clone_from(&again.reviewed.accepted);
        self.rebased = Some(again.base.clone());
        if again.tip != again.base {
            self.tip = Some(Kept { run: again.run.clone(), tip: again.tip.clone(), at: again.at });
        }
    }

    /// The claim is ours: where it begins.
    pub(super) fn claimed(&mut self) {
        self.claimed = true;
        self.was_claimed = true;
        self.phase = match &self.order.again {
            Some(again) if again.straight && self.tip.is_some() => Phase::Merging,
            Some(again) if again.base != self.order.base && self.tip.is_some() => Phase::Uniting,
            Some(_) if self.tip.is_none() => {
                self.rebased = None;
                Phase::Starting
            }
            _ => Phase::Starting,
        };
    }

    /// The target's tip is in the kept work, or meets it in a conflict.
    pub(super) fn united(&mut self, body: &Body) -> bool {
        match body {
            Body::Merged { commit, onto, .. } => {
                self.united = Some(commit.clone());
                self.rebased = Some(onto.clone());
                self.phase = Phase::Starting;
            }
            Body::Conflicted { onto, paths, commit: Some(commit) } => {
                self.conflict = Some(Conflict {
                    onto: onto.clone(),
                    commit: commit.clone(),
                    paths: paths.clone(),
                    run: None,
                    early: true,
                });
                self.phase = Phase::Untangling;
            }
            Body::Conflicted { onto, paths, commit: None } => {
                let reason = format!(
                    "the kept work conflicts with {} in {}",
                    onto.short(),
                    super::outcome::few(paths)
                );
                self.settle(Outcome::Parked, Some("conflict"), reason);
            }
            _ => return false,
        }
        true
    }

    /// The conflict that the claim began with is resolved: the landing may have one of its own.
    pub(super) fn untangled_early(&mut self) {
        if self.in_conflict_run() && self.conflict.as_ref().is_some_and(|c| c.early) {
            self.conflict = None;
            self.phase = Phase::Starting;
        }
    }

    /// The commit that the next attempt begins with.
    pub(super) fn begin_at(&self) -> Oid {
        let kept = self.united.as_ref().or_else(|| self.tip.as_ref().map(|k| &k.tip));
        kept.unwrap_or(&self.order.base).clone()
    }

    /// A person approved this very tip on what it was made on (rules 18), which lifts what it was parked for:
    /// protected paths and tampering, or a review's question. Gates still run.
    pub fn is_lifted(&self, causes: &[&str]) -> bool {
        let Some(again) = &self.order.again else { return false };
        let tip = self.tip.as_ref().map(|k| &k.tip);
        let approved = again.approved.is_some() && again.approved.as_ref() == tip;
        // An order that does not say is from a time when an approval lifted everything.
        let lifts =
            again.lifts.is_empty() || again.lifts.iter().any(|cause| causes.contains(&cause.as_str()));
        approved && *self.base() == again.base && lifts
    }
}

//! Work that landed beside its target, and the user's own merge of it.
//!
//! Owns the look whether a branch that was left beside has been merged meanwhile: then the bead is closed at
//! the next command (rules 3.5). It merges nothing itself.

use super::engine::Engine;
use super::error::EngineError;
use super::house::{House, Site};
use crate::beads::TrackerError;
use crate::domain::bead::Status;
use crate::domain::run::Outcome;

impl Engine {
    pub(super) async fn close_merged_beside(&self) -> Result<(), EngineError> {
        close_merged(&self.house, &self.site).await.map(|_| ())
    }
}

/// Closes beads whose branch the user merged; gives their ids.
pub(super) async fn close_merged(house: &House, site: &Site) -> Result<Vec<String>, EngineError> {
    let mut closed = Vec::new();
    for story in house.journal.all_stories(Some(&site.id))? {
        let beside = story.finish.outcome == Outcome::Parked && story.finish.branch.is_some();
        let Some(commit) = story.finish.commit.as_ref().filter(|_| beside && !story.is_open()) else {
            continue;
        };
        // A bead that is gone from the tracker needs no closing.
        let Ok(bead) = site.tracker.show(&story.bead).await else { continue };
        let waits = bead.status == Status::Blocked && bead.has_label(crate::beads::PARKED);
        if !waits || !site.repo.is_reachable(commit, &story.order.target).await? {
            continue;
        }
        let reason = format!("merged by hand into {} as {}", story.order.target, commit.short());
        match site.tracker.close(&story.bead, &reason, "beadwork").await {
            Ok(_) => {}
            // Until the conflict is resolved beads can only be read; the next command looks again.
            Err(TrackerError::Conflict { .. }) => return Ok(closed),
            Err(error) => return Err(error.into()),
        }
        house.by_hand(site, &story.bead, &format!("closed: {reason}"))?;
        closed.push(story.bead.to_string());
    }
    Ok(closed)
}

//! Effects on the target: merge in the quarantine, and land.
//!
//! Owns the checks right before each: protected paths, a target that moved or is gone, a claim that is no
//! longer ours. The landing itself, step by step, is `land`'s.

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::Body;
use crate::domain::run::{Cause, Outcome};
use crate::gate::protected;
use crate::land::{self, Landing};
use crate::lifecycle::{Phase, Story};
use crate::workspace::merge::{self, Merge, MergeRequest};

impl Engine {
    pub(in crate::daemon) async fn merge(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        let quarantine = &self.site.quarantine;
        let settings = self.settings(&story.order).await?;
        let changed = quarantine.changed_paths(&story.order.base, &kept.tip).await?;
        let paths = protected::touched(&changed, &settings.protected);
        if !paths.is_empty() {
            self.record(story, Body::Protected { paths })?;
            return Ok(());
        }
        let Some(onto) = self.site.repo.branch_tip(&story.order.target).await? else {
            return self.aside(story, "target_gone", format!("branch {} is gone", story.order.target));
        };
        quarantine.fetch_base(&self.site.repo, &onto).await?;
        let request = MergeRequest {
            base: story.order.base.clone(),
            onto: onto.clone(),
            tip: kept.tip.clone(),
            title: story.order.title.clone(),
            bead: story.bead.clone(),
            run: kept.run.clone(),
            at: kept.at,
            identity: merge::Identity {
                name: settings.commit.value.name.clone(),
                email: settings.commit.value.email.clone(),
            },
        };
        let body = match quarantine.merge(&request).await? {
            Merge::Clean { commit, tree, changes: false } => {
                tracing::debug!(%commit, %tree, "the target has all of it already");
                let reason = format!("{} already has everything this work changed", story.order.target);
                Body::Settling { outcome: Outcome::NoChange, cause: None, reason }
            }
            Merge::Clean { commit, tree, .. } => Body::Merged { commit, tree, onto },
            Merge::Conflict { paths } => Body::Conflicted { onto, paths },
        };
        self.record(story, body)?;
        Ok(())
    }

    pub(in crate::daemon) async fn land(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(candidate) = story.candidate.clone() else { return Ok(()) };
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        if story.phase == (Phase::Landing { intent: false }) {
            if !self.still_ours(story).await? {
                let reason = "the claim is gone: somebody changed the bead while it was worked on".to_owned();
                return self.aside(story, "claim_lost", reason);
            }
            self.record(story, Body::Landing { old: candidate.onto.clone(), new: candidate.commit.clone() })?;
        }
        let request = land::LandRequest {
            target: story.order.target.clone(),
            old: candidate.onto.clone(),
            new: candidate.commit.clone(),
            tree: candidate.tree.clone(),
            run: kept.run.clone(),
            bead: story.bead.clone(),
            notes: self.house.places.locks(),
        };
        let steps = |step: &str| {
            if (self.failpoint)(&format!("land:{step}")) { Err(land::Died) } else { Ok(()) }
        };
        let body = match land::land(&self.site.repo, &self.site.quarantine, &request, &steps).await? {
            Landing::Advanced => Body::Landed { commit: candidate.commit },
            Landing::Beside { branch, why } => Body::LandedBeside { branch, commit: candidate.commit, why },
            Landing::Moved { tip: Some(tip) } => Body::TargetMoved { tip },
            // Merging again finds the branch gone and says so.
            Landing::Moved { tip: None } => Body::TargetMoved { tip: candidate.onto },
        };
        self.survive("done", "land")?;
        self.record(story, body)?;
        Ok(())
    }

    /// Parks the bead for a reason that only a person can settle.
    fn aside(&self, story: &mut Story, cause: &str, reason: String) -> Result<(), EngineError> {
        self.record(story, Body::Settling { outcome: Outcome::Parked, cause: Some(Cause::new(cause)), reason })?;
        Ok(())
    }
}

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
use crate::workspace::diff::{Bounds, Diff};
use crate::workspace::merge::{self, MergeRequest, Merged};

impl Engine {
    pub(in crate::daemon) async fn merge(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        let quarantine = &self.site.quarantine;
        let settings = self.settings(&story.order).await?;
        let objects = quarantine.objects()?;
        let bounds = Bounds { files: u64::MAX, bytes: u64::MAX };
        let diff = Diff::between(&objects, &story.order.base, &kept.tip, bounds)?;
        let paths = protected_paths(&objects, &diff, &settings)?;
        drop(objects);
        if !paths.is_empty() {
            self.record(story, Body::Protected { paths })?;
            return Ok(());
        }
        let Some(onto) = self.site.repo.branch_tip(&story.order.target).await? else {
            return self.aside(story, "target_gone", format!("branch {} is gone", story.order.target));
        };
        quarantine.fetch(&self.site.repo, &onto).await?;
        let commit = &settings.commit.value;
        let identity = merge::Identity { name: commit.name.clone(), email: commit.email.clone() };
        let request = MergeRequest {
            target: &onto,
            tip: &kept.tip,
            base: &story.order.base,
            bead: &story.bead,
            title: &story.order.title,
            run: &kept.run,
            date: kept.at,
            identity: &identity,
        };
        let body = match merge::merge(quarantine, &request).await? {
            // A merge that changes nothing is no landing: there would be nothing to see in it.
            Merged::Clean { tree, .. } if tree == quarantine.objects()?.tree_of(&onto)? => {
                let reason = format!("{} already has everything this work changed", story.order.target);
                Body::Settling { outcome: Outcome::NoChange, cause: None, reason }
            }
            Merged::Clean { commit, tree } => Body::Merged { commit, tree, onto },
            Merged::Conflict { paths } => Body::Conflicted { onto, paths },
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

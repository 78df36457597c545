//! Effects on the target: merge in the quarantine, and land.
//!
//! Owns the checks right before each: protected paths, a target that moved or is gone, a claim that is no
//! longer ours. The landing itself, step by step, is `land`'s.

use std::ops::ControlFlow;

use crate::daemon::engine::{Engine, Failpoint};
use crate::daemon::error::EngineError;
use crate::daemon::locks;
use crate::daemon::repository::LandOrder;
use crate::domain::event::Body;
use crate::domain::ids::Oid;
use crate::domain::run::{Cause, Outcome};
use crate::land::{Landing, Step, Steps};
use crate::lifecycle::{Kept, Phase, Story};
use crate::workspace::merge::{Identity, MergeRequest, Merged, Purpose};

impl Engine {
    pub(in crate::daemon) async fn merge(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        let repo = &self.site.repo;
        let settings = self.settings(&story.order).await?;
        let paths = repo.held(story.base(), &kept.tip, &settings)?;
        if !paths.is_empty() && !story.is_lifted(&["protected", "tampering"]) {
            self.record(story, Body::Protected { paths })?;
            return Ok(());
        }
        let Some(onto) = repo.branch_tip(&story.order.target).await? else {
            return self.aside(story, "target_gone", format!("branch {} is gone", story.order.target));
        };
        repo.fetch(&onto).await?;
        let commit = &settings.commit.value;
        let identity = Identity { name: commit.name.clone(), email: commit.email.clone() };
        let merged = self.merge_kept(story, &kept, &onto, (&identity, Purpose::Landing)).await?;
        // A merge that changes nothing is no landing: there would be nothing to see in it.
        let body = merged.unwrap_or_else(|| {
            let reason = format!("{} already has everything this work changed", story.order.target);
            Body::Settling { outcome: Outcome::NoChange, cause: None, reason }
        });
        self.record(story, body)?;
        Ok(())
    }

    /// Kept work of an earlier claim and the target that moved since become what the next attempt begins with
    /// (rules 15.1).
    pub(in crate::daemon) async fn unite(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        let (repo, onto) = (&self.site.repo, story.order.base.clone());
        repo.fetch(&onto).await?;
        let body = match self.merge_kept(story, &kept, &onto, (&Identity::default(), Purpose::Union)).await? {
            Some(body) => body,
            // The target has all of it already: it begins there.
            None => Body::Merged { commit: onto.clone(), tree: repo.tree_of(&onto)?, onto },
        };
        self.record(story, body)?;
        Ok(())
    }

    /// What comes of the kept work on `onto`; `None` where that has everything the work changed.
    async fn merge_kept(
        &self,
        story: &Story,
        kept: &Kept,
        onto: &Oid,
        (identity, purpose): (&Identity, Purpose),
    ) -> Result<Option<Body>, EngineError> {
        let request = MergeRequest {
            target: onto,
            tip: &kept.tip,
            base: story.base(),
            bead: &story.bead,
            title: &story.order.title,
            run: &kept.run,
            date: kept.at,
            identity,
            purpose,
        };
        let (repo, onto) = (&self.site.repo, onto.clone());
        Ok(match repo.merge(&request).await? {
            Merged::Clean { tree, .. } if tree == repo.tree_of(&onto)? => None,
            Merged::Clean { commit, tree } => Some(Body::Merged { commit, tree, onto }),
            Merged::Conflict { paths, commit } => {
                Some(Body::Conflicted { onto, paths, commit: Some(commit) })
            }
        })
    }

    pub(in crate::daemon) async fn land(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(candidate) = story.candidate.clone() else { return Ok(()) };
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        let settings = self.settings(&story.order).await?;
        let again = story.phase == Phase::Landing { intent: true };
        if !again {
            if !self.still_ours(story).await? {
                let reason = "the claim is gone: somebody changed the bead while it was worked on".to_owned();
                return self.aside(story, "claim_lost", reason);
            }
            self.file_approved(story, &settings).await?;
            self.record(story, Body::Landing { old: candidate.onto.clone(), new: candidate.commit.clone() })?;
        }
        // The merge commit comes under the run's own ref: one pack, one ref (rules 2.7).
        self.site.repo.offer(&kept.run, &candidate.commit).await?;
        let locks = self.house.places.locks();
        let _turn = locks::turn(&locks, &self.site.id)
            .await
            .map_err(|source| EngineError::Io { path: locks, source })?;
        let notes = self.house.places.landing(&kept.run);
        let order = LandOrder {
            target: &story.order.target,
            old: &candidate.onto,
            new: &candidate.commit,
            tree: &candidate.tree,
            run: &kept.run,
            bead: &story.bead,
            notes: &notes,
            mode: settings.land.value.mode,
            again,
        };
        let landed = self.site.repo.land(&order, &Failing(&self.failpoint)).await?;
        let body = match landed {
            Landing::Advanced => Body::Landed { commit: candidate.commit },
            Landing::Beside { branch, why } => {
                Body::LandedBeside { branch, commit: candidate.commit, why: why.to_string() }
            }
            Landing::OnBranch { branch } => Body::LeftOnBranch { branch, commit: candidate.commit },
            Landing::Moved { tip: Some(tip) } => {
                let last = self.site.repo.messages(&tip, 1)?;
                let ours = last.iter().any(|(_, message)| message.contains("\nBead-Run: "));
                Body::TargetMoved { tip, ours }
            }
            // Merging again finds the branch gone and says so.
            Landing::Moved { tip: None } => Body::TargetMoved { tip: candidate.onto, ours: false },
        };
        self.survive("done", "land")?;
        self.record(story, body)?;
        Ok(())
    }

    /// Parks the bead for a reason that only a person can settle.
    fn aside(&self, story: &mut Story, cause: &str, reason: String) -> Result<(), EngineError> {
        self.record(
            story,
            Body::Settling { outcome: Outcome::Parked, cause: Some(Cause::new(cause)), reason },
        )?;
        Ok(())
    }
}

/// Gives the engine's failpoint to the steps of a landing.
struct Failing<'a>(&'a Failpoint);

impl Steps for Failing<'_> {
    fn reached(&self, step: Step) -> ControlFlow<()> {
        if (self.0)(&format!("land:{step:?}")) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

//! Effects on the target: merge in the quarantine, and land.
//!
//! Owns the checks right before each: protected paths, a target that moved or is gone, a claim that is no
//! longer ours. The landing itself, step by step, is `land`'s.

use std::ops::ControlFlow;

use crate::config::effective::Effective;
use crate::daemon::engine::{Engine, Failpoint};
use crate::daemon::error::EngineError;
use crate::daemon::locks;
use crate::domain::event::Body;
use crate::domain::ids::Oid;
use crate::domain::run::{Cause, Outcome};
use crate::gate::protected::{self, Changed, Side};
use crate::land::{self, LandRequest, Landing, Step, Steps};
use crate::lifecycle::{Phase, Story};
use crate::workspace::diff::{Bounds, Diff};
use crate::workspace::git::Objects;
use crate::workspace::merge::{self, MergeRequest, Merged};
use crate::workspace::publish;

impl Engine {
    pub(in crate::daemon) async fn merge(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        let quarantine = &self.site.quarantine;
        let settings = self.settings(&story.order).await?;
        let objects = quarantine.objects()?;
        let bounds = Bounds { files: u64::MAX, bytes: u64::MAX };
        let diff = Diff::between(&objects, &story.order.base, &kept.tip, bounds)?;
        let paths = protected_paths(&objects, &diff, &story.order.base, &kept.tip, &settings);
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
        let again = story.phase == Phase::Landing { intent: true };
        if !again {
            if !self.still_ours(story).await? {
                let reason = "the claim is gone: somebody changed the bead while it was worked on".to_owned();
                return self.aside(story, "claim_lost", reason);
            }
            self.record(story, Body::Landing { old: candidate.onto.clone(), new: candidate.commit.clone() })?;
        }
        // The merge commit comes under the run's own ref: one pack, one ref (rules 2.7).
        self.site.quarantine.keep(&kept.run, &candidate.commit).await?;
        publish::publish(&self.site.quarantine, &self.site.repo, &kept.run).await?;
        let locks = self.house.places.locks();
        let _turn = locks::turn(&locks, &self.site.id)
            .await
            .map_err(|source| EngineError::Io { path: locks, source })?;
        let notes = self.house.places.landing(&kept.run);
        let request = LandRequest {
            repo: &self.site.repo,
            target: &story.order.target,
            old: &candidate.onto,
            new: &candidate.commit,
            tree: &candidate.tree,
            run: &kept.run,
            bead: &story.bead,
            notes: &notes,
        };
        let steps = Failing(&self.failpoint);
        let landed =
            if again { land::recover(&request, &steps).await? } else { land::land(&request, &steps).await? };
        let body = match landed {
            Landing::Advanced => Body::Landed { commit: candidate.commit },
            Landing::Beside { branch, why } => {
                Body::LandedBeside { branch, commit: candidate.commit, why: why.to_string() }
            }
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

/// Manifests larger than this are held anyway: nobody can say what their scripts do.
const MANIFEST_CAP: u64 = 1 << 20;
const SYMLINK: u32 = 0o120_000;

/// Changed paths that wait for a person, each with why. The tracker's own are left out by the landing.
fn protected_paths(
    objects: &Objects,
    diff: &Diff,
    base: &Oid,
    tip: &Oid,
    settings: &Effective,
) -> Vec<String> {
    let shown: Vec<(String, Option<String>)> = diff
        .changes
        .iter()
        .filter(|c| !c.is_tracker())
        .map(|c| {
            let link = c.new.as_ref().filter(|side| side.mode == SYMLINK);
            let target = link.and_then(|side| objects.blob(&side.oid, 4096).ok());
            (c.shown(), target.map(|t| String::from_utf8_lossy(&t).into_owned()))
        })
        .collect();
    let changes: Vec<Changed<'_>> =
        shown.iter().map(|(path, link)| Changed { path, from: None, link: link.as_deref() }).collect();
    let read = |side: Side, path: &str| {
        let commit = match side {
            Side::Base => base,
            Side::Work => tip,
        };
        objects.file_at(commit, path, MANIFEST_CAP).ok().flatten()
    };
    protected::held(&changes, &settings.protected, &read)
        .into_iter()
        .map(|h| format!("{} ({})", h.path, h.why))
        .collect()
}

//! What the agent is told when its run begins.
//!
//! Owns the choice between a first prompt, a fix in the same conversation and a word to go on, and reads the
//! project's summary from the base commit. The words themselves are templates of the context room.

use crate::config::effective::Effective;
use crate::context::prompt::{Conflict, Fix, Prompts, Work};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::bead::Bead;
use crate::domain::ids::{BeadId, Oid, base36};
use crate::lifecycle::{Conflict as Meeting, Story};

/// How far back the target's commits are searched for beads that landed.
const SEARCHED: usize = 500;
/// Larger files are taken for unchanged.
const COMPARED: u64 = 16 << 20;

impl Engine {
    pub(in crate::daemon) async fn task(
        &self,
        story: &Story,
        settings: &Effective,
    ) -> Result<String, EngineError> {
        let resumed = story.work.as_ref().filter(|w| w.resume);
        let gates = if story.order.no_gates { &[][..] } else { &settings.gates[..] };
        let prompts = Prompts::embedded();
        if resumed.is_some_and(|w| w.confirm && w.resumed.is_some()) {
            let bead = self.site.tracker.show(&story.bead).await?;
            return Ok(prompts.confirm(&bead, gates)?);
        }
        if let Some(why) = resumed.and_then(|w| w.resumed.as_ref()) {
            return Ok(format!("Your run was interrupted ({why}). Continue from where you left off."));
        }
        let bead = self.site.tracker.show(&story.bead).await?;
        let nonce = base36(self.house.ids.bytes(), 12);
        if let Some(conflict) = story.conflict.as_ref().filter(|_| story.in_conflict_run()) {
            let others = self.landed_since(story, conflict).await?;
            let paths = &conflict.paths;
            let words = Conflict { bead: &bead, others: &others, paths, gates, nonce: &nonce };
            return Ok(prompts.conflict(&words)?);
        }
        let findings = &story.findings[..];
        if resumed.is_some() && story.attempt > 1 {
            return Ok(prompts.fix(&Fix { bead: &bead, gates, findings, nonce: &nonce })?);
        }
        let summary = self.site.repo.summary(&story.order.base)?;
        let carried = story.work.as_ref().and_then(|w| w.resumed.as_deref()).filter(|_| story.contexts > 0);
        let work = Work { bead: &bead, summary: &summary, gates, findings, carried, nonce: &nonce };
        Ok(prompts.work(&work)?)
    }

    /// The beads whose landing changed a path in conflict, by the trailers of the target's commits.
    async fn landed_since(&self, story: &Story, conflict: &Meeting) -> Result<Vec<Bead>, EngineError> {
        let repo = &self.site.repo;
        let mut ids: Vec<BeadId> = Vec::new();
        let mut landings = Vec::new();
        for (commit, message) in repo.messages(&conflict.onto, SEARCHED)? {
            if repo.is_ancestor(&commit, &story.order.base)? {
                break;
            }
            let bead = message.lines().rev().find_map(|line| line.strip_prefix("Bead: "));
            if let Some(bead) = bead.filter(|_| message.contains("\nBead-Run: ")) {
                landings.push((commit, BeadId::new(bead.trim())));
            }
        }
        // From the oldest: what differs from the state before came with this landing, or between the two.
        let mut before = story.order.base.clone();
        for (commit, bead) in landings.into_iter().rev() {
            let changed = conflict.paths.iter().any(|path| {
                let at = |commit: &Oid| repo.file_at(commit, path, COMPARED).ok().flatten();
                at(&before) != at(&commit)
            });
            if changed && bead != story.bead && !ids.contains(&bead) {
                ids.push(bead);
            }
            before = commit;
        }
        let snapshot = self.site.tracker.snapshot().await?;
        Ok(ids.iter().filter_map(|id| snapshot.find(id).ok().cloned()).collect())
    }
}

//! What the agent is told when its run begins.
//!
//! Owns the choice between a first prompt, a fix in the same conversation and a word to go on, and reads the
//! project's summary and its own templates from the base commit. The words themselves are templates of the context
//! room. Start with `Engine::task`.

use std::collections::BTreeMap;

use crate::beads::TrackerError;
use crate::config::effective::Effective;
use crate::context::prompt::{
    Conflict, FOLDER, Fix, GoesOn, NAMES, Prompts, Proven, Review, Work, path_of, strays,
};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::domain::bead::Bead;
use crate::domain::event::{Again, Body};
use crate::domain::ids::{BeadId, Oid, base36};
use crate::journal::read::Filter;
use crate::lifecycle::{Conflict as Meeting, Story, for_the_author};

/// How far back the target's commits are searched for beads that landed.
const SEARCHED: usize = 500;
/// Larger files are taken for unchanged.
const COMPARED: u64 = 16 << 20;
/// A longer template is refused; so much is read to see that.
const TEMPLATE_CAP: u64 = 1 << 20;
/// So many files that are no templates are named.
const STRAYS: usize = 5;

impl Engine {
    /// The templates in force: a project's own stand in its base commit, never only in the checkout (rules 9).
    pub(in crate::daemon) fn prompts(&self, base: &Oid) -> Result<Prompts, EngineError> {
        let mut own = BTreeMap::new();
        for name in NAMES {
            if let Some(text) = self.site.repo.file_at(base, &path_of(name), TEMPLATE_CAP)? {
                own.insert(name.to_owned(), text);
            }
        }
        Prompts::with_overrides(own).map_err(|error| {
            Refusal::new(format!("a prompt of this project cannot be used: {error}"))
                .hint("correct it and commit it: a run reads the committed file, not the one in the checkout")
                .hint("or remove it, and the built-in prompt is used again")
                .into()
        })
    }

    /// Files beside them that nothing reads, in words, a few: a misspelt one would be missed in silence.
    pub(in crate::daemon) fn stray_prompts(&self, base: &Oid) -> Result<Vec<String>, EngineError> {
        let strays = strays(self.site.repo.folder_at(base, FOLDER)?);
        Ok(strays.iter().take(STRAYS).map(ToString::to_string).collect())
    }

    pub(in crate::daemon) async fn task(
        &self,
        story: &Story,
        settings: &Effective,
    ) -> Result<String, EngineError> {
        let resumed = story.work.as_ref().filter(|w| w.resume);
        let gates = if story.order.no_gates { &[][..] } else { &settings.gates[..] };
        let prompts = self.prompts(&story.order.base)?;
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
        let again = story.order.again.as_ref().filter(|_| story.attempt == 1 && story.findings.is_empty());
        if let Some(again) = again.filter(|_| resumed.is_some()) {
            return self.goes_on(&prompts, story, again, &bead);
        }
        let findings = &story.findings[..];
        if let (true, [cut_off]) = (resumed.is_some() && story.timeouts > 0, findings)
            && cut_off.source == "agent"
        {
            return Ok(prompts.wrap_up(&bead, gates, &cut_off.detail)?);
        }
        if resumed.is_some() && story.attempt > 1 {
            return Ok(prompts.fix(&Fix { bead: &bead, gates, findings, nonce: &nonce })?);
        }
        let summary = self.site.repo.summary(&story.order.base)?;
        let told = again.map(|again| self.goes_on(&prompts, story, again, &bead)).transpose()?;
        let carried = story.work.as_ref().and_then(|w| w.resumed.as_deref()).filter(|_| story.contexts > 0);
        let work = Work { bead: &bead, summary: &summary, gates, findings, carried, nonce: &nonce };
        let prompt = prompts.work(&work)?;
        Ok(match told {
            Some(told) => format!("{told}\n{prompt}"),
            None => prompt,
        })
    }

    /// What a reviewer is told.
    pub(in crate::daemon) async fn review_task(&self, story: &Story) -> Result<String, EngineError> {
        let bead = match self.site.tracker.show(&story.bead).await {
            Ok(bead) => bead,
            // A branch is reviewed for its own sake.
            Err(TrackerError::UnknownId { .. }) if super::review::is_loose(story) => titled(story),
            Err(error) => return Err(error.into()),
        };
        let run = story.reviews.run.as_ref();
        let tip = run.map(|run| &run.from).or_else(|| story.tip.as_ref().map(|kept| &kept.tip));
        let diff = tip.map_or(Ok(String::new()), |tip| self.site.repo.diff(story.base(), tip))?;
        let gates = self.proven(story)?;
        let review = Review {
            bead: &bead,
            base: story.base().as_str(),
            target: &story.order.target,
            diff: &diff,
            gates: &gates,
            earlier: story.reviews.ledger(),
            round: story.round(),
            rounds: story.order.rounds,
            nonce: &base36(self.house.ids.bytes(), 12),
        };
        Ok(self.prompts(&story.order.base)?.review(&review)?)
    }

    /// The last word of each gate in this claim.
    fn proven(&self, story: &Story) -> Result<Vec<Proven>, EngineError> {
        let filter = Filter::of(&story.project, &story.bead);
        let mut gates: Vec<Proven> = Vec::new();
        for event in self.house.journal.events(story.id, &filter, usize::MAX)? {
            if let Body::GateEnded { gate, passed, summary, .. } = event.body {
                gates.retain(|known| known.gate != gate);
                gates.push(Proven { gate, passed, summary });
            }
        }
        Ok(gates)
    }

    /// What is said first where an earlier claim's work goes on: a person's own words come before everything.
    fn goes_on(
        &self,
        prompts: &Prompts,
        story: &Story,
        again: &Again,
        bead: &Bead,
    ) -> Result<String, EngineError> {
        let filter = Filter::of(&story.project, &story.bead);
        let mut blocker = None;
        for event in self.house.journal.events(0, &filter, usize::MAX)? {
            match event.body {
                Body::Blocked { blocker: bead, .. } => blocker = Some(bead),
                Body::GivenBack { .. } => blocker = None,
                _ => {}
            }
        }
        let moved = (again.base != *story.base()).then(|| story.base().short().to_owned());
        Ok(prompts.blocked(&GoesOn {
            bead,
            word: again.word.as_deref(),
            blocker: blocker.as_ref().map(BeadId::as_str),
            kept: story.tip.is_some(),
            moved: moved.as_deref(),
            target: &story.order.target,
            findings: &for_the_author(&again.reviewed.open),
            nonce: &base36(self.house.ids.bytes(), 12),
        })?)
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

/// What stands for a bead where there is none.
fn titled(story: &Story) -> Bead {
    serde_json::from_value(serde_json::json!({ "id": story.bead, "title": story.order.title }))
        .expect("an id and a title make a bead")
}

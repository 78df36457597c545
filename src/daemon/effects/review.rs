//! The effect between gates and landing: an independent agent reads the work, and its reply is judged.
//!
//! Owns the three steps of a round, each safe to do again after a crash: the intent with run, name and nonce;
//! the reviewer's container, started or adopted, to its end; the reply, read from the stored stream, filed and
//! written down. The sandbox is `reviewer`'s, what a reply is worth the review room's. Start with
//! `Engine::review`.

use super::reviewer::remove_sandboxes;
use crate::config::effective::Effective;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::filing::{self, Filing, Person};
use crate::daemon::findings::{self, Found};
use crate::daemon::repository::Repository;
use crate::domain::event::{Body, Event, Outside};
use crate::domain::ids::{Oid, RunId, base36};
use crate::domain::run::RunKind;
use crate::domain::verdict::{Entry, Review, Standing, Verdict};
use crate::journal::{self, JournalError};
use crate::lifecycle::{Story, Work};
use crate::review::judge::{Round, judge};
use crate::review::origin::{Changed, Fix};
use crate::review::reply::{self, Reply};

impl Engine {
    pub(in crate::daemon) async fn review(&self, story: &mut Story) -> Result<(), EngineError> {
        match story.reviews.run.clone() {
            None => self.announce_review(story).await,
            Some(run) if run.end.is_none() => self.hear_reviewer(story, &run).await,
            Some(run) => self.judge_review(story, &run).await,
        }
    }

    async fn announce_review(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(kept) = story.tip.clone() else { return Ok(()) };
        if self.spent(story).await? {
            return Ok(());
        }
        let run = RunId::from_bytes(self.house.ids.bytes());
        let body = Body::ReviewStarted {
            round: story.round(),
            sandbox: format!("bead-{run}-1"),
            nonce: base36(self.house.ids.bytes(), 12),
            tip: kept.tip,
        };
        self.record_of(story, &run, body)?;
        self.tell_review_once(story, &run)
    }

    /// A crash between a review's beginning and its run's would leave the run without a log.
    fn tell_review_once(&self, story: &mut Story, run: &RunId) -> Result<(), EngineError> {
        if self.house.journal.log_of(run)?.is_none() {
            let log = self.log_name(story, RunKind::Review);
            // What proves its container ours is in the review's own beginning.
            let outside = is_loose(story).then(Outside::default);
            self.record_of(story, run, Body::RunStarted { kind: RunKind::Review, log, outside })?;
        }
        Ok(())
    }

    /// An event of the run, which need not be the author's.
    pub(super) fn record_of(&self, story: &mut Story, run: &RunId, body: Body) -> Result<(), EngineError> {
        if is_loose(story) {
            return self.tell_loosely(story, run, body);
        }
        let phase = story.phase.name();
        self.survive("commit", phase)?;
        self.record_as(story, journal::Entry { run: Some(run.clone()), ..journal::Entry::of(story, body) })?;
        self.survive("committed", phase)
    }

    /// Outside a claim only the run, what proves its containers ours, and what it cost is written down.
    fn tell_loosely(&self, story: &mut Story, run: &RunId, body: Body) -> Result<(), EngineError> {
        let entry = journal::Entry { run: Some(run.clone()), ..journal::Entry::of(story, body) };
        let told =
            matches!(entry.body, Body::RunStarted { .. } | Body::ReviewStarted { .. } | Body::AgentEnded(_));
        if told {
            // Without its bead, for it follows nothing that a claim of the bead is doing.
            let bead = entry.bead.clone().filter(|_| matches!(entry.body, Body::RunStarted { .. }));
            self.house.journal.tell(journal::Entry { bead, ..entry.clone() })?;
        }
        let event = Event {
            seq: 0,
            at: self.house.clock.now(),
            project: entry.project,
            bead: entry.bead,
            run: entry.run,
            attempt: None,
            body: entry.body,
        };
        story.apply(&event).map_err(JournalError::from)?;
        self.progress.event(&event, story);
        Ok(())
    }

    /// Starts or adopts the reviewer and stays with it until it has ended.
    async fn hear_reviewer(&self, story: &mut Story, run: &Work) -> Result<(), EngineError> {
        let settings = self.settings(&story.order).await?;
        self.tell_review_once(story, &run.run)?;
        let end = self.end_of(story, run, &settings).await?;
        self.survive("done", "review")?;
        self.record_of(story, &run.run, Body::AgentEnded(end))?;
        remove_sandboxes(self, &run.run).await
    }

    /// Reads the reply from the stored stream; the same bytes give the same verdict again.
    async fn judge_review(&self, story: &mut Story, run: &Work) -> Result<(), EngineError> {
        remove_sandboxes(self, &run.run).await?;
        let settings = self.settings(&story.order).await?;
        let (log, stream) = self.open_log(story, run, &settings)?;
        let summary = stream.summary();
        let texts: Vec<&str> = summary.texts().collect();
        let structured = summary.last_turn.as_ref().and_then(|turn| turn.structured_output.as_ref());
        let reply = reply::read(structured, &texts);
        log.close()?;
        let changed = self.changed(story, run, &reply)?;
        let round = Round {
            number: story.round(),
            rounds: story.order.rounds,
            repeated: story.reviews.repeated,
            earlier: story.reviews.ledger(),
            changed: &changed,
        };
        let mut review = judge(&reply, &round);
        self.survive("done", "judge")?;
        self.file_leftovers(story, run, &mut review, &settings).await?;
        let cost_usd = run.end.as_ref().map_or(0.0, |end| end.cost_usd);
        self.record_of(story, &run.run, Body::Reviewed { review, cost_usd })
    }

    /// The lines that the work and each of its fixes changed, and what was there before it.
    fn changed(&self, story: &Story, run: &Work, reply: &Reply) -> Result<Changed, EngineError> {
        let (repo, base) = (self.site.repo.as_ref(), story.base());
        let work = repo.diff(base, &run.from)?;
        let tips: Vec<&Oid> = story.reviews.tips.iter().chain([&run.from]).collect();
        let mut changed = Changed::from_diffs(&work, &fixes(repo, &tips, base)?);
        let read = story.order.again.as_ref().and_then(|again| again.reviewed.tip.as_ref());
        // A tip that git no longer has shows no change, and what was found in it stays open.
        let since = read.map_or(Ok(Vec::new()), |read| fixes(repo, &[read, tips[0]], base));
        changed.taken_up = since.unwrap_or_default().iter().any(Fix::is_any);
        for path in reply.findings.iter().filter_map(|reported| reported.finding.file.as_ref()) {
            if repo.has_path(base, path)? {
                changed.before.insert(path.clone());
            }
        }
        Ok(changed)
    }

    /// What is nobody's task any more after the last round becomes beads, before the verdict is written: it is done
    /// again after a crash, and nothing is filed twice.
    async fn file_leftovers(
        &self,
        story: &Story,
        run: &Work,
        review: &mut Review,
        settings: &Effective,
    ) -> Result<(), EngineError> {
        if review.verdict != Verdict::Accept || is_loose(story) {
            return Ok(());
        }
        let filing = Filing { run: Some(&run.run), ..self.filing(story, settings) };
        let outcome = filing::file(&filing, &review.ledger).await?;
        for entry in &mut review.ledger {
            let Some(filed) = outcome.filed.iter().find(|filed| filed.fingerprint == entry.fingerprint)
            else {
                continue;
            };
            entry.standing = match (&filed.bead, &filed.why) {
                (Some(bead), _) => Standing::Filed { bead: bead.clone() },
                (None, why) => Standing::Waived { reason: why.clone().unwrap_or_default() },
            };
        }
        Ok(())
    }
}

impl Engine {
    /// Where a person's yes takes the place of a review, what an earlier claim's reviews left is seen to before the
    /// landing: what keeps work from landing was approved with it, the rest becomes beads. Done once, by the journal.
    pub(super) async fn file_approved(&self, story: &Story, settings: &Effective) -> Result<(), EngineError> {
        if !story.is_lifted(&["review"]) || story.reviews.last.is_some() {
            return Ok(());
        }
        let known = findings::all(&self.house.journal, &story.project, Some(&story.bead))?;
        let is_open = |entry: &&Entry| {
            let same = |found: &&Found| found.entry.fingerprint == entry.fingerprint;
            known.iter().find(same).is_none_or(|found| found.entry.standing == Standing::Open)
        };
        let open = story.reviews.before.iter().filter(is_open).cloned();
        let (approved, left): (Vec<Entry>, Vec<Entry>) = open.partition(Entry::holds);
        let filing = self.filing(story, settings);
        filing::waive(&filing, &approved, "a person approved the work with it")?;
        filing::file(&filing, &left).await?;
        Ok(())
    }

    fn filing<'a>(&'a self, story: &'a Story, settings: &Effective) -> Filing<'a> {
        Filing {
            house: &self.house,
            site: &self.site,
            source: &story.bead,
            run: None,
            attempt: (story.attempt > 0).then_some(story.attempt),
            create: settings.review.value.create_beads,
            person: Person::Absent,
        }
    }
}

/// What lies between each two of the tips that were read, `base` being what the work descends from now, which it may have
/// been united with in between. A tip of the user's that git no longer has was made before that.
fn fixes(repo: &dyn Repository, tips: &[&Oid], base: &Oid) -> Result<Vec<Fix>, EngineError> {
    let has = |onto: &Oid, tip: &Oid| repo.is_ancestor(onto, tip).unwrap_or(false);
    let fix = |pair: &[&Oid]| {
        let &[before, after] = pair else { return Ok(Fix::default()) };
        let came = Some(base).filter(|onto| !has(onto, before) && has(onto, after));
        let on_new_base = came.map(|onto| repo.diff(onto, after)).transpose()?;
        Ok(Fix { change: repo.diff(before, after)?, on_new_base })
    };
    tips.windows(2).map(fix).collect()
}

/// A story that no journal holds: somebody wants an opinion, outside any claim.
pub(super) fn is_loose(story: &Story) -> bool {
    story.id == 0
}

#[cfg(test)]
mod tests;

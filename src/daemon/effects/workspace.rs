//! Effects before the agent: a new attempt with its ids, and the private clone it works in.
//!
//! Owns what an attempt is given: run id, conversation, base. Money that is spent already ends the story here
//! before another attempt costs more.

use crate::config::places::make_private;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::domain::event::Body;
use crate::domain::ids::{Oid, RunId};
use crate::domain::run::{Cause, Outcome, RunKind};
use crate::journal::Entry;
use crate::journal::read::Filter;
use crate::lifecycle::Story;
use crate::workspace::clone::CloneRequest;

impl Engine {
    pub(in crate::daemon) async fn start_attempt(
        &self,
        story: &mut Story,
        number: u32,
        from: Oid,
        resume: bool,
    ) -> Result<(), EngineError> {
        if self.spent(story).await? {
            return Ok(());
        }
        let run = RunId::from_bytes(self.house.ids.bytes());
        let body = Body::AttemptStarted { from, session: self.session(story, resume), resume };
        self.begin_run(story, run, number, body)
    }

    /// Money that is spent already parks the bead before another run costs more.
    pub(super) async fn spent(&self, story: &mut Story) -> Result<bool, EngineError> {
        let cap = self.settings(&story.order).await?.limits.cost_usd.value;
        let spent = story.spent_usd();
        if spent < cap {
            return Ok(false);
        }
        let reason = format!("${spent:.2} of ${cap:.2} (`limits.cost_usd`) are spent");
        let cause = Some(Cause::new("budget"));
        self.record(story, Body::Settling { outcome: Outcome::Parked, cause, reason })?;
        Ok(true)
    }

    /// The run that unites the work with a target it conflicts with: a run of its own in the same attempt and,
    /// where there is one, in the same conversation.
    pub(in crate::daemon) async fn start_conflict_run(&self, story: &mut Story) -> Result<(), EngineError> {
        if self.spent(story).await? {
            return Ok(());
        }
        let run = RunId::from_bytes(self.house.ids.bytes());
        let resume = story.conversed;
        let body = Body::ConflictRunStarted { session: self.session(story, resume), resume };
        // Before the first attempt it belongs to that one.
        let number = story.attempt.max(1);
        self.begin_run(story, run, number, body)
    }

    fn session(&self, story: &Story, resume: bool) -> String {
        let earlier = story.order.again.as_ref().and_then(|again| again.session.clone());
        let mine = story.work.as_ref().map(|work| work.session.clone());
        match mine.or(earlier).filter(|_| resume) {
            Some(session) => session,
            None => super::uuid(self.house.ids.bytes()),
        }
    }

    fn begin_run(&self, story: &mut Story, run: RunId, number: u32, body: Body) -> Result<(), EngineError> {
        let phase = story.phase.name();
        let entry = Entry {
            project: Some(story.project.clone()),
            bead: Some(story.bead.clone()),
            run: Some(run),
            attempt: Some(number),
            body,
        };
        self.survive("commit", phase)?;
        self.record_as(story, entry)?;
        self.survive("committed", phase)?;
        let log = self.log_name(story, RunKind::Work);
        self.record(story, Body::RunStarted { kind: RunKind::Work, log, outside: None })?;
        Ok(())
    }

    /// A crash between an attempt's beginning and its run's would leave the run without a log.
    fn tell_run_once(&self, story: &mut Story, run: &RunId) -> Result<(), EngineError> {
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        if self.house.journal.runs(&filter, 1)?.is_empty() {
            let log = self.log_name(story, RunKind::Work);
            self.record(story, Body::RunStarted { kind: RunKind::Work, log, outside: None })?;
        }
        Ok(())
    }

    /// Where a run's log goes, relative to the state directory and without its ending.
    pub(in crate::daemon) fn log_name(&self, story: &Story, kind: RunKind) -> String {
        let stamp = self.house.clock.now().format("%Y%m%dT%H%M%S%3fZ");
        format!("logs/{}/{}/{stamp}-{}.log", story.project, story.bead.slug(), kind.as_str())
    }

    pub(in crate::daemon) async fn prepare(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(work) = story.work.clone() else { return Ok(()) };
        self.tell_run_once(story, &work.run)?;
        self.site.repo.fetch(&story.order.base).await?;
        let dir = self.house.places.clone_dir(&work.run);
        // A crash may have left half a clone, which goes: the agent starts after this, nobody has worked in it.
        let request =
            CloneRequest { path: &dir, run: &work.run, tip: &work.from, owner: self.machine.owner() };
        self.site.repo.clone_for(&request).await?;
        let conversation = self.house.places.conversation(&story.project, &story.bead);
        self.private_for_run(&conversation)?;
        self.survive("done", "prepare")?;
        self.record(story, Body::WorkspaceReady)?;
        Ok(())
    }

    /// A directory (0700) that the run's user owns: when we are root that is somebody else.
    pub(in crate::daemon) fn private_for_run(&self, dir: &std::path::Path) -> Result<(), EngineError> {
        let refused = |e: crate::config::places::PlacesError| EngineError::from(Refusal::new(e.to_string()));
        if dir.is_dir() && self.machine.owner().is_some() {
            return Ok(());
        }
        let parent = dir.parent().unwrap_or(dir);
        std::fs::create_dir_all(parent)
            .map_err(|source| EngineError::Io { path: parent.to_owned(), source })?;
        make_private(dir, self.house.uid).map_err(refused)?;
        if let Some((uid, gid)) = self.machine.owner() {
            std::os::unix::fs::chown(dir, Some(uid), Some(gid))
                .map_err(|source| EngineError::Io { path: dir.to_owned(), source })?;
        }
        Ok(())
    }
}

//! What follows when a bead's task has ended, and when a night begins and is over.
//!
//! Owns the classes of errors: what stops the night, what waits and is tried again, what is nobody's fault.
//! Start with [`Dispatcher::see_to`].

use tokio::task::JoinError;

use super::snapshot::Snapshot;
use super::status::NightReport;
use super::{Dispatcher, Hours, Key};
use crate::daemon::error::EngineError;
use crate::daemon::work::Ended;
use crate::domain::event::Body;
use crate::domain::run::Outcome;
use crate::journal::Entry;
use crate::lifecycle::Phase;
use crate::scheduler::plan::Plan;
use crate::scheduler::reason::Reason;
use crate::scheduler::window::{NightKey, State};

/// After so many tries in a row a bead in trouble no longer keeps a night open.
const HOPELESS: usize = 4;

impl Dispatcher {
    /// Sees to one ended task. An error here ends the dispatcher.
    pub(super) fn see_to(
        &mut self,
        ended: Result<(Key, Result<Ended, EngineError>), JoinError>,
    ) -> Result<(), EngineError> {
        let (key, result) = match ended {
            Ok(ended) => ended,
            Err(panic) => return self.see_to_panic(&panic),
        };
        self.live.remove(&key);
        if let Some(project) = self.projects.get_mut(&key.0) {
            project.stale();
        }
        match result {
            Ok(_) => {
                self.troubles.settled(&key);
                self.see_to_end(&key)
            }
            Err(error @ EngineError::Died(_)) => Err(error),
            Err(EngineError::Left) => Ok(()),
            Err(error) => self.see_to_error(&key, &error),
        }
    }

    fn see_to_end(&mut self, key: &Key) -> Result<(), EngineError> {
        let Some(story) = self.house.journal.stories_of(&key.0, &key.1)?.pop() else { return Ok(()) };
        let (cause, reason) = match &story.phase {
            Phase::Suspended { cause, reason, .. } => (Some(cause.clone()), reason.clone()),
            _ => (story.finish.cause.clone(), story.finish.reason.clone()),
        };
        if !story.is_open() {
            self.notes.ended(&story);
        }
        // With these no bead could do better: one notice, and nothing more is started (F25).
        if cause.is_some_and(|c| matches!(c.as_str(), "credential" | "billing"))
            && story.finish.outcome != Outcome::Landed
        {
            self.stop_night(&reason)?;
        }
        Ok(())
    }

    fn stop_night(&mut self, why: &str) -> Result<(), EngineError> {
        if self.notes.stopped.is_none() {
            let night = self.notes.night.map(|n| n.to_string()).unwrap_or_default();
            self.note(Body::NightStopped { night, why: why.to_owned() })?;
            self.notes.stopped = Some(why.to_owned());
        }
        Ok(())
    }

    fn see_to_error(&mut self, key: &Key, error: &EngineError) -> Result<(), EngineError> {
        let now = self.house.clock.now();
        let new = self.troubles.note(key, error, now, self.house.ids.bytes());
        tracing::warn!(bead.id = %key.1, %error, "a bead could not go on");
        if new && !matches!(error, EngineError::Refused(_)) {
            self.house.journal.tell(Entry {
                project: Some(key.0.clone()),
                bead: Some(key.1.clone()),
                run: None,
                attempt: None,
                body: Body::Notice { text: format!("could not go on, and is tried again: {error}") },
            })?;
        }
        Ok(())
    }

    /// A task that panicked is a bug of ours: its story is open, and recovery takes it up.
    fn see_to_panic(&mut self, panic: &JoinError) -> Result<(), EngineError> {
        self.note(Body::Notice { text: format!("a task of the night broke: {panic}") })?;
        let dir = self.house.places.locks();
        self.live.retain(|(project, bead), _| {
            let taken = crate::daemon::locks::look(&dir, project, bead);
            !matches!(taken, Ok(crate::daemon::locks::Taken::Ours(_)))
        });
        Ok(())
    }

    pub(super) fn note(&self, body: Body) -> Result<(), EngineError> {
        self.house.journal.tell(Entry { project: None, bead: None, run: None, attempt: None, body })?;
        Ok(())
    }

    /// Journals that a night begins or is over; after a restart in its middle it simply goes on.
    pub(super) fn open_or_close_night(&mut self, snapshot: &Snapshot) -> Result<(), EngineError> {
        let open = snapshot.projects.values().find_map(|p| match &p.window {
            State::Open(open) => Some(open),
            State::Closed { .. } => None,
        });
        match (open, self.notes.night) {
            (Some(open), night) if night != Some(open.night) => {
                if night.is_some() {
                    self.close_night("the next one begins")?;
                }
                let since = self.begun_before(open.night)?;
                if since.is_none() {
                    let (night, until) = (open.night.to_string(), open.until);
                    let prospect = self.prospect(snapshot)?;
                    self.note(Body::NightOpened { night, until, prospect })?;
                }
                self.presence.opened = Some(open.night);
                let since = since.unwrap_or(snapshot.now);
                self.notes.begin(&self.house.journal, open.night, since)?;
            }
            (None, Some(_)) if self.live.is_empty() => self.close_night("its window closed")?,
            _ => {}
        }
        Ok(())
    }

    /// When this very night was opened by a forerunner that did not end it.
    fn begun_before(&self, night: NightKey) -> Result<Option<chrono::DateTime<chrono::Utc>>, EngineError> {
        if matches!(self.hours, Hours::Now { .. }) {
            return Ok(None);
        }
        let Some(event) = self.house.journal.last_of("night_opened")? else { return Ok(None) };
        let same = matches!(&event.body, Body::NightOpened { night: n, .. } if *n == night.to_string());
        Ok(same.then_some(event.at))
    }

    pub(super) fn close_night(&mut self, why: &str) -> Result<(), EngineError> {
        if let Some(night) = self.notes.night {
            if let Some(queue) = self.notes.queue.last() {
                self.note(Body::QueueChanged(queue))?;
            }
            let (left, left_out) = self.left();
            let (night, why) = (night.to_string(), why.to_owned());
            self.note(Body::NightEnded { night, why, left, left_out })?;
        }
        self.notes = super::Notes::paused(self.notes.paused);
        Ok(())
    }

    /// Whether a night that a person began has nothing left to do or to wait for.
    pub(super) fn is_over(&self, snapshot: &Snapshot, plan: &Plan) -> bool {
        let Hours::Now { until } = self.hours else { return false };
        let in_time = |at: chrono::DateTime<chrono::Utc>| until.is_none_or(|until| at < until);
        let waits = plan.waiting.iter().any(|waiting| match &waiting.reason {
            Reason::Probe { .. } => true,
            // These do not get better before the night's own end.
            Reason::Draining { .. } | Reason::RunsOut { .. } => false,
            reason => reason.over_at().is_some_and(in_time),
        });
        let closed = until.is_some_and(|until| until <= snapshot.now);
        let begun = |key: &Key| {
            let story = self.house.journal.open_story_of(&key.0, &key.1).ok().flatten();
            story.is_some_and(|s| !matches!(s.phase, Phase::Suspended { .. }))
        };
        let trouble = !closed && self.troubles.keep_waiting(HOPELESS, begun);
        let stopped = self.notes.stopped.is_some();
        self.live.is_empty()
            && self.asked.is_empty()
            && self.wanted.is_empty()
            && !trouble
            && (closed || stopped || !waits)
    }

    pub(super) fn end_night(mut self, why: &str) -> Result<NightReport, EngineError> {
        let why = match (&self.notes.stopped, &self.hours) {
            (Some(stopped), _) => stopped.clone(),
            (None, Hours::Now { until: Some(until) }) if *until <= self.house.clock.now() => {
                "its time is up".to_owned()
            }
            _ => why.to_owned(),
        };
        let report = self.report(&why)?;
        self.close_night(&why)?;
        Ok(report)
    }
}

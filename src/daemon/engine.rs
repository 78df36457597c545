//! The loop that carries one bead's story forward: ask what is next, do it, write it down.
//!
//! Owns the order "intent, effect, result", the places where a person's stop turns a story aside, and the
//! failpoints that tests use to die anywhere. What an effect does stands in `effects`, what follows from it
//! in `lifecycle`. Start with [`Engine::drive`].

use std::sync::Arc;

use crate::domain::event::{Body, Event};
use crate::domain::run::{Cause, Outcome};
use crate::journal::Entry;
use crate::journal::redact::Redactor;
use crate::lifecycle::{Effect, Phase, Story};

use super::error::EngineError;
use super::house::{House, Site};
use super::machine::Machine;
use super::progress::{Progress, Silent};
use super::stop::{Aside, Stop, Urgency};

/// A test's chance to die at a named point: `true` means now.
pub type Failpoint = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Works on the beads of one project.
#[derive(Clone)]
pub struct Engine {
    pub(super) house: Arc<House>,
    pub(super) site: Arc<Site>,
    pub(super) machine: Arc<Machine>,
    pub(super) stop: Stop,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) failpoint: Failpoint,
}

impl Engine {
    pub fn new(house: Arc<House>, site: Arc<Site>, machine: Arc<Machine>) -> Self {
        Self {
            house,
            site,
            machine,
            stop: Stop::default(),
            progress: Arc::new(Silent),
            failpoint: Arc::new(|_| false),
        }
    }

    /// The same engine, heard by a listener and stopped by a person.
    #[must_use]
    pub fn with_person(mut self, stop: Stop, progress: Arc<dyn Progress>) -> Self {
        self.stop = stop;
        self.progress = progress;
        self
    }

    /// The same engine, dying where `failpoint` says so.
    #[must_use]
    pub fn with_failpoint(mut self, failpoint: Failpoint) -> Self {
        self.failpoint = failpoint;
        self
    }

    /// Carries a story on until it is finished or suspended.
    pub async fn drive(&self, story: &mut Story) -> Result<(), EngineError> {
        loop {
            let effect = story.next();
            match self.stop.now() {
                Urgency::AtOnce => return Err(EngineError::Left),
                Urgency::Gently if turns_aside(story) => {
                    self.record(story, stopped(story, self.stop.parked()))?;
                    continue;
                }
                Urgency::Aside if may_wait(story) => {
                    let aside = self.stop.aside().unwrap_or_else(|| Aside {
                        cause: Cause::new("user"),
                        reason: "put aside".to_owned(),
                        until: None,
                        park: false,
                    });
                    let Aside { cause, reason, until, .. } = aside;
                    self.record(story, Body::Suspended { cause, reason, until })?;
                    continue;
                }
                Urgency::Gently | Urgency::Aside | Urgency::GoOn => {}
            }
            if matches!(effect, Effect::Wait | Effect::Nothing) {
                return Ok(());
            }
            let name = effect.name();
            tracing::debug!(bead.id = %story.bead, effect = name, "effect begins");
            self.survive("before", name)?;
            tokio::select! {
                biased;
                // Dropping an effect in its midst is what a crash does to it, and recovery knows both.
                () = self.stop.at_least(Urgency::AtOnce) => return Err(EngineError::Left),
                done = self.perform(story, effect) => done?,
            }
            self.survive("after", name)?;
        }
    }

    async fn perform(&self, story: &mut Story, effect: Effect) -> Result<(), EngineError> {
        match effect {
            Effect::Wait | Effect::Nothing => Ok(()),
            Effect::Claim => self.claim(story).await,
            Effect::Unite => self.unite(story).await,
            Effect::StartAttempt { number, from, resume } => {
                self.start_attempt(story, number, from, resume).await
            }
            Effect::PrepareWorkspace => self.prepare(story).await,
            Effect::RunAgent => self.run_agent(story).await,
            Effect::Export => self.export(story).await,
            Effect::Merge => self.merge(story).await,
            Effect::StartConflictRun => self.start_conflict_run(story).await,
            Effect::Gate => self.gate(story).await,
            Effect::Review => self.review(story).await,
            Effect::Block => self.block(story).await,
            Effect::Land => self.land(story).await,
            Effect::Close => self.close(story).await,
            Effect::Settle { outcome, cause, reason, journalled: true } => {
                self.settle(story, outcome, cause, reason).await
            }
            Effect::Settle { outcome, cause, reason, journalled: false } => {
                self.record(story, Body::Settling { outcome, cause, reason }).map(|_| ())
            }
            Effect::Suspend { cause, reason, resets_at } => self.suspend(story, cause, reason, resets_at),
            Effect::Resume { why } => self.resume(story, why),
            Effect::CleanUp => self.clean_up(story).await,
        }
    }

    /// Writes an event that moves the story, then tells the listener.
    pub(super) fn record(&self, story: &mut Story, body: Body) -> Result<Event, EngineError> {
        self.survive("commit", story.phase.name())?;
        let event = self.house.journal.record(story, self.without_secrets(body))?;
        self.progress.event(&event, story);
        self.survive("committed", story.phase.name())?;
        Ok(event)
    }

    /// As `record`, with ids of its own.
    pub(super) fn record_as(&self, story: &mut Story, mut entry: Entry) -> Result<Event, EngineError> {
        entry.body = self.without_secrets(entry.body);
        let event = self.house.journal.record_as(story, entry)?;
        self.progress.event(&event, story);
        Ok(event)
    }

    /// What an agent said may hold what it found: masked before anything is stored (T37).
    fn without_secrets(&self, body: Body) -> Body {
        let Ok(text) = serde_json::to_string(&body) else { return body };
        let masked = self.redactor().redact_text(&text);
        if masked == text {
            return body;
        }
        // Stars in the place of a string's characters leave JSON what it was.
        serde_json::from_str(&masked).unwrap_or(body)
    }

    pub(super) fn redactor(&self) -> Redactor {
        Redactor::new(self.machine.credential.iter().map(|c| c.expose_for_redaction().as_bytes()))
    }

    pub(super) fn survive(&self, when: &str, what: &str) -> Result<(), EngineError> {
        let name = format!("{when}:{what}");
        if (self.failpoint)(&name) { Err(EngineError::Died(name)) } else { Ok(()) }
    }
}

/// Phases in which a gentle stop settles the bead at once. A running agent is stopped by its own supervisor,
/// and a landing is finished.
fn turns_aside(story: &Story) -> bool {
    matches!(
        story.phase,
        Phase::Claiming
            | Phase::Uniting
            | Phase::Blocking
            | Phase::Starting
            | Phase::Preparing
            | Phase::Merging
            | Phase::Untangling
            | Phase::Gating
            | Phase::Resuming { .. }
            | Phase::Landing { intent: false }
    ) || reviewer_due(story)
}

/// Phases in which an attempt that shall be put aside waits at once. A running agent is ended by its own
/// supervisor; gates and landings, which cost no model, are finished.
fn may_wait(story: &Story) -> bool {
    matches!(story.phase, Phase::Starting | Phase::Preparing | Phase::Untangling | Phase::Resuming { .. })
        || reviewer_due(story)
}

fn reviewer_due(story: &Story) -> bool {
    story.phase == Phase::Reviewing && !story.is_read()
}

/// How a story is turned aside: cancelled, or left to a person for a reason.
pub(super) fn stopped(story: &Story, parked: Option<String>) -> Body {
    if let Some(reason) = parked {
        return Body::Settling { outcome: Outcome::Parked, cause: Some(Cause::new("user")), reason };
    }
    Body::Settling {
        outcome: Outcome::Cancelled,
        cause: Some(Cause::new("interrupted")),
        reason: format!("stopped while {}", story.phase.name()),
    }
}

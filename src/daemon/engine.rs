//! The loop that carries one bead's story forward: ask what is next, do it, write it down.
//!
//! Owns the order "intent, effect, result", the places where a person's stop turns a story aside, and the
//! failpoints that tests use to die anywhere. What an effect does stands in `effects`, what follows from it
//! in `lifecycle`. Start with [`Engine::drive`].

use std::sync::Arc;

use crate::domain::event::{Body, Event};
use crate::domain::run::{Cause, Outcome};
use crate::journal::Entry;
use crate::lifecycle::{Effect, Phase, Story};

use super::error::EngineError;
use super::house::{House, Site};
use super::machine::Machine;
use super::progress::{Progress, Silent};
use super::stop::{Stop, Urgency};

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
                Urgency::Gently if turns_aside(&story.phase) => {
                    self.record(story, stopped(story))?;
                    continue;
                }
                Urgency::Gently | Urgency::GoOn => {}
            }
            self.survive("before", effect.name())?;
            let name = effect.name();
            tracing::debug!(bead.id = %story.bead, effect = name, "effect begins");
            match effect {
                Effect::Wait | Effect::Nothing => return Ok(()),
                Effect::Claim => self.claim(story).await?,
                Effect::StartAttempt { number, from, resume } => {
                    self.start_attempt(story, number, from, resume).await?;
                }
                Effect::PrepareWorkspace => self.prepare(story).await?,
                Effect::RunAgent => self.run_agent(story).await?,
                Effect::Export => self.export(story).await?,
                Effect::Merge => self.merge(story).await?,
                Effect::Gate => self.gate(story).await?,
                Effect::Land => self.land(story).await?,
                Effect::Close => self.close(story).await?,
                Effect::Settle { outcome, cause, reason, journalled } => {
                    if journalled {
                        self.settle(story, outcome, cause, reason).await?;
                    } else {
                        self.record(story, Body::Settling { outcome, cause, reason })?;
                    }
                }
                Effect::Suspend { cause, reason, resets_at } => {
                    self.suspend(story, cause, reason, resets_at)?;
                }
                Effect::Resume { why } => self.resume(story, why)?,
                Effect::CleanUp => self.clean_up(story).await?,
            }
            self.survive("after", name)?;
        }
    }

    /// Writes an event that moves the story, then tells the listener.
    pub(super) fn record(&self, story: &mut Story, body: Body) -> Result<Event, EngineError> {
        self.survive("commit", story.phase.name())?;
        let event = self.house.journal.record(story, body)?;
        self.progress.event(&event, story);
        self.survive("committed", story.phase.name())?;
        Ok(event)
    }

    /// As `record`, with ids of its own.
    pub(super) fn record_as(&self, story: &mut Story, entry: Entry) -> Result<Event, EngineError> {
        let event = self.house.journal.record_as(story, entry)?;
        self.progress.event(&event, story);
        Ok(event)
    }

    pub(super) fn survive(&self, when: &str, what: &str) -> Result<(), EngineError> {
        let name = format!("{when}:{what}");
        if (self.failpoint)(&name) { Err(EngineError::Died(name)) } else { Ok(()) }
    }
}

/// Phases in which a gentle stop settles the bead at once. A running agent is stopped by its own supervisor,
/// and a landing is finished.
fn turns_aside(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::Claiming
            | Phase::Starting
            | Phase::Preparing
            | Phase::Merging
            | Phase::Gating
            | Phase::Resuming { .. }
            | Phase::Landing { intent: false }
    )
}

pub(super) fn stopped(story: &Story) -> Body {
    Body::Settling {
        outcome: Outcome::Cancelled,
        cause: Some(Cause::new("interrupted")),
        reason: format!("stopped while {}", story.phase.name()),
    }
}

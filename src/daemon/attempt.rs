//! Sits with one agent's container from its first byte to its exit.
//!
//! Owns the loop that stores what the container prints, tells listeners, keeps the limits and ends the run
//! in the right order. The limits themselves are in `watch`, what the end means in `agent`. It outlives a
//! lost connection and an engine that is away for a while (F10). Start with [`Sitting::sit`].

mod post;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch as channel;

use super::error::EngineError;
use super::progress::Progress;
use super::stop::{Stop, Urgency};
use super::watch::{Action, Seen, Watch};
use crate::agent::stream::Stream;
use crate::agent::{Dialect, ExitFacts, StopReason, When};
use crate::clock::Clock;
use crate::daemon::effects::agent::seen;
use crate::domain::agent_event::AgentEvent;
use crate::executor::{Attached, Chunk, Executor, ExecutorError, SandboxId, SandboxState, Signal};
use crate::gateway::meter::MeterReading;
use crate::journal::log::{Room, RunLog};
use post::Errand;
pub(super) use post::Post;
use wire::lost_connection;
pub(super) use wire::write;

/// The longest time without a look, and the shortest between two that find nothing to do.
const LOOK_LATEST: Duration = Duration::from_secs(60);
const LOOK_EARLIEST: Duration = Duration::from_millis(20);
/// While the end of an interrupted turn is waited for.
const LOOK_PRESSED: Duration = Duration::from_millis(250);
/// Between two tries to reach an engine that went away.
const REACH_AGAIN: Duration = Duration::from_secs(1);
/// An adopted container that prints nothing for so long has not been given its task.
const SILENT: Duration = Duration::from_secs(3);

/// How the sitting began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The container is new and has its task.
    Fresh,
    /// Another process started it and died so near to giving the task that nobody knows whether it did.
    Adopted,
    /// Adopted, and it has its task.
    AtWork,
    /// Adopted, and asked to go on after its connection was lost with the old gateway (rules 13.2).
    Continued,
}

/// What an adopted agent is told when it lost its connection while nobody listened.
const CONTINUE: &str = "Continue from where you left off.";

/// One run under supervision.
pub(super) struct Sitting<'a> {
    pub executor: &'a dyn Executor,
    pub dialect: &'a dyn Dialect,
    pub clock: &'a dyn Clock,
    pub progress: &'a dyn Progress,
    pub stop: &'a Stop,
    pub id: SandboxId,
    pub watch: Watch,
    pub stream: Stream,
    pub log: RunLog,
    pub meter: channel::Receiver<MeterReading>,
    /// The task, as it was or would have been given, and the uuid it goes under.
    pub task: (String, String),
    /// What people say to the agent.
    pub post: Post<'a>,
    pub entry: Entry,
    pub ids: Arc<dyn crate::clock::Ids>,
}

/// What the sitting saw.
pub(super) struct Seat {
    pub stream: Stream,
    pub log: RunLog,
    pub exit: ExitFacts,
}

/// What a look at the channel gave.
enum Heard {
    Chunk(Result<Chunk, ExecutorError>),
    End,
    Tick,
    Stop,
    /// Somebody may have written to the agent.
    Post,
}

impl Sitting<'_> {
    /// Stays until the container has ended. An error leaves it running.
    pub(super) async fn sit(mut self, mut attached: Attached) -> Result<Seat, EngineError> {
        let printed = self.stream.summary().results > 0 || self.log.stored().stdout > 0;
        if self.entry == Entry::Adopted && printed {
            self.entry = Entry::AtWork;
        }
        let adopted_at = self.clock.elapsed();
        let (mut heeded, mut meter) = (Urgency::GoOn, self.meter.clone());
        loop {
            let look = self.next_look(adopted_at);
            let unspent = !meter.borrow().over_budget;
            let heard = tokio::select! {
                // In a fixed order, so that a simulated night can be played again; a flood holds up no stop.
                biased;
                () = self.stop.at_least(next(heeded)), if heeded < Urgency::AtOnce => Heard::Stop,
                _ = meter.wait_for(|reading| reading.over_budget), if unspent => Heard::Tick,
                chunk = attached.output.recv() => chunk.map_or(Heard::End, Heard::Chunk),
                () = self.post.heard() => Heard::Post,
                () = tokio::time::sleep(look) => Heard::Tick,
            };
            match heard {
                Heard::Chunk(Ok(Chunk::Stdout(bytes))) => {
                    let action = self.take(&bytes)?;
                    self.act(action, &mut attached).await?;
                    // A turn that ended is answered now; at the next tick it would be a quarter of a second later.
                    if self.stream.summary().is_settled() {
                        self.look(&mut attached).await?;
                    }
                }
                Heard::Chunk(Ok(Chunk::Stderr(bytes))) => {
                    if self.log.stderr(&bytes)? == Room::Flood {
                        let action = self.watch.stop(StopReason::Flood, self.clock.elapsed());
                        self.act(action, &mut attached).await?;
                    }
                }
                Heard::Chunk(Err(error)) => {
                    tracing::debug!(%error, "lost the container's output");
                    match self.reach(Some(&error)).await? {
                        Some(again) => attached = again,
                        None => return Ok(self.gone()),
                    }
                }
                Heard::End => match self.reach(None).await? {
                    Some(again) => attached = again,
                    None => break,
                },
                Heard::Tick => {
                    self.give_task_to_silent(&mut attached, adopted_at).await;
                    self.look(&mut attached).await?;
                }
                Heard::Post => self.fetch_post(&mut attached).await?,
                Heard::Stop if self.stop.now() == Urgency::AtOnce => return Err(EngineError::Left),
                Heard::Stop => {
                    let urgency = self.stop.now();
                    heeded = urgency;
                    let why = if urgency == Urgency::Aside { StopReason::Aside } else { StopReason::User };
                    let action = self.watch.stop(why, self.clock.elapsed());
                    self.act(action, &mut attached).await?;
                }
            }
        }
        self.finish().await
    }

    /// An adopted container that has said nothing for a while was never given its task.
    async fn give_task_to_silent(&mut self, attached: &mut Attached, adopted_at: Duration) {
        let silent = self.clock.elapsed().saturating_sub(adopted_at) >= SILENT;
        if self.entry == Entry::Adopted && silent {
            self.entry = Entry::AtWork;
            let (task, uuid) = std::mem::take(&mut self.task);
            self.speak(attached, &task, &uuid).await;
        }
    }

    /// How long nothing has to be looked at, unless something happens before.
    fn next_look(&self, adopted_at: Duration) -> Duration {
        let due = self.watch.due(self.seen());
        let due = if self.entry == Entry::Adopted { due.min(adopted_at + SILENT) } else { due };
        let latest = if self.post.presses() { LOOK_PRESSED } else { LOOK_LATEST };
        due.saturating_sub(self.clock.elapsed()).clamp(LOOK_EARLIEST, latest)
    }

    fn seen(&self) -> Seen {
        let summary = self.stream.summary();
        Seen { settled: summary.is_settled(), tool_since: summary.longest_tool().map(|(_, since)| since) }
    }

    async fn speak(&mut self, attached: &mut Attached, text: &str, uuid: &str) {
        let line = self.dialect.user_message(text, uuid, When::AfterTool);
        self.watch.sent(uuid);
        write(attached, &line).await;
    }

    async fn fetch_post(&mut self, attached: &mut Attached) -> Result<(), EngineError> {
        self.post.look()?;
        self.pass_on(attached).await
    }

    /// Messages that wait go to the agent, unless it is being ended: then they open its next conversation.
    async fn pass_on(&mut self, attached: &mut Attached) -> Result<(), EngineError> {
        // An adopted agent that may not have its task yet gets that first.
        while self.watch.why().is_none() && self.entry != Entry::Adopted {
            match self.post.errand(self.stream.summary(), self.clock.elapsed()) {
                None => return Ok(()),
                Some(Errand::Write { id, text }) => {
                    self.log.note(&post::told(&text))?;
                    self.speak(attached, &text, &id).await;
                }
                Some(Errand::Interrupt { id }) => {
                    // Not to be ended by the result that the interrupt brings.
                    self.watch.sent(&id);
                    let request = crate::domain::ids::base36(self.ids.bytes(), 12);
                    write(attached, &self.dialect.interrupt(&request)).await;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Option<Action>, EngineError> {
        let now = self.clock.elapsed();
        if self.entry == Entry::Adopted {
            self.entry = Entry::AtWork;
        }
        self.watch.active(now);
        let taken = self.log.stdout(bytes)?;
        for line in &taken.lines {
            for event in self.stream.line(line, now) {
                self.hear(&event, now)?;
            }
        }
        Ok(if taken.room == Room::Flood { self.watch.stop(StopReason::Flood, now) } else { None })
    }

    fn hear(&mut self, event: &AgentEvent, now: Duration) -> Result<(), EngineError> {
        self.watch.saw(event, now);
        self.post.saw(event)?;
        self.log.tell(event)?;
        self.progress.agent(event);
        Ok(())
    }

    /// Limits, the meter, and the next step of an ending.
    async fn look(&mut self, attached: &mut Attached) -> Result<(), EngineError> {
        let now = self.clock.elapsed();
        let reading = self.meter.borrow_and_update().clone();
        self.watch.active(reading.last_activity);
        if reading.over_budget {
            let action = self.watch.stop(StopReason::Budget, now);
            self.act(action, attached).await?;
        }
        if self.entry == Entry::AtWork && lost_connection(self.stream.summary()) {
            self.entry = Entry::Continued;
            let uuid = super::effects::uuid(self.ids.bytes());
            self.speak(attached, CONTINUE, &uuid).await;
        }
        self.pass_on(attached).await?;
        let action = self.watch.tick(now, self.seen());
        self.act(action, attached).await
    }

    async fn act(&mut self, action: Option<Action>, attached: &mut Attached) -> Result<(), EngineError> {
        let request = || crate::domain::ids::base36(self.ids.bytes(), 12);
        match action {
            None => {}
            Some(Action::Interrupt) => write(attached, &self.dialect.interrupt(&request())).await,
            Some(Action::EndSession) => write(attached, &self.dialect.end_session(&request())).await,
            // An engine that does not answer now is asked again by the next step; KILL is repeated by removal.
            Some(Action::Term) => drop(self.executor.signal(&self.id, Signal::Term).await),
            Some(Action::Kill) => drop(self.executor.signal(&self.id, Signal::Kill).await),
            // The engine says "running" of what was killed (F12). Removal ends what a signal does not, and where it
            // is refused the story stays open.
            Some(Action::GiveUp) => self.executor.remove(&self.id).await?,
        }
        Ok(())
    }

    /// Attaches again unless the container has ended. `None` after an error means it is gone.
    async fn reach(&mut self, error: Option<&ExecutorError>) -> Result<Option<Attached>, EngineError> {
        loop {
            if self.stop.now() == Urgency::AtOnce {
                return Err(EngineError::Left);
            }
            if let Some(ExecutorError::OutputLost { .. }) = error {
                return self.put_down().await;
            }
            match self.executor.state(&self.id).await {
                Ok(SandboxState::Exited(_)) if error.is_none() => return Ok(None),
                Ok(SandboxState::Gone) => return Ok(None),
                Ok(_) => match self.executor.attach(&self.id, seen(self.log.resume())).await {
                    Ok(attached) => return Ok(Some(attached)),
                    Err(ExecutorError::Gone(_)) => return Ok(None),
                    Err(ExecutorError::OutputLost { .. }) => return self.put_down().await,
                    Err(error) => tracing::debug!(%error, "cannot attach yet"),
                },
                Err(error) => tracing::debug!(%error, "the engine is away"),
            }
            tokio::time::sleep(REACH_AGAIN).await;
        }
    }

    /// What a run said can no longer be known whole: it is ended, and its clone goes on in another.
    async fn put_down(&mut self) -> Result<Option<Attached>, EngineError> {
        self.executor.signal(&self.id, Signal::Kill).await?;
        Ok(None)
    }

    fn gone(self) -> Seat {
        let exit = ExitFacts { stopped_by: self.watch.why(), ..ExitFacts::default() };
        Seat { stream: self.stream, log: self.log, exit }
    }

    async fn finish(mut self) -> Result<Seat, EngineError> {
        let now = self.clock.elapsed();
        let rest = self.log.finish()?;
        for line in &rest.lines {
            for event in self.stream.line(line, now) {
                self.hear(&event, now)?;
            }
        }
        let exit = match self.executor.wait(&self.id).await {
            Ok(exit) => ExitFacts {
                code: Some(exit.code),
                oom: exit.out_of_memory,
                stopped_by: self.watch.why(),
                complaint: rest.complaint,
            },
            Err(ExecutorError::Gone(_)) => ExitFacts { stopped_by: self.watch.why(), ..ExitFacts::default() },
            Err(error) => return Err(error.into()),
        };
        Ok(Seat { stream: self.stream, log: self.log, exit })
    }
}

fn next(heeded: Urgency) -> Urgency {
    match heeded {
        Urgency::GoOn => Urgency::Aside,
        Urgency::Aside => Urgency::Gently,
        Urgency::Gently | Urgency::AtOnce => Urgency::AtOnce,
    }
}

//! The clock over one agent run: when a limit is reached, and how a run is brought to its end.
//!
//! Owns the limits of rules 7 and the order of stopping (interrupt, result, end_session, 5 s, TERM, 10 s,
//! KILL). Pure: it is told what happened and what time it is, and answers what to do. Start with [`Watch`].

use std::collections::HashSet;
use std::time::Duration;

use crate::agent::StopReason;
use crate::domain::agent_event::AgentEvent;

/// After an interrupt or an `end_session`, the process has this long before TERM.
const TERM_AFTER: Duration = Duration::from_secs(5);
/// After TERM, this long before KILL.
const KILL_AFTER: Duration = Duration::from_secs(10);
/// After KILL, this long before we stop believing the engine.
const LOST_AFTER: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    pub run_time: Duration,
    pub idle: Duration,
    pub tool: Duration,
}

/// What the supervisor has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Interrupt,
    EndSession,
    Term,
    Kill,
    /// Killed, and the engine still says it runs: give up on it (T46).
    GiveUp,
}

/// What the run's summary says at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The last turn ended and nothing waits.
    pub settled: bool,
    /// Since when the tool that runs longest has been running.
    pub tool_since: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    /// Interrupt sent, waiting for the result.
    Interrupted(Duration),
    /// `end_session` sent, waiting for the exit.
    Ending(Duration),
    Termed(Duration),
    Killed(Duration),
    GivenUp,
}

/// The state of one run's watch. All times are `Clock::elapsed`.
#[derive(Debug)]
pub struct Watch {
    limits: RunLimits,
    started: Duration,
    last_activity: Duration,
    stage: Stage,
    why: Option<StopReason>,
    /// The task: its delivery is proved by any turn, also of a client that does not report messages.
    task: Option<String>,
    undelivered: HashSet<String>,
}

impl Watch {
    /// `started` is what has passed already of an adopted run's time, counted back from `now`.
    pub fn new(limits: RunLimits, now: Duration, already: Duration) -> Self {
        Self {
            // A run may be older than this process's clock: then its time is taken off the limit instead.
            limits: RunLimits { run_time: limits.run_time.saturating_sub(already), ..limits },
            started: now,
            last_activity: now,
            stage: Stage::Running,
            why: None,
            task: None,
            undelivered: HashSet::new(),
        }
    }

    /// Why the run was ended by us, if it was.
    pub fn why(&self) -> Option<StopReason> {
        match self.stage {
            Stage::Running => None,
            _ => Some(self.why.unwrap_or(StopReason::Done)),
        }
    }

    /// A message went in; the run may not end before the agent has seen it.
    pub fn sent(&mut self, uuid: &str) {
        if self.task.is_none() {
            self.task = Some(uuid.to_owned());
        }
        self.undelivered.insert(uuid.to_owned());
    }

    /// Traffic at the gateway, or bytes from the agent.
    pub fn active(&mut self, at: Duration) {
        self.last_activity = self.last_activity.max(at);
    }

    /// The agent's stream said something.
    pub fn saw(&mut self, event: &AgentEvent, now: Duration) {
        self.active(now);
        match event {
            AgentEvent::Message { uuid, state } if state != "queued" => {
                self.undelivered.remove(uuid);
            }
            AgentEvent::TurnEnd(_) => {
                if let Some(task) = &self.task {
                    self.undelivered.remove(task);
                }
            }
            _ => {}
        }
    }

    /// Begins to end the run. The first reason stands.
    pub fn stop(&mut self, why: StopReason, now: Duration) -> Option<Action> {
        if self.stage != Stage::Running {
            return None;
        }
        self.why = Some(why);
        self.stage = Stage::Interrupted(now);
        Some(Action::Interrupt)
    }

    /// Called often: limits, and the next step of an ending.
    pub fn tick(&mut self, now: Duration, seen: Seen) -> Option<Action> {
        let since = |then: Duration| now.saturating_sub(then);
        match self.stage {
            Stage::Running if seen.settled && self.undelivered.is_empty() => {
                self.stage = Stage::Ending(now);
                Some(Action::EndSession)
            }
            Stage::Running => {
                let why = self.exceeded(now, seen.tool_since)?;
                self.stop(why, now)
            }
            Stage::Interrupted(_) if seen.settled => {
                self.stage = Stage::Ending(now);
                Some(Action::EndSession)
            }
            Stage::Interrupted(then) | Stage::Ending(then) if since(then) >= TERM_AFTER => {
                self.stage = Stage::Termed(now);
                Some(Action::Term)
            }
            Stage::Termed(then) if since(then) >= KILL_AFTER => {
                self.stage = Stage::Killed(now);
                Some(Action::Kill)
            }
            Stage::Killed(then) if since(then) >= LOST_AFTER => {
                self.stage = Stage::GivenUp;
                Some(Action::GiveUp)
            }
            _ => None,
        }
    }

    /// When [`Watch::tick`] would next have something to do, if nothing happens before.
    pub fn due(&self, seen: Seen) -> Duration {
        match self.stage {
            Stage::Running if seen.settled && self.undelivered.is_empty() => Duration::ZERO,
            Stage::Interrupted(_) if seen.settled => Duration::ZERO,
            Stage::Running => {
                let quiet = match seen.tool_since {
                    Some(since) => since.saturating_add(self.limits.tool),
                    None => self.last_activity.saturating_add(self.limits.idle),
                };
                quiet.min(self.started.saturating_add(self.limits.run_time))
            }
            Stage::Interrupted(then) | Stage::Ending(then) => then + TERM_AFTER,
            Stage::Termed(then) => then + KILL_AFTER,
            Stage::Killed(then) => then + LOST_AFTER,
            Stage::GivenUp => Duration::MAX,
        }
    }

    fn exceeded(&self, now: Duration, tool_since: Option<Duration>) -> Option<StopReason> {
        if now.saturating_sub(self.started) >= self.limits.run_time {
            return Some(StopReason::RunTimeLimit);
        }
        match tool_since {
            Some(since) => (now.saturating_sub(since) >= self.limits.tool).then_some(StopReason::ToolLimit),
            None => {
                (now.saturating_sub(self.last_activity) >= self.limits.idle).then_some(StopReason::IdleLimit)
            }
        }
    }
}

#[cfg(test)]
mod tests;

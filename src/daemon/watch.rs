//! The clock over one agent run: when a limit is reached, and how a run is brought to its end.
//!
//! Owns the limits of rules 7 and the order of stopping (interrupt, result, end_session, 5 s, TERM, 10 s,
//! KILL). Pure: it is told what happened and what time it is, and answers what to do. Start with [`Watch`].

use std::collections::HashMap;
use std::time::Duration;

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

/// Why we end a run before the agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Person,
    Idle,
    RunTime,
    Tool,
    Budget,
    Flood,
    UsageLimit,
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
    tools: HashMap<String, Duration>,
    stage: Stage,
    why: Option<Why>,
    undelivered: u32,
}

impl Watch {
    /// `started` may lie in the past of an adopted run.
    pub fn new(limits: RunLimits, started: Duration, now: Duration) -> Self {
        Self {
            limits,
            started,
            last_activity: now,
            tools: HashMap::new(),
            stage: Stage::Running,
            why: None,
            undelivered: 0,
        }
    }

    /// Why the run was ended by us, if it was.
    pub fn why(&self) -> Option<Why> {
        self.why
    }

    /// A message went in; the run may not end before the agent has seen it.
    pub fn sent_message(&mut self) {
        self.undelivered += 1;
    }

    /// Traffic at the gateway.
    pub fn saw_traffic(&mut self, at: Duration) {
        self.last_activity = self.last_activity.max(at);
    }

    /// The agent's stream said something.
    pub fn saw(&mut self, event: &AgentEvent, now: Duration) -> Option<Action> {
        self.last_activity = now;
        match event {
            AgentEvent::ToolCall { id, .. } => {
                self.tools.insert(id.clone(), now);
            }
            AgentEvent::ToolReturn { id, .. } => {
                self.tools.remove(id);
            }
            AgentEvent::Message { state, .. } if state == "started" => {
                self.undelivered = self.undelivered.saturating_sub(1);
            }
            AgentEvent::TurnEnd(end) => {
                self.tools.clear();
                let more_to_come = end.queued_turns > 0 || (self.why.is_none() && self.undelivered > 0);
                if !more_to_come && matches!(self.stage, Stage::Running | Stage::Interrupted(_)) {
                    self.stage = Stage::Ending(now);
                    return Some(Action::EndSession);
                }
            }
            _ => {}
        }
        None
    }

    /// Begins to end the run. The first reason stands.
    pub fn stop(&mut self, why: Why, now: Duration) -> Option<Action> {
        if self.stage != Stage::Running {
            return None;
        }
        self.why = Some(why);
        self.stage = Stage::Interrupted(now);
        Some(Action::Interrupt)
    }

    /// Called often: limits, and the next step of an ending.
    pub fn tick(&mut self, now: Duration) -> Option<Action> {
        let since = |then: Duration| now.saturating_sub(then);
        match self.stage {
            Stage::Running => {
                let why = self.exceeded(now)?;
                self.stop(why, now)
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

    fn exceeded(&self, now: Duration) -> Option<Why> {
        if now.saturating_sub(self.started) >= self.limits.run_time {
            return Some(Why::RunTime);
        }
        if self.tools.values().any(|began| now.saturating_sub(*began) >= self.limits.tool) {
            return Some(Why::Tool);
        }
        let idle = self.tools.is_empty() && now.saturating_sub(self.last_activity) >= self.limits.idle;
        idle.then_some(Why::Idle)
    }
}

#[cfg(test)]
mod tests;

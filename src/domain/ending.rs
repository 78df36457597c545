//! How runs end, as the journal holds it: an agent's by evidence, a gate's against the base.
//!
//! Owns the closed list of endings and the facts beside them. They are part of `event`'s on-disk vocabulary and
//! follow its rules. Start with [`AgentEnd`].

use serde::{Deserialize, Serialize};

use super::run::{Cause, RunState};
use super::signature::Recurrence;
use super::usage::Usage;

/// How the agent's process ended, by evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentEnd {
    pub ending: Ending,
    pub reason: String,
    #[serde(default)]
    pub said: String,
    pub cost_usd: f64,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub seconds: f64,
    /// The model answered at least once, so the conversation can be resumed.
    #[serde(default)]
    pub conversed: bool,
    /// Unix seconds, where a limit told us when it resets.
    #[serde(default)]
    pub resets_at: Option<i64>,
    /// Why it was put aside, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How full the account's limits were at the end, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,
    /// A process in the sandbox was killed for want of memory although the agent went on: nothing that was not
    /// proven by gates counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starved: bool,
    /// Of a failure: which one, and how often it was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// What its very last line asked for, of a good end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// What an agent ends with instead of a finished bead: the last non-empty line of its last words (rules 13.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// `BLOCKED: ...`, a reason or the id of a bead.
    Blocked(String),
    /// `QUESTION: ...`, for a person.
    Question(String),
}

impl AgentEnd {
    /// The end of a run that no agent told anything about.
    pub fn without_agent(ending: Ending, reason: String) -> Self {
        Self {
            ending,
            reason,
            said: String::new(),
            cost_usd: 0.0,
            usage: Usage::default(),
            seconds: 0.0,
            conversed: false,
            resets_at: None,
            cause: None,
            utilization: None,
            starved: false,
            recurrence: None,
            asked: None,
        }
    }
}

/// What failing gates are, seen against the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgainstBase {
    /// The base was not asked, or gave no answer.
    #[default]
    Unknown,
    /// The base passes, or tests fail that do not fail there.
    New,
    /// Tests fail, and every one of them fails on the base too.
    Known,
    /// The base fails too, in another way, and names no tests.
    Red,
    /// The base fails in the very same way, or the gate cannot run there at all.
    Same,
}

/// The classes of ending that the lifecycle tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A result without error. Proves nothing: the export and the gates decide.
    Finished,
    /// The agent's own failure: no result, an error result, a crash.
    Failed,
    /// Stopped at the user's wish.
    Interrupted,
    /// Stopped to go on later; `cause` says why.
    PutAside,
    IdleLimit,
    RunTimeLimit,
    ToolLimit,
    Budget,
    OutOfMemory,
    /// It printed more than the output cap.
    Flood,
    DiskQuota,
    UsageLimit,
    Outage,
    ContextFull,
    Billing,
    Credential,
    /// The engine lost the container: not the agent's fault.
    Infrastructure,
}

impl Ending {
    /// What `bead runs` shows of a run that ended so.
    pub fn run_state(self) -> RunState {
        match self {
            Self::Finished => RunState::Completed,
            Self::Interrupted => RunState::Cancelled,
            Self::IdleLimit | Self::RunTimeLimit | Self::ToolLimit => RunState::Timeout,
            Self::PutAside | Self::UsageLimit | Self::Outage | Self::ContextFull | Self::Credential => {
                RunState::Suspended
            }
            Self::Failed
            | Self::Budget
            | Self::OutOfMemory
            | Self::Flood
            | Self::DiskQuota
            | Self::Billing
            | Self::Infrastructure => RunState::Failed,
        }
    }
}

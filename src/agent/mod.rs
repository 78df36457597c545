//! What turns a prompt into a stream of agent events: one dialect a file, only Claude Code now.
//!
//! Owns how an agent's program is called, spoken to and understood, and what its end proves. It starts no
//! process and stores nothing: `daemon` runs the command in a sandbox and hands the bytes over. Start with
//! [`Dialect`]; [`stream::Stream`] is bytes to events, [`summary::Summary`] what is known so far.

pub mod claude;
pub mod inspect;
pub mod stream;
pub mod summary;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::agent_event::AgentEvent;
use crate::domain::event::Ending;
use crate::domain::lines::Line;

use summary::Summary;

/// One agent program's way of being called, spoken to and understood.
pub trait Dialect: Send + Sync {
    /// The program's name in records: `claude`.
    fn name(&self) -> &'static str;
    /// The whole argv and environment; nothing else is inherited.
    fn command(&self, request: &Request) -> Command;
    /// One line of stdin, with its line end: a message from a person or from us.
    fn user_message(&self, text: &str, uuid: &str, when: When) -> String;
    /// One line of stdin: stop what runs now; a result follows.
    fn interrupt(&self, request_id: &str) -> String;
    /// One line of stdin: leave. Sent after a result when nothing is queued (rules 13.1).
    fn end_session(&self, request_id: &str) -> String;
    fn reader(&self) -> Box<dyn Reader>;
    /// What the end of the process means, by evidence alone.
    fn outcome(&self, summary: &Summary, exit: &ExitFacts) -> End;
}

/// Reads a stream line by line. It never fails and never panics: what it cannot read becomes
/// [`AgentEvent::Unreadable`], what it does not know [`AgentEvent::Activity`].
pub trait Reader: Send {
    fn read(&mut self, line: &Line) -> Vec<AgentEvent>;
}

/// Whether a message waits for the running tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Enters the running turn after the tool that runs.
    AfterTool,
    /// Asks to be first. It did not stop a running command when measured: use `interrupt` for that.
    Now,
}

/// What a run of an agent is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The conversation's id, a UUID chosen by us.
    pub session: String,
    /// Go on with the conversation instead of beginning it.
    pub resume: bool,
    pub model: Option<String>,
    pub fallback_model: Option<String>,
    pub max_turns: Option<u32>,
    pub max_budget_usd: Option<f64>,
    pub append_system_prompt: Option<String>,
    /// The JSON schema that the run's result is to have.
    pub schema: Option<serde_json::Value>,
    /// The gateway's socket as the sandbox sees it.
    pub socket: String,
    /// HOME inside the sandbox.
    pub home: String,
    /// Longest one tool call may take (`limits.tool`).
    pub tool_limit: Duration,
    pub credential: CredentialKind,
}

/// Which kind of placeholder the sandbox gets: the client speaks differently with each (rules 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    ApiKey,
    OAuth,
}

/// What to run in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
}

/// Why we ended the run ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// It had given its result and was asked to leave (rules 13.1).
    Done,
    /// A person wished it.
    User,
    /// It is put aside and goes on later: the night's end, a budget, a pause.
    Aside,
    IdleLimit,
    RunTimeLimit,
    ToolLimit,
    Budget,
    Flood,
    DiskQuota,
    /// The upstream is down for everybody (rules 15.3).
    Outage,
}

/// What is known of the end of the process, apart from its words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExitFacts {
    /// None: nobody knows, the container is gone.
    pub code: Option<i64>,
    /// The engine saw an out-of-memory kill in the container, whatever the code says (T48).
    pub oom: bool,
    pub stopped_by: Option<StopReason>,
    /// The last line of stderr, for the reason where there is nothing better.
    pub complaint: Option<String>,
}

/// What the end of a run means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub ending: Ending,
    /// One sentence for a person, without a final period.
    pub reason: String,
    /// Unix seconds, unclamped, where a limit told when it resets.
    pub resets_at: Option<i64>,
}

impl End {
    pub(crate) fn of(ending: Ending, reason: impl Into<String>) -> Self {
        Self { ending, reason: reason.into(), resets_at: None }
    }
}

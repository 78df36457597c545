//! What an agent's stream says, line by line, in our words.
//!
//! Owns the closed vocabulary that every dialect translates into. Everything here came from a sandbox: text
//! is untrusted and must be cleaned before a terminal sees it. Start with [`AgentEvent`] and [`TurnEnd`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// One thing the agent's stream said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AgentEvent {
    /// A turn began: which session, model and program version.
    Started {
        session: String,
        model: String,
        version: String,
    },
    /// Text of the agent. `nested` marks a subagent's words.
    Text {
        text: String,
        nested: bool,
    },
    Thinking {
        text: String,
    },
    /// A tool began; `input` is one short line that tells a person what it does.
    ToolCall {
        id: String,
        name: String,
        input: String,
        nested: bool,
        /// What it does to a file: lines that begin with `- ` or `+ `, bounded. Empty for all other tools.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        change: Vec<String>,
    },
    /// A tool ended; `text` is the beginning of what it gave back.
    ToolReturn {
        id: String,
        ok: bool,
        text: String,
    },
    /// True usage of one model answer.
    Usage {
        model: String,
        usage: Usage,
    },
    /// The client retries a request by itself.
    Retry {
        attempt: u32,
        max: u32,
        delay_ms: u64,
        status: Option<u16>,
        error: String,
    },
    /// How full the account's limits are (subscription logins only).
    RateLimit(RateLimit),
    /// The model was changed for another one.
    Fallback {
        from: String,
        to: String,
    },
    /// A tool was refused.
    Denied {
        tool: String,
        message: String,
    },
    /// A message we sent over stdin: `queued`, `started`, `completed` or `cancelled`.
    Message {
        uuid: String,
        state: String,
    },
    /// An answer to one of our control requests.
    Control {
        request_id: String,
        ok: bool,
    },
    /// The client's words about an API failure; not a failure of the run by itself.
    ApiError(ApiError),
    /// A turn ended. Not the end of the run: a process may give several results (measured).
    TurnEnd(Box<TurnEnd>),
    /// The stream spoke, nothing to show: counts as activity only.
    Activity {
        what: String,
    },
    /// A line we could not read; it is kept in the raw log. Lines count from 1.
    Unreadable {
        line: u64,
        reason: String,
    },
    /// The stream ended inside a line: what it was about to say is not known.
    Torn {
        line: u64,
        bytes: u64,
    },
}

/// Where the account stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RateLimit {
    pub status: String,
    /// Which limit: `five_hour`, `seven_day`, ...
    pub limit: Option<String>,
    /// Unix seconds, unclamped.
    pub resets_at: Option<i64>,
    /// The highest utilisation of all windows seen, 0 to 1.
    pub utilization: Option<f64>,
}

/// A failed request, as the client reported it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiError {
    /// `rate_limit`, `authentication_failed`, `billing_error`, `server_error`, ...
    pub class: String,
    /// A finer word where the client has one: `usage_limit_reached`, `connection_failed`, ...
    pub kind: Option<String>,
    /// HTTP status; none where no answer came.
    pub status: Option<u16>,
    pub text: String,
    /// A subagent's request failed, not the main chain's.
    pub nested: bool,
    /// Unix seconds, unclamped, where the failure says when its limit resets.
    pub resets_at: Option<i64>,
}

/// The client's `result` line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnEnd {
    pub subtype: String,
    pub is_error: bool,
    pub api_status: Option<u16>,
    pub terminal_reason: Option<String>,
    pub text: String,
    pub errors: Vec<String>,
    pub turns: u64,
    pub duration_ms: u64,
    /// Cumulative over a resumed conversation.
    pub cost_total_usd: f64,
    /// Cost since the last result, where the client gives it.
    pub cost_delta_usd: Option<f64>,
    /// This turn only.
    pub usage: Usage,
    /// By model, cumulative like the cost.
    pub by_model: BTreeMap<String, Usage>,
    /// By model since the last result, where the client gives it.
    pub by_model_delta: Option<BTreeMap<String, Usage>>,
    pub queued_turns: u64,
    pub denials: u64,
    /// Subagents started by this conversation so far.
    pub subagents: u64,
    pub structured_output: Option<serde_json::Value>,
}

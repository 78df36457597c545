//! The script of a rehearsal: what the model says, turn by turn, and where it fails.
//!
//! Owns the YAML form and its checks; every error names the conversation, the turn and the nearest known key.
//! Which turn a request gets is `place`'s, what goes over the wire is `answer`'s. Start with [`Script::parse`].
//! The format with all keys stands in `docs/rehearsal.md`.

mod raw;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use raw::{RawScript, RawTurn};

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ScriptError {
    #[error("the script cannot be read: {reason}{hint}")]
    Unreadable { reason: String, hint: String },
    #[error("the script has no conversation, expected at least one under `conversations`")]
    Empty,
    #[error(
        "conversation {conversation}: only the last one may stand without `match` or `role`, it takes all the rest"
    )]
    Unreachable { conversation: usize },
    #[error("conversation {conversation}, turn {turn}: {reason}")]
    Turn { conversation: usize, turn: usize, reason: String },
}

/// A script that passed all checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Whose kind of placeholder a rehearsal uses: only a subscription has usage limits.
    pub subscription: bool,
    pub(crate) conversations: Vec<Conversation>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conversation {
    /// Taken when the first user message contains this; `None` takes the rest.
    pub(crate) matches: Option<String>,
    /// Taken by requests of such a run only.
    pub(crate) role: Option<Role>,
    pub(crate) turns: Vec<Turn>,
}

/// Whose request it is. A reviewer's offers the tool that takes its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Work,
    Review,
}

/// What a client calls the tool for a result that has a schema (measured with 2.1.329).
pub(crate) const REPLY_TOOL: &str = "StructuredOutput";

/// One answer of the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Turn {
    pub(crate) thinking: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) tools: Vec<ToolCall>,
    pub(crate) usage: Tokens,
    pub(crate) delay: Duration,
    pub(crate) fail: Option<Fail>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    #[serde(default = "empty_object")]
    pub(crate) input: Value,
}

/// Figures the answer claims; what is left out gets a plausible default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tokens {
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_write: Option<u64>,
    /// How many of `cache_write` are kept for an hour.
    pub(crate) cache_write_hour: Option<u64>,
}

/// A failure that comes before the turn's own answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fail {
    /// How many requests of one session fail before the turn is answered.
    pub(crate) times: u32,
    pub(crate) failure: Failure,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    Status {
        status: u16,
        retry_after: Option<u64>,
        kind: Option<String>,
        message: Option<String>,
    },
    /// A limit of a subscription, with the headers that announce it.
    UsageLimit {
        resets_in: Duration,
        claim: String,
    },
    Credit,
    SseError {
        kind: String,
    },
    /// No byte for this long, then the connection is closed.
    Hang(Duration),
    /// The answer begins, then nothing more comes.
    StallAfter(Point),
    /// The answer begins, then the connection breaks.
    CutAfter(Point),
    Garbage,
    Html,
    Empty,
    Refusal,
    MaxTokens,
}

/// A point in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Bytes(usize),
    /// Whole content blocks.
    Blocks(usize),
}

impl Script {
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let raw: RawScript = serde_yaml::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
        if raw.conversations.is_empty() {
            return Err(ScriptError::Empty);
        }
        let last = raw.conversations.len();
        let mut conversations = Vec::new();
        for (number, raw) in (1..).zip(raw.conversations) {
            if raw.matches.is_none() && raw.role.is_none() && number != last {
                return Err(ScriptError::Unreachable { conversation: number });
            }
            let turn = |(turn, raw): (usize, RawTurn)| {
                let named = |wrong: raw::Wrong| ScriptError::Turn {
                    conversation: number,
                    turn,
                    reason: wrong.to_string(),
                };
                raw.check().map_err(named)
            };
            let turns = (1..).zip(raw.turns).map(turn).collect::<Result<_, _>>()?;
            conversations.push(Conversation { matches: raw.matches, role: raw.role, turns });
        }
        Ok(Self { subscription: raw.subscription, conversations })
    }
}

fn empty_object() -> Value {
    json!({})
}

fn unreadable(reason: &str) -> ScriptError {
    let mut quoted = reason.split('`').skip(1).step_by(2);
    let nearest = reason.contains("unknown field").then(|| quoted.next()).flatten().and_then(|unknown| {
        let likely = quoted.map(|known| (strsim::jaro_winkler(unknown, known), known));
        likely.filter(|(score, _)| *score > 0.7).max_by(|a, b| a.0.total_cmp(&b.0))
    });
    let hint = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
    ScriptError::Unreadable { reason: reason.to_owned(), hint }
}

#[cfg(test)]
mod tests;

//! The script of a rehearsal: what the model says, turn by turn, and where it fails.
//!
//! Owns the YAML form and its checks; every error names the conversation, the turn and the nearest known key.
//! Which turn a request gets is `place`'s, what goes over the wire is `answer`'s. Start with [`Script::parse`].
//! The format with all keys stands in `docs/rehearsal.md`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ScriptError {
    #[error("the script cannot be read: {reason}{hint}")]
    Unreadable { reason: String, hint: String },
    #[error("the script has no conversation, expected at least one under `conversations`")]
    Empty,
    #[error(
        "conversation {conversation}: only the last one may stand without `match`, it takes all the rest"
    )]
    Unreachable { conversation: usize },
    #[error("conversation {conversation}, turn {turn}: {reason}")]
    Turn { conversation: usize, turn: usize, reason: String },
}

/// A script that passed all checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub(crate) conversations: Vec<Conversation>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conversation {
    /// Taken when the first user message contains this; `None` takes the rest.
    pub(crate) matches: Option<String>,
    pub(crate) turns: Vec<Turn>,
}

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
            if raw.matches.is_none() && number != last {
                return Err(ScriptError::Unreachable { conversation: number });
            }
            let turn = |(turn, raw): (usize, RawTurn)| {
                let named = |reason| ScriptError::Turn { conversation: number, turn, reason };
                raw.check().map_err(named)
            };
            let turns = (1..).zip(raw.turns).map(turn).collect::<Result<_, _>>()?;
            conversations.push(Conversation { matches: raw.matches, turns });
        }
        Ok(Self { conversations })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    conversations: Vec<RawConversation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConversation {
    #[serde(rename = "match")]
    matches: Option<String>,
    turns: Vec<RawTurn>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawTurn {
    thinking: Option<String>,
    text: Option<String>,
    read: Option<String>,
    write: Option<WriteFile>,
    edit: Option<EditFile>,
    run: Option<String>,
    tools: Vec<ToolCall>,
    usage: Tokens,
    delay: Option<String>,
    fail: Option<RawFail>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteFile {
    path: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditFile {
    path: String,
    old: String,
    new: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawFail {
    times: Option<u32>,
    status: Option<u16>,
    retry_after: Option<u64>,
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
    usage_limit: Option<RawLimit>,
    credit: bool,
    sse_error: Option<String>,
    hang: Option<String>,
    stall_after: Option<RawPoint>,
    cut_after: Option<RawPoint>,
    garbage: bool,
    html: bool,
    empty: bool,
    refusal: bool,
    max_tokens: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimit {
    resets_in: String,
    claim: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPoint {
    bytes: Option<usize>,
    blocks: Option<usize>,
}

impl RawTurn {
    fn check(self) -> Result<Turn, String> {
        let mut tools = Vec::new();
        let mut call = |name: &str, input: Value| tools.push(ToolCall { name: name.to_owned(), input });
        if let Some(path) = self.read {
            call("Read", json!({ "file_path": path }));
        }
        if let Some(file) = self.write {
            call("Write", json!({ "file_path": file.path, "content": file.text }));
        }
        if let Some(file) = self.edit {
            // The client refuses to edit what it has not read.
            call("Read", json!({ "file_path": file.path }));
            call("Edit", json!({ "file_path": file.path, "old_string": file.old, "new_string": file.new }));
        }
        if let Some(command) = self.run {
            call("Bash", json!({ "command": command }));
        }
        tools.extend(self.tools);
        if let Some(tool) = tools.iter().find(|tool| !tool.input.is_object()) {
            return Err(format!("the input of `{}` is no mapping", tool.name));
        }
        let fail = self.fail.map(RawFail::check).transpose()?;
        if tools.is_empty() && self.text.as_deref().is_none_or(|text| text.trim().is_empty()) {
            return Err(
                "nothing is said or done, expected `text`, `tools`, `read`, `write`, `edit` or `run`"
                    .to_owned(),
            );
        }
        let delay = self.delay.map(|text| duration(&text)).transpose()?.unwrap_or_default();
        Ok(Turn { thinking: self.thinking, text: self.text, tools, usage: self.usage, delay, fail })
    }
}

impl RawFail {
    fn check(self) -> Result<Fail, String> {
        let mut all = Vec::new();
        if let Some(status) = self.status {
            if !(400..600).contains(&status) {
                return Err(format!("`status: {status}` is no failure, expected 400 to 599"));
            }
            let (kind, message) = (self.kind, self.message);
            all.push(Failure::Status { status, retry_after: self.retry_after, kind, message });
        } else if self.retry_after.is_some() || self.kind.is_some() || self.message.is_some() {
            return Err("`retry_after`, `type` and `message` belong to `status`".to_owned());
        }
        if let Some(limit) = self.usage_limit {
            let claim = limit.claim.unwrap_or_else(|| "five_hour".to_owned());
            all.push(Failure::UsageLimit { resets_in: duration(&limit.resets_in)?, claim });
        }
        all.extend(self.sse_error.map(|kind| Failure::SseError { kind }));
        if let Some(text) = self.hang {
            all.push(Failure::Hang(duration(&text)?));
        }
        if let Some(point) = self.stall_after {
            all.push(Failure::StallAfter(point.check("stall_after")?));
        }
        if let Some(point) = self.cut_after {
            all.push(Failure::CutAfter(point.check("cut_after")?));
        }
        let plain = [
            (self.credit, Failure::Credit),
            (self.garbage, Failure::Garbage),
            (self.html, Failure::Html),
            (self.empty, Failure::Empty),
            (self.refusal, Failure::Refusal),
            (self.max_tokens, Failure::MaxTokens),
        ];
        all.extend(plain.into_iter().filter_map(|(given, failure)| given.then_some(failure)));
        let found = all.len();
        match (all.pop(), found) {
            (Some(failure), 1) => Ok(Fail { times: self.times.unwrap_or(1), failure }),
            _ => Err(format!("`fail` names {found} kinds of failure, expected one")),
        }
    }
}

impl RawPoint {
    fn check(self, key: &str) -> Result<Point, String> {
        match (self.bytes, self.blocks) {
            (Some(bytes), None) => Ok(Point::Bytes(bytes)),
            (None, Some(blocks)) => Ok(Point::Blocks(blocks)),
            _ => Err(format!("`{key}` needs either `bytes` or `blocks`")),
        }
    }
}

/// `200ms`, `90s`, `10m`, `6h`.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds)) {
        Some(total) if milliseconds > 0 => Ok(Duration::from_millis(total)),
        _ => Err(format!("`{text}` is no duration, expected `200ms`, `90s`, `10m` or `6h`")),
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

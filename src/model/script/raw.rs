//! A rehearsal script as it is written: every key, before the entries are checked.
//!
//! Owns the spelling of the format and what is wrong with one entry. What a turn means is the parent's. Start
//! with `RawTurn::check`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fail, Failure, Point, REPLY_TOOL, Role, Tokens, ToolCall, Turn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScript {
    #[serde(default)]
    pub(super) subscription: bool,
    pub(super) conversations: Vec<RawConversation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConversation {
    #[serde(rename = "match")]
    pub(super) matches: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) turns: Vec<RawTurn>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTurn {
    pub(super) thinking: Option<String>,
    pub(super) text: Option<String>,
    pub(super) read: Option<String>,
    pub(super) write: Option<WriteFile>,
    pub(super) edit: Option<EditFile>,
    pub(super) run: Option<String>,
    /// A reviewer's reply.
    pub(super) review: Option<Value>,
    pub(super) tools: Vec<ToolCall>,
    pub(super) usage: Tokens,
    pub(super) delay: Option<String>,
    pub(super) fail: Option<RawFail>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteFile {
    pub(super) path: String,
    pub(super) text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EditFile {
    pub(super) path: String,
    pub(super) old: String,
    pub(super) new: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFail {
    pub(super) times: Option<u32>,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<u64>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) message: Option<String>,
    pub(super) usage_limit: Option<RawLimit>,
    pub(super) credit: bool,
    pub(super) sse_error: Option<String>,
    pub(super) hang: Option<String>,
    pub(super) stall_after: Option<RawPoint>,
    pub(super) cut_after: Option<RawPoint>,
    pub(super) garbage: bool,
    pub(super) html: bool,
    pub(super) empty: bool,
    pub(super) refusal: bool,
    pub(super) max_tokens: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimit {
    pub(super) resets_in: String,
    pub(super) claim: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPoint {
    pub(super) bytes: Option<usize>,
    pub(super) blocks: Option<usize>,
}

/// What is wrong with one entry, in words.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl RawTurn {
    pub(super) fn check(self) -> Result<Turn, Wrong> {
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
        if let Some(reply) = self.review {
            call(REPLY_TOOL, reply);
        }
        tools.extend(self.tools);
        if let Some(tool) = tools.iter().find(|tool| !tool.input.is_object()) {
            return Err(Wrong(format!("the input of `{}` is no mapping", tool.name)));
        }
        let fail = self.fail.map(RawFail::check).transpose()?;
        if tools.is_empty() && self.text.as_deref().is_none_or(|text| text.trim().is_empty()) {
            return Err(Wrong(
                "nothing is said or done, expected `text`, `tools`, `read`, `write`, `edit`, `run` or `review`"
                    .to_owned(),
            ));
        }
        let delay = self.delay.map(|text| duration(&text)).transpose()?.unwrap_or_default();
        Ok(Turn { thinking: self.thinking, text: self.text, tools, usage: self.usage, delay, fail })
    }
}

impl RawFail {
    pub(super) fn check(self) -> Result<Fail, Wrong> {
        let mut all = Vec::new();
        if let Some(status) = self.status {
            if !(400..600).contains(&status) {
                return Err(Wrong(format!("`status: {status}` is no failure, expected 400 to 599")));
            }
            let (kind, message) = (self.kind, self.message);
            all.push(Failure::Status { status, retry_after: self.retry_after, kind, message });
        } else if self.retry_after.is_some() || self.kind.is_some() || self.message.is_some() {
            return Err(Wrong("`retry_after`, `type` and `message` belong to `status`".to_owned()));
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
            _ => Err(Wrong(format!("`fail` names {found} kinds of failure, expected one"))),
        }
    }
}

impl RawPoint {
    pub(super) fn check(self, key: &str) -> Result<Point, Wrong> {
        match (self.bytes, self.blocks) {
            (Some(bytes), None) => Ok(Point::Bytes(bytes)),
            (None, Some(blocks)) => Ok(Point::Blocks(blocks)),
            _ => Err(Wrong(format!("`{key}` needs either `bytes` or `blocks`"))),
        }
    }
}

/// `200ms`, `90s`, `10m`, `6h`.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
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
        _ => Err(Wrong(format!("`{text}` is no duration, expected `200ms`, `90s`, `10m` or `6h`"))),
    }
}

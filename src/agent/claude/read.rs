//! One line of Claude Code's stream, in our words.
//!
//! Owns the translation into [`AgentEvent`]. Every field is optional and may have the wrong type; unknown
//! lines are activity, lines that are no JSON are unreadable, nothing panics. It judges nothing: `outcome`
//! does. Start with [`ClaudeReader`].

mod change;
mod turn;

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::bounded;
use crate::agent::Reader;
use crate::domain::agent_event::{AgentEvent, ApiError, RateLimit};
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::lines::Line;
use crate::domain::usage::Usage;

type Object = Map<String, Value>;

/// Model answers whose usage may still grow.
const OPEN_ANSWERS: usize = 32;
/// Columns of the line that says what a tool does.
const TOOL_LINE: usize = 200;
/// No line holds more events than this that are worth a word.
const MAX_BLOCKS: usize = 256;

/// Reads the lines of one stream. Keeps only what one line cannot tell: its number, and the model and usage
/// of the answers that are being streamed.
#[derive(Debug, Default)]
pub struct ClaudeReader {
    line: u64,
    answers: VecDeque<Answer>,
}

/// One model answer in the making.
#[derive(Debug)]
struct Answer {
    id: String,
    model: String,
    start: Usage,
    counted: Usage,
}

impl Reader for ClaudeReader {
    fn read(&mut self, line: &Line) -> Vec<AgentEvent> {
        self.line += 1;
        match line {
            Line::Whole(bytes) => self.read_line(bytes),
            Line::TooLong { bytes } => {
                let reason = format!("too long: {bytes} bytes");
                vec![AgentEvent::Unreadable { line: self.line, reason }]
            }
            Line::Torn { bytes } => vec![AgentEvent::Torn { line: self.line, bytes: *bytes }],
        }
    }
}

impl ClaudeReader {
    fn read_line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        if line.trim_ascii().is_empty() {
            return Vec::new();
        }
        match bounded::parse(line) {
            Ok(object) => self.understand(&object),
            Err(error) => vec![AgentEvent::Unreadable { line: self.line, reason: error.to_string() }],
        }
    }

    fn understand(&mut self, object: &Object) -> Vec<AgentEvent> {
        let kind = text(object, "type").unwrap_or("untyped");
        match kind {
            "assistant" => assistant(object),
            "user" => user(object),
            "system" => vec![system(object)],
            "stream_event" => self.stream_event(object),
            "result" => vec![AgentEvent::TurnEnd(Box::new(turn::turn_end(object)))],
            "rate_limit_event" => {
                vec![AgentEvent::RateLimit(rate_limit(sub(object, "rate_limit_info").unwrap_or(&Map::new())))]
            }
            "command_lifecycle" => {
                vec![AgentEvent::Message {
                    uuid: short(object, "command_uuid"),
                    state: short(object, "state"),
                }]
            }
            "control_response" => {
                let empty = Map::new();
                let response = sub(object, "response").unwrap_or(&empty);
                let ok = text(response, "subtype") == Some("success");
                vec![AgentEvent::Control { request_id: short(response, "request_id"), ok }]
            }
            other => vec![activity(other)],
        }
    }

    /// Partial messages: their words come again, whole, in `assistant`; only here is the true usage.
    fn stream_event(&mut self, object: &Object) -> Vec<AgentEvent> {
        let Some(event) = sub(object, "event") else { return vec![activity("stream_event")] };
        match text(event, "type") {
            Some("message_start") => {
                let empty = Map::new();
                let message = sub(event, "message").unwrap_or(&empty);
                let start = sub(message, "usage").map(usage).unwrap_or_default();
                if self.answers.len() >= OPEN_ANSWERS {
                    self.answers.pop_front();
                }
                self.answers.push_back(Answer {
                    id: short(message, "id"),
                    model: short(message, "model"),
                    // The first figure of `output_tokens` is a placeholder; the last one is the total.
                    start: Usage { output: 0, ..start },
                    counted: Usage::default(),
                });
                vec![activity("message_start")]
            }
            Some("message_delta") => match sub(event, "usage") {
                Some(figures) => self.count(text(object, "api_message_id").unwrap_or_default(), figures),
                None => vec![activity("message_delta")],
            },
            other => vec![activity(other.unwrap_or("stream_event"))],
        }
    }

    /// The figures of one answer are cumulative: what is new since the last ones counts.
    fn count(&mut self, id: &str, figures: &Object) -> Vec<AgentEvent> {
        let known = self.answers.iter().position(|a| a.id == id).or(self.answers.len().checked_sub(1));
        let unknown = || Answer {
            id: id.to_owned(),
            model: String::new(),
            start: Usage::default(),
            counted: Usage::default(),
        };
        let index = known.unwrap_or_else(|| {
            self.answers.push_back(unknown());
            self.answers.len() - 1
        });
        let answer = &mut self.answers[index];
        let given = |key, start: u64| whole(figures, key).unwrap_or(start);
        let total = Usage {
            input: given("input_tokens", answer.start.input),
            output: given("output_tokens", answer.start.output),
            cache_read: given("cache_read_input_tokens", answer.start.cache_read),
            cache_write: given("cache_creation_input_tokens", answer.start.cache_write),
        };
        let new = total.since(answer.counted);
        answer.counted = total;
        vec![AgentEvent::Usage { model: answer.model.clone(), usage: new }]
    }
}

fn assistant(object: &Object) -> Vec<AgentEvent> {
    let nested = is_nested(object);
    let empty = Map::new();
    let message = sub(object, "message").unwrap_or(&empty);
    let error = object.get("error").is_some_and(|error| !error.is_null());
    let failed = error || flag(object, "is_api_error_message");
    if failed {
        return vec![AgentEvent::ApiError(api_error(object, message, nested))];
    }
    if text(message, "model") == Some("<synthetic>") {
        // Filler of the client ("No response requested."): nobody said it.
        return vec![activity("synthetic")];
    }
    let events: Vec<AgentEvent> =
        blocks(message).filter_map(|block| assistant_block(block, nested)).take(MAX_BLOCKS).collect();
    if events.is_empty() { vec![activity("assistant")] } else { events }
}

fn assistant_block(block: Block<'_>, nested: bool) -> Option<AgentEvent> {
    let object = match block {
        Block::Text(text) => return Some(AgentEvent::Text { text: text.to_owned(), nested }),
        Block::Object(object) => object,
    };
    match text(object, "type")? {
        "text" => {
            let said = text(object, "text")?;
            // What a subagent says is nobody's answer.
            let text = if nested { bounded::excerpt(said) } else { said.to_owned() };
            Some(AgentEvent::Text { text, nested })
        }
        "thinking" => Some(AgentEvent::Thinking { text: text(object, "thinking")?.to_owned() }),
        "tool_use" => {
            let name = short(object, "name");
            let given = object.get("input").unwrap_or(&Value::Null);
            let (input, change) = (tool_line(given), change::lines(given));
            Some(AgentEvent::ToolCall { id: short(object, "id"), name, input, nested, change })
        }
        _ => None,
    }
}

fn api_error(object: &Object, message: &Object, nested: bool) -> ApiError {
    let words: Vec<&str> = blocks(message)
        .filter_map(|block| match block {
            Block::Text(text) => Some(text),
            Block::Object(object) => text(object, "text"),
        })
        .collect();
    let limit = sub(object, "api_error_params").and_then(|params| sub(params, "rate_limit_info"));
    ApiError {
        class: short(object, "error"),
        kind: text(object, "api_error").map(shorten),
        status: status(object, "api_error_status"),
        text: bounded::excerpt(&words.join("\n")),
        nested,
        resets_at: limit.and_then(|info| seconds(info, "resetsAt")),
    }
}

fn user(object: &Object) -> Vec<AgentEvent> {
    let empty = Map::new();
    let message = sub(object, "message").unwrap_or(&empty);
    let events: Vec<AgentEvent> = blocks(message).filter_map(user_block).take(MAX_BLOCKS).collect();
    if events.is_empty() { vec![activity("user")] } else { events }
}

fn user_block(block: Block<'_>) -> Option<AgentEvent> {
    let Block::Object(object) = block else { return None };
    if text(object, "type") != Some("tool_result") {
        return None;
    }
    // Only Bash and failures carry `is_error`.
    let ok = !flag(object, "is_error");
    let words: Vec<&str> = match object.get("content") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item.get("text").and_then(Value::as_str)).collect()
        }
        _ => Vec::new(),
    };
    let text = bounded::excerpt(&words.join("\n"));
    Some(AgentEvent::ToolReturn { id: short(object, "tool_use_id"), ok, text })
}

fn system(object: &Object) -> AgentEvent {
    match text(object, "subtype").unwrap_or("system") {
        "init" => AgentEvent::Started {
            session: short(object, "session_id"),
            model: short(object, "model"),
            version: short(object, "claude_code_version"),
        },
        "api_retry" => AgentEvent::Retry {
            attempt: small(object, "attempt"),
            max: small(object, "max_retries"),
            delay_ms: whole(object, "retry_delay_ms").unwrap_or(0),
            status: status(object, "error_status"),
            error: short(object, "error"),
        },
        "permission_denied" => AgentEvent::Denied {
            tool: short(object, "tool_name"),
            message: text(object, "message").unwrap_or_default().to_owned(),
        },
        "model_fallback" => AgentEvent::Fallback {
            from: short(object, "original_model"),
            to: short(object, "fallback_model"),
        },
        other => activity(other),
    }
}

fn rate_limit(info: &Object) -> RateLimit {
    let windows = sub(info, "unifiedWindows").into_iter().flat_map(Map::values);
    let fullest = windows
        .filter_map(|window| window.get("utilization").and_then(Value::as_f64))
        .chain(info.get("utilization").and_then(Value::as_f64))
        .filter(|share| share.is_finite())
        .reduce(f64::max);
    RateLimit {
        status: short(info, "status"),
        limit: text(info, "rateLimitType").map(shorten),
        resets_at: seconds(info, "resetsAt"),
        utilization: fullest,
    }
}

/// One short line that tells a person what a tool does.
fn tool_line(input: &Value) -> String {
    const TELLING: [&str; 9] = [
        "command",
        "file_path",
        "notebook_path",
        "pattern",
        "description",
        "subject",
        "taskId",
        "path",
        "prompt",
    ];
    let told = TELLING.iter().find_map(|key| input.get(key).and_then(Value::as_str));
    let line = match told {
        Some(told) => told.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned(),
        None if input.as_object().is_some_and(Map::is_empty) || input.is_null() => String::new(),
        None => input.to_string(),
    };
    ellipsis(&line, TOOL_LINE)
}

/// A block of a message's content: the protocol allows a bare text for all of it.
enum Block<'a> {
    Text(&'a str),
    Object(&'a Object),
}

fn blocks(message: &Object) -> impl Iterator<Item = Block<'_>> {
    let (bare, items) = match message.get("content") {
        Some(Value::String(text)) => (Some(Block::Text(text)), [].as_slice()),
        Some(Value::Array(items)) => (None, items.as_slice()),
        _ => (None, [].as_slice()),
    };
    bare.into_iter().chain(items.iter().filter_map(|item| item.as_object().map(Block::Object)))
}

fn is_nested(object: &Object) -> bool {
    text(object, "parent_tool_use_id").is_some()
}

fn activity(what: &str) -> AgentEvent {
    AgentEvent::Activity { what: shorten(what) }
}

fn sub<'a>(object: &'a Object, key: &str) -> Option<&'a Object> {
    object.get(key).and_then(Value::as_object)
}

fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// A name, id or word: clean and short.
fn short(object: &Object, key: &str) -> String {
    text(object, key).map(shorten).unwrap_or_default()
}

fn shorten(word: &str) -> String {
    clean_line(word).chars().take(200).collect()
}

fn flag(object: &Object, key: &str) -> bool {
    object.get(key) == Some(&Value::Bool(true))
}

/// A count; floats are seen where integers were (`retry_delay_ms`).
fn whole(object: &Object, key: &str) -> Option<u64> {
    let value = object.get(key)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    value.as_u64().or_else(|| value.as_f64().map(|figure| figure as u64))
}

fn seconds(object: &Object, key: &str) -> Option<i64> {
    let value = object.get(key)?;
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
    value.as_i64().or_else(|| value.as_f64().map(|figure| figure as i64))
}

fn small(object: &Object, key: &str) -> u32 {
    whole(object, key).map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX))
}

fn status(object: &Object, key: &str) -> Option<u16> {
    whole(object, key).and_then(|code| u16::try_from(code).ok())
}

fn usage(figures: &Object) -> Usage {
    let count = |key| whole(figures, key).unwrap_or(0);
    Usage {
        input: count("input_tokens"),
        output: count("output_tokens"),
        cache_read: count("cache_read_input_tokens"),
        cache_write: count("cache_creation_input_tokens"),
    }
}

#[cfg(test)]
mod tests;

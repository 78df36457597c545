//! One line of JSON as a tree of bounded size.
//!
//! Owns the answer to hostile lines (T45): only the keys that the reader knows are kept, nodes and bytes are
//! counted, long texts keep their beginning and end, deep nesting is refused by the parser's own limit.
//! It knows no meaning. Start with [`parse`].

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::domain::text;

/// Keys of a line that mean something to us; all others are read over without being kept.
const KEYS: [&str; 41] = [
    "api_error",
    "api_error_params",
    "api_error_status",
    "api_message_id",
    "attempt",
    "claude_code_version",
    "command_uuid",
    "duration_ms",
    "error",
    "error_status",
    "errors",
    "event",
    "fallback_model",
    "is_api_error_message",
    "is_error",
    "max_retries",
    "message",
    "model",
    "modelUsage",
    "model_usage_since_last_result",
    "num_turns",
    "original_model",
    "parent_tool_use_id",
    "permission_denials",
    "queued_turn_count",
    "rate_limit_info",
    "request",
    "request_id",
    "response",
    "result",
    "retry_delay_ms",
    "session_id",
    "state",
    "structured_output",
    "subagent_stats",
    "subtype",
    "terminal_reason",
    "tool_name",
    "total_cost_usd",
    "type",
    "usage",
];

/// Texts keep at most this much of their beginning and of their end.
const HEAD: usize = 6 << 10;
const TAIL: usize = 2 << 10;
/// What an agent says may be an answer, so much of it is kept whole.
const SAID: usize = 256 << 10;
const NODES: usize = 20_000;
const BYTES: usize = 2 << 20;
/// A structured answer is kept whole, or only the word that it was too long.
const ANSWER_BYTES: usize = 1 << 20;

/// Why a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("not a JSON object")]
    NotJson,
    #[error("{0}")]
    Broken(String),
}

/// The known keys of one JSON object.
pub(super) fn parse(line: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unreadable::NotJson);
    }
    // Only bytes that are no UTF-8 are replaced; the raw line stays as it was in the log.
    let text = String::from_utf8_lossy(line);
    match read(&text) {
        Ok(map) => Ok(map),
        // A program that cuts UTF-16 text leaves half characters behind, which strict JSON refuses.
        Err(error) if has_surrogate(&text) => read(&mend_surrogates(&text)).map_err(|_| broken(&error)),
        Err(error) => Err(broken(&error)),
    }
}

fn broken(error: &serde_json::Error) -> Unreadable {
    Unreadable::Broken(error.to_string().chars().take(200).collect())
}

fn read(text: &str) -> serde_json::Result<Map<String, Value>> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let map = parser.deserialize_map(TopVisitor)?;
    parser.end()?;
    Ok(map)
}

/// The beginning and the end of a long text, with a mark between them.
pub(super) fn excerpt(text: &str) -> String {
    text::excerpt(text, HEAD, TAIL)
}

/// The same for what an agent says, which may be longer.
fn said(text: &str) -> String {
    if text.len() <= SAID { text.to_owned() } else { excerpt(text) }
}

fn has_surrogate(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"\\ud").is_some()
        || memchr::memmem::find(text.as_bytes(), b"\\uD").is_some()
}

/// `\ud83d` without its other half becomes `\ufffd`.
fn mend_surrogates(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(step) = memchr::memchr(b'\\', &bytes[at..]) {
        let here = at + step;
        at = here + 2;
        match escape_unit(bytes, here) {
            Some(0xd800..=0xdbff) if matches!(escape_unit(bytes, here + 6), Some(0xdc00..=0xdfff)) => {
                at = here + 12;
            }
            Some(0xd800..=0xdfff) => {
                out[here + 2..here + 6].copy_from_slice(b"fffd");
                at = here + 6;
            }
            _ => {}
        }
        if at >= bytes.len() {
            break;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The code unit of a `\uXXXX` at this place.
fn escape_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What one line may still cost.
struct Budget {
    nodes: Cell<usize>,
    bytes: Cell<usize>,
    kept: Texts,
    cut: Cell<bool>,
}

/// How much of one text is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    Whole,
    Short,
}

impl Budget {
    fn new(bytes: usize, kept: Texts) -> Self {
        Self { nodes: Cell::new(NODES), bytes: Cell::new(bytes), kept, cut: Cell::new(false) }
    }

    fn node(&self) -> bool {
        let left = self.nodes.get();
        self.nodes.set(left.saturating_sub(1));
        if left == 0 {
            self.cut.set(true);
        }
        left > 0
    }

    fn text(&self, text: &str, short: fn(&str) -> String) -> String {
        let kept = if self.kept == Texts::Whole { text.to_owned() } else { short(text) };
        let left = self.bytes.get();
        if kept.len() > left {
            self.cut.set(true);
            return String::new();
        }
        self.bytes.set(left - kept.len());
        kept
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let budget = Budget::new(BYTES, Texts::Short);
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(KnownKey)? {
            match key {
                Some("structured_output") => {
                    let answer = Budget::new(ANSWER_BYTES, Texts::Whole);
                    let value = access.next_value_seed(Node(&answer, excerpt))?;
                    let value = if answer.cut.get() { Value::String(text::gap(ANSWER_BYTES)) } else { value };
                    map.insert("structured_output".to_owned(), value);
                }
                Some(key) => {
                    let value = access.next_value_seed(Node(&budget, excerpt))?;
                    map.insert(key.to_owned(), value);
                }
                None => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(map)
    }
}

struct KnownKey;

impl<'de> DeserializeSeed<'de> for KnownKey {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KnownKey {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(KEYS.binary_search(&key).ok().map(|at| KEYS[at]))
    }
}

/// A value, and how a long text that it is itself is made shorter.
struct Node<'b>(&'b Budget, fn(&str) -> String);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(self.0.text(value, self.1)))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            if self.0.node() {
                match access.next_element_seed(Node(self.0, self.1))? {
                    Some(item) => items.push(item),
                    None => return Ok(Value::Array(items)),
                }
            } else if access.next_element::<IgnoredAny>()?.is_none() {
                return Ok(Value::Array(items));
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while self.0.node() {
            let Some(key) = access.next_key_seed(TextKey(self.0))? else { return Ok(Value::Object(map)) };
            // Every other bearer of this key is made shorter by whoever reads it.
            let short = if key == "text" { said } else { excerpt };
            map.insert(key, access.next_value_seed(Node(self.0, short))?);
        }
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(map))
    }
}

struct TextKey<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for TextKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TextKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<String, E> {
        Ok(self.0.text(key, excerpt))
    }
}

#[cfg(test)]
mod tests;

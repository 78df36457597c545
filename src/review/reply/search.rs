//! Where the JSON stands in a text: fenced, between words, cut off, or more than once.
//!
//! Owns the search and its bounds: depth, bytes and work are limited, whatever the text is. What an object means is
//! for `object`. Start with [`replies`].

use jiter::{Jiter, JiterErrorType, JsonErrorType, JsonValue, PartialMode};
use serde_json::{Map, Value};

use super::object;

/// Only so much of a text is searched, from its end.
const TEXT_BYTES: usize = 4 << 20;
/// Bytes that may be looked at in all tries together.
const WORK_BYTES: usize = 32 << 20;
/// How deep a review may be wrapped in other objects.
const WRAPPED: usize = 4;
/// How many objects one look goes through.
const LOOKS: usize = 50_000;

/// What a text holds of a review.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whole reviews, in the order of the text: objects, or lists of findings.
    pub replies: Vec<Value>,
    /// Findings outside of any review.
    pub loose: Vec<Value>,
    /// A review that ends in the middle.
    pub cut: Option<Value>,
    /// Something that began as JSON with the words of a review is none.
    pub broken: bool,
}

impl Found {
    pub(super) fn of(value: Value) -> Self {
        let mut found = Self::default();
        found.sort(value);
        found
    }

    /// Puts a whole value where it belongs.
    fn sort(&mut self, value: Value) {
        let mut looks = LOOKS;
        let before = self.replies.len();
        unwrap(&value, WRAPPED, &mut looks, &mut self.replies);
        if self.replies.len() == before && object::is_finding(&value) {
            self.loose.push(value);
        }
    }
}

/// Collects the reviews in a value, the outermost of each.
fn unwrap(value: &Value, depth: usize, looks: &mut usize, into: &mut Vec<Value>) {
    *looks = looks.saturating_sub(1);
    if object::is_reply(value) {
        into.push(value.clone());
        return;
    }
    if depth == 0 || *looks == 0 || object::is_finding(value) {
        return;
    }
    let inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => return,
    };
    for item in inner.take(*looks) {
        unwrap(item, depth - 1, looks, into);
    }
}

/// What one place of a text holds.
enum Try {
    /// A value and where it ends.
    Whole(Value, usize),
    Cut(Value),
    /// Not JSON, and how many bytes it took to see that.
    No(usize),
}

/// Searches a text. Never panics; its work is bounded by a multiple of the text.
pub(super) fn replies(text: &str, unread: &mut Vec<String>) -> Found {
    let mut found = Found::default();
    let start = text.len().saturating_sub(TEXT_BYTES);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    if start > 0 {
        unread.push(format!("only the last {TEXT_BYTES} bytes of a text of {} were searched", text.len()));
        found.broken = true;
    }
    let bytes = &text.as_bytes()[start..];
    let (mut at, mut work) = (0, WORK_BYTES);
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'{', b'[', rest)) {
        at += next;
        match look(&bytes[at..]) {
            Try::Whole(value, end) => {
                found.sort(value);
                at += end.max(1);
                work = work.saturating_sub(end);
            }
            Try::Cut(value) => {
                if object::is_reply(&value) && found.cut.is_none() {
                    found.cut = Some(value);
                    break;
                }
                work = work.saturating_sub(bytes.len() - at);
                at += 1;
            }
            Try::No(cost) => {
                found.broken |= begins_like_a_reply(&bytes[at..]);
                work = work.saturating_sub(cost.max(1));
                at += 1;
            }
        }
        if work == 0 {
            unread.push("gave up searching a text that is full of brackets".to_owned());
            found.broken = true;
            break;
        }
    }
    found
}

fn begins_like_a_reply(bytes: &[u8]) -> bool {
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
    let rest = beginning.trim_start_matches(|c: char| "{[".contains(c) || c.is_whitespace());
    rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).is_some_and(object::is_word_of_a_reply)
}

fn look(bytes: &[u8]) -> Try {
    let mut jiter = Jiter::new(bytes);
    match jiter.next_value() {
        Ok(value) => Try::Whole(plain(&value), jiter.current_index()),
        Err(error) => match error.error_type {
            JiterErrorType::JsonError(
                JsonErrorType::EofWhileParsingList
                | JsonErrorType::EofWhileParsingObject
                | JsonErrorType::EofWhileParsingString
                | JsonErrorType::EofWhileParsingValue,
            ) => match JsonValue::parse_with_config(bytes, false, PartialMode::TrailingStrings) {
                Ok(value) => Try::Cut(plain(&value)),
                Err(error) => Try::No(error.index),
            },
            _ => Try::No(error.index),
        },
    }
}

/// As `serde_json` has it. The depth is bounded by jiter's own limit.
fn plain(value: &JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(flag) => Value::Bool(*flag),
        JsonValue::Int(number) => Value::from(*number),
        JsonValue::Float(number) => Value::from(*number),
        JsonValue::Str(text) => Value::String(text.to_string()),
        JsonValue::Array(items) => Value::Array(items.iter().map(plain).collect()),
        JsonValue::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.to_string(), plain(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

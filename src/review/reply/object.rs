//! What one JSON object says: a review, a finding, or neither.
//!
//! Owns the names that fields go by, wrong types, and the bounds of a finding. It searches nothing. Start
//! with [`reported`] and [`is_reply`].

use serde_json::{Map, Value};

use super::{Reported, tidy, words};
use crate::domain::clean::clean;
use crate::domain::finding::{Finding, Severity};
use crate::domain::text::{clip, one_line};

const TITLE_CHARS: usize = 200;
const PLACE_CHARS: usize = 300;
const DETAIL_BYTES: usize = 8 << 10;
const EVIDENCE_BYTES: usize = 3 << 10;
/// Of an item that cannot be read, so much is shown.
const SHOWN_CHARS: usize = 60;

const FINDINGS: &[&str] = &["findings", "issues", "problems", "defects", "bugs", "comments"];
const READY: &[&str] = &["ready", "readytoland", "approved", "verdict", "decision", "lgtm"];
const SUMMARY: &[&str] = &["summary", "overview", "conclusion", "overall"];
const TITLE: &[&str] = &["title", "name", "headline", "issue", "problem", "summary"];
const DETAIL: &[&str] =
    &["description", "detail", "details", "body", "message", "explanation", "text", "comment", "why"];
const EVIDENCE: &[&str] = &["evidence", "proof", "snippet", "code", "quote"];
const FILE: &[&str] = &["file", "path", "filename", "filepath", "location", "place"];
const LINE: &[&str] = &["line", "linenumber", "lineno", "startline", "linestart", "lines", "linerange"];
const SEVERITY: &[&str] = &["severity", "level", "importance", "impact", "weight"];
const PRIORITY: &[&str] = &["priority"];
const KIND: &[&str] = &["type", "kind", "category", "issuetype"];

/// The parts of a review.
pub(super) struct Parts<'a> {
    pub findings: Option<&'a Value>,
    pub summary: Option<&'a Value>,
    pub ready: Option<&'a Value>,
}

pub(super) fn parts(value: &Value) -> Parts<'_> {
    let Some(fields) = value.as_object() else { return Parts { findings: None, summary: None, ready: None } };
    Parts { findings: field(fields, FINDINGS), summary: field(fields, SUMMARY), ready: field(fields, READY) }
}

/// The whole of a review: what was found, and whether the work is ready. Anything less may be a quotation, and says
/// nothing of what it leaves out.
pub(super) fn is_whole(value: &Value) -> bool {
    let Parts { findings, ready, .. } = parts(value);
    findings.is_some() && ready.and_then(words::ready).is_some()
}

/// What is read as a review: an object with findings or a word about being ready, or a list of findings.
pub(super) fn is_reply(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            items.iter().take(100).any(is_finding) && !items.iter().take(100).any(is_reply)
        }
        Value::Object(fields) => {
            let has_list = field(fields, FINDINGS).is_some_and(|found| match found {
                Value::Array(items) => {
                    items.iter().take(100).all(|item| item.is_object() || item.is_string() || item.is_null())
                }
                Value::String(text) => words::says_none(text) || field(fields, READY).is_some(),
                Value::Bool(true) => false,
                _ => true,
            });
            let has_list = has_list && !is_finding(value);
            has_list || (field(fields, READY).is_some() && !is_finding(value))
        }
        _ => false,
    }
}

/// An object with words, and something of a weight or a place.
pub(super) fn is_finding(value: &Value) -> bool {
    let Some(fields) = value.as_object() else { return false };
    let has = |names: &[&str]| field(fields, names).is_some_and(|value| !value.is_null());
    (has(TITLE) || has(DETAIL))
        && (has(SEVERITY) || has(PRIORITY) || has(FILE) || has(LINE) || has(EVIDENCE))
        && !field(fields, FINDINGS).is_some_and(Value::is_array)
}

pub(super) fn is_word_of_a_reply(key: &str) -> bool {
    [FINDINGS, READY, SUMMARY, &["title", "severity"]].iter().any(|names| names.contains(&flat(key).as_str()))
}

/// What an item of a list is.
pub(super) enum Item {
    Finding(Box<Reported>),
    /// `null`, an empty text.
    Nothing,
    /// A sentence about what it is instead.
    Unread(String),
}

/// Reads one finding. What is missing or of another type is filled in and said in `unread`.
pub(super) fn reported(value: &Value, unread: &mut Vec<String>) -> Item {
    let fields = match value {
        Value::Null => return Item::Nothing,
        Value::String(text) if words::says_none(text) => return Item::Nothing,
        Value::String(text) => return Item::Finding(Box::new(of_text(text))),
        Value::Object(fields) if fields.is_empty() => return Item::Nothing,
        Value::Object(fields) => fields,
        other => {
            let shown = one_line(&other.to_string().chars().take(500).collect::<String>(), SHOWN_CHARS);
            return Item::Unread(format!(
                "a finding is {}, expected an object: {shown}",
                words::kind_of(other)
            ));
        }
    };
    let detail = field(fields, DETAIL).and_then(text_of).unwrap_or_default();
    let evidence = field(fields, EVIDENCE).and_then(text_of).unwrap_or_default();
    let title = field(fields, TITLE).and_then(text_of).filter(|title| !title.trim().is_empty());
    let title = title.or_else(|| first_line(&detail)).or_else(|| first_line(&evidence));
    let Some(title) =
        title.map(|title| one_line(&clean(&title), TITLE_CHARS)).filter(|title| !title.is_empty())
    else {
        let shown = one_line(&fields.keys().take(8).cloned().collect::<Vec<_>>().join(", "), SHOWN_CHARS);
        return Item::Unread(format!("a finding has no words, only: {shown}"));
    };
    let (file, line) = place(fields);
    let priority = field(fields, PRIORITY).and_then(words::priority);
    let severity = weight(fields, priority, &title, unread);
    let evidence = tidy(&evidence, EVIDENCE_BYTES);
    let finding = Finding {
        source: "review".to_owned(),
        detail: whole_detail(&detail, &evidence),
        title,
        file,
        line,
        severity,
    };
    let priority = priority.unwrap_or(match severity {
        Severity::Critical => 1,
        Severity::Major => 2,
        Severity::Minor => 3,
        Severity::Note => 4,
    });
    let kind = words::kind(field(fields, KIND)).to_owned();
    Item::Finding(Box::new(Reported { finding, evidence, priority, kind }))
}

/// A finding that is only a text.
fn of_text(text: &str) -> Reported {
    let text = tidy(text, DETAIL_BYTES);
    let title = one_line(&text, TITLE_CHARS);
    let detail = if title == text { String::new() } else { text };
    let finding = Finding { source: "review".to_owned(), title, detail, ..Finding::default() };
    Reported { finding, evidence: String::new(), priority: 2, kind: "bug".to_owned() }
}

fn weight(
    fields: &Map<String, Value>,
    priority: Option<u8>,
    title: &str,
    unread: &mut Vec<String>,
) -> Severity {
    let told = field(fields, SEVERITY).filter(|value| !value.is_null());
    if let Some(severity) = told.and_then(words::severity) {
        return severity;
    }
    if let Some(told) = told {
        let told = one_line(&told.to_string().chars().take(200).collect::<String>(), SHOWN_CHARS);
        let title = one_line(title, SHOWN_CHARS);
        unread.push(format!("the weight {told} of `{title}` is unknown: taken for major"));
        return Severity::Major;
    }
    match priority {
        Some(0) => Severity::Critical,
        Some(3) => Severity::Minor,
        Some(4) => Severity::Note,
        _ => Severity::Major,
    }
}

/// File and line, from fields of their own or written together (`src/a.rs:12-14`).
fn place(fields: &Map<String, Value>) -> (Option<String>, Option<u32>) {
    let told = field(fields, FILE).and_then(|value| match value {
        Value::String(text) => Some(text.clone()),
        // `"location": {"file": .., "line": ..}`
        Value::Object(inner) => field(inner, FILE).and_then(text_of),
        // Of several, none is the place.
        Value::Array(items) => {
            let paths: Vec<String> = items.iter().take(20).filter_map(text_of).collect();
            Some(paths.join(", "))
        }
        _ => None,
    });
    let own = |fields: &Map<String, Value>| field(fields, LINE).and_then(line_of);
    let line = own(fields).or_else(|| field(fields, FILE).and_then(Value::as_object).and_then(own));
    let told = told.unwrap_or_default().chars().take(4 * PLACE_CHARS).collect::<String>();
    let (path, in_path) = path_and_line(&clean(&told));
    let path = one_line(&path, PLACE_CHARS);
    let is_known = !path.is_empty() && !matches!(path.to_lowercase().as_str(), "none" | "null" | "n/a" | "-");
    (is_known.then_some(path.clone()), line.or(in_path).filter(|_| is_known))
}

/// A path as the repository spells it, and the line that was written behind it: `` `src/a.rs:12` ``, `src/a.rs#L12`,
/// `/work/src/a.rs (line 12)`.
fn path_and_line(told: &str) -> (String, Option<u32>) {
    let quotes = |c: char| c.is_whitespace() || "`'\"".contains(c);
    let mut path = told.trim_matches(quotes);
    let mut line = None;
    let behind = [" (line", ", line", " line ", " lines ", "#l", ":l", ":", " (l"];
    let lower = path.to_ascii_lowercase();
    let numbered = |sign: &&str| {
        let at = lower.find(*sign)?;
        let rest = lower[at + sign.len()..].trim_start_matches(['s', ' ']);
        rest.starts_with(|c: char| c.is_ascii_digit()).then(|| (at, first_number(rest)))
    };
    if let Some((at, number)) = behind.iter().filter_map(numbered).min_by_key(|(at, _)| *at) {
        line = number;
        path = path[..at].trim_end_matches(quotes);
    }
    // Where the reviewer's sandbox has the tree.
    let path = path.strip_prefix("/work/").unwrap_or(path);
    let path = path.trim_start_matches("./").trim_end_matches('/');
    (path.to_owned(), line)
}

fn line_of(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().filter(|n| (1.0..=f64::from(u32::MAX)).contains(n))?;
            Some(number as u32)
        }
        Value::String(text) => first_number(text),
        Value::Array(items) => {
            items.first().and_then(Value::as_f64).filter(|n| (1.0..1e9).contains(n)).map(|n| n as u32)
        }
        Value::Object(fields) => field(fields, &["start", "from", "line", "begin"])
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok()),
        _ => None,
    }
}

/// `12`, `12-14`, `L12`, `lines 12 to 14`.
fn first_number(text: &str) -> Option<u32> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits: String = text[start..].chars().take_while(char::is_ascii_digit).take(10).collect();
    digits.parse().ok().filter(|line| *line > 0)
}

fn whole_detail(detail: &str, evidence: &str) -> String {
    let detail = tidy(detail, DETAIL_BYTES);
    if evidence.is_empty() || detail.contains(evidence) {
        return detail;
    }
    let room = DETAIL_BYTES.saturating_sub(evidence.len() + 200);
    let detail = clip(&detail, room);
    let gap = if detail.is_empty() { "" } else { "\n\n" };
    format!("{detail}{gap}Evidence:\n{evidence}")
}

fn first_line(text: &str) -> Option<String> {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(|line| line.chars().take(4 * TITLE_CHARS).collect())
}

/// The words of a value: a text, a number, or the texts of a list.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            let lines: Vec<&str> = items.iter().take(200).filter_map(Value::as_str).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        }
        _ => None,
    }
}

/// The first of these fields that is there, whatever the case and separators of its name.
fn field<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| {
        let exact = fields.get(*name);
        exact.or_else(|| fields.iter().take(100).find(|(key, _)| flat(key) == *name).map(|(_, value)| value))
    })
}

fn flat(key: &str) -> String {
    key.chars().take(40).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

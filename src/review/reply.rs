//! A reviewer's reply as findings, whatever it looks like.
//!
//! Owns the JSON that is asked for and the reader, which cannot fail: what it could not read it says in plain
//! sentences. Everything it gives is clean of control bytes and bounded. Where JSON stands in a text is found by
//! `search`, what one object means by `object`. What follows from a reply is for `judge`. Start with [`read`].

mod object;
mod search;
mod words;

use serde_json::{Value, json};

use crate::domain::clean::clean;
use crate::domain::finding::Finding;
use crate::domain::text::{clip, is_excerpt, one_line};
use search::Found;

/// The most findings of one reply; the heaviest are kept.
pub const FINDINGS: usize = 200;
/// No more items of a list are looked at.
const LOOKED_AT: usize = 10_000;
const SUMMARY_BYTES: usize = 8 << 10;
/// The details of a reply take at most so much; those behind it are cut to their beginning.
const DETAILS_BYTES: usize = 256 << 10;
const SHORT_DETAIL_BYTES: usize = 500;
const UNREAD: usize = 20;

/// One thing a reviewer reported. `finding.detail` has description and evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    pub finding: Finding,
    pub evidence: String,
    /// 0 to 4, of the bead it would become.
    pub priority: u8,
    /// `bug`, `task`, `feature` or `chore`, of the bead it would become.
    pub kind: String,
}

/// What a reviewer said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub findings: Vec<Reported>,
    pub summary: String,
    /// Whether it called the work ready to land.
    pub ready: Option<bool>,
    /// The whole reply was understood, so what it does not name is not there. Findings may come without it.
    pub readable: bool,
    /// What could not be read, one sentence each without a final period.
    pub unread: Vec<String>,
}

/// Reads a reply: the structured output where there is one, else the newest text that holds one.
pub fn read(structured: Option<&Value>, texts_newest_first: &[&str]) -> Reply {
    let mut reading = Reading::default();
    if let Some(value) = structured {
        reading.look_for_gap(value.as_str().unwrap_or_default());
        let from_text = value.as_str().map(|text| search::replies(text, &mut reading.unread));
        let found = from_text.unwrap_or_else(|| Found::of(value.clone()));
        if reading.take(found) {
            return reading.finish();
        }
        reading.note("the structured output holds no review".to_owned());
    }
    for text in texts_newest_first {
        // Also of one that holds no reply any more: an older one is not what it said in the end.
        reading.look_for_gap(text);
        let found = search::replies(text, &mut reading.unread);
        if reading.take(found) {
            return reading.finish();
        }
    }
    let words = texts_newest_first.iter().find(|text| !text.trim().is_empty());
    match words {
        Some(text) => {
            reading.summary = tidy(text, SUMMARY_BYTES);
            reading.note("no text of the reply holds the JSON that was asked for".to_owned());
        }
        None => reading.note("the reply is empty".to_owned()),
    }
    reading.finish()
}

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    findings: Vec<Reported>,
    summary: String,
    ready: Option<bool>,
    readable: bool,
    /// A part of it was too long to be kept.
    clipped: bool,
    unread: Vec<String>,
}

impl Reading {
    fn look_for_gap(&mut self, text: &str) {
        if !self.clipped && is_excerpt(text) {
            self.clipped = true;
            self.unread
                .insert(0, "the reply is so long that only its beginning and its end were kept".to_owned());
        }
    }

    fn note(&mut self, sentence: String) {
        self.unread.push(sentence);
    }

    /// Takes what a text holds; false where it holds no reply.
    fn take(&mut self, found: Found) -> bool {
        let Found { mut replies, loose, cut, broken } = found;
        if replies.is_empty() && loose.is_empty() && cut.is_none() {
            return false;
        }
        let whole = replies.iter().filter(|reply| object::is_whole(reply)).count();
        self.readable = cut.is_none() && whole > 0 && !broken;
        if replies.len() > 1 {
            self.note(format!("the reply holds {} reviews: the findings of all were taken", replies.len()));
        }
        if replies.is_empty() && cut.is_none() {
            self.note("findings stand alone, without the review around them".to_owned());
        } else if broken {
            self.note("a part of the reply is no valid JSON".to_owned());
        } else if whole == 0 && cut.is_none() {
            self.note("the reply does not say both what was found and whether it is ready".to_owned());
        }
        // Beside a whole one, what is less of a review is only looked through for findings.
        for reply in replies.drain(..) {
            let counts = whole == 0 || object::is_whole(&reply);
            self.object(&reply, counts);
        }
        for finding in &loose {
            self.item(finding);
        }
        if let Some(value) = cut {
            self.object(&value, true);
            let so_far = self.findings.len();
            self.note(format!("the reply is cut off; {so_far} of its findings could be read"));
        }
        true
    }

    fn item(&mut self, value: &Value) {
        match object::reported(value, &mut self.unread) {
            object::Item::Finding(reported) => {
                let same = |other: &Reported| other.finding == reported.finding;
                if !self.findings.iter().take(FINDINGS).any(same) {
                    self.findings.push(*reported);
                }
            }
            object::Item::Nothing => {}
            object::Item::Unread(what) => {
                self.readable = false;
                self.note(what);
            }
        }
    }

    fn list(&mut self, items: &[Value]) {
        for item in items.iter().take(LOOKED_AT) {
            self.item(item);
        }
        if items.len() > LOOKED_AT {
            self.readable = false;
            self.note(format!("only the first {LOOKED_AT} of {} findings were looked at", items.len()));
        }
    }

    /// Takes what one review says; of one that does not count, only its findings.
    fn object(&mut self, value: &Value, counts: bool) {
        if let Value::Array(items) = value {
            return self.list(items);
        }
        let parts = object::parts(value);
        match parts.findings {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Array(items)) => self.list(items),
            Some(Value::String(text)) if words::says_none(text) => {}
            Some(item @ Value::String(_)) => self.item(item),
            Some(map @ Value::Object(fields)) => {
                if object::is_finding(map) {
                    self.item(map);
                } else {
                    self.list(&fields.values().cloned().collect::<Vec<_>>());
                }
            }
            Some(Value::Number(count)) if count.as_f64() == Some(0.0) => {}
            Some(other) => {
                self.readable = false;
                self.note(format!("the findings are {}, expected a list", words::kind_of(other)));
            }
        }
        if !counts {
            return;
        }
        if let Some(text) = parts.summary.and_then(Value::as_str) {
            self.summary = tidy(text, SUMMARY_BYTES);
        }
        if let Some(value) = parts.ready {
            match words::ready(value) {
                // Of several, one "no" is enough.
                Some(ready) => self.ready = Some(ready && self.ready != Some(false)),
                None if value.is_null() => {}
                None => self.note("what it says of being ready is neither yes nor no".to_owned()),
            }
        }
    }

    fn finish(mut self) -> Reply {
        let all = self.findings.len();
        if all > FINDINGS {
            // A stable sort: among equals the first ones stay.
            self.findings.sort_by_key(|reported| reported.finding.severity);
            let dropped = self.findings.split_off(FINDINGS);
            if dropped.iter().any(|reported| reported.finding.severity.is_material()) {
                self.readable = false;
            }
            self.note(format!("only the heaviest {FINDINGS} of {all} findings were kept"));
        }
        let mut room = DETAILS_BYTES;
        for Reported { finding, .. } in &mut self.findings {
            if finding.detail.len() > room {
                finding.detail = clip(&finding.detail, SHORT_DETAIL_BYTES);
            }
            room = room.saturating_sub(finding.detail.len());
        }
        let more = self.unread.len().saturating_sub(UNREAD);
        self.unread.truncate(UNREAD);
        if more > 0 {
            self.unread.push(format!("{more} more remarks of this kind"));
        }
        let Self { findings, summary, ready, readable, clipped, unread } = self;
        let unread = unread.iter().map(|sentence| one_line(&clean(sentence), 300)).collect();
        Reply { findings, summary, ready, readable: readable && !clipped, unread }
    }
}

/// Clean text of at most so many bytes and a note; what is left of unseen characters becomes visible.
fn tidy(text: &str, bytes: usize) -> String {
    // A little more than is kept: cleaning only ever shortens what it can see whole.
    let beginning = clip(text, bytes.saturating_mul(4));
    let visible = crate::domain::text::visible(&clean(&beginning));
    clip(visible.trim(), bytes)
}

/// The schema of the reply, for `--json-schema`.
pub fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["findings", "summary", "ready"],
        "properties": {
            "findings": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["title", "description", "severity"],
                    "properties": {
                        "title": { "type": "string", "description": "the defect in one line" },
                        "description": { "type": "string", "description": "what goes wrong, when, and what to do" },
                        "severity": { "type": "string", "enum": ["critical", "major", "minor", "note"] },
                        "priority": { "type": "integer", "minimum": 0, "maximum": 4 },
                        "type": { "type": "string", "enum": ["bug", "task", "feature", "chore"] },
                        "file": { "type": "string", "description": "path from the root of the repository" },
                        "line": { "type": "integer", "minimum": 1 },
                        "evidence": { "type": "string", "description": "the lines, or the output that shows it" }
                    }
                }
            },
            "summary": { "type": "string" },
            "ready": { "type": "boolean", "description": "whether this may land as it is" }
        }
    })
}

#[cfg(test)]
mod tests;

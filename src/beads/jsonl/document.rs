//! A tracker file as lines: which are beads, which are not, and where a new one belongs.
//!
//! Owns the reading of hostile bytes (F36): good lines load, bad ones are reported and keep their place.
//! It changes nothing; [`Draft`] collects changed and new lines and renders the file with every other byte
//! as it was. Start with [`Document::read`].

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::beads::TrackerError;
use crate::beads::snapshot::{Flaw, Problem, Snapshot, unknown};
use crate::domain::bead::Bead;
use crate::domain::ids::BeadId;

/// A longer line is kept but not read.
const LINE_LIMIT: usize = 64 << 20;

/// One reading of a tracker file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) text: Arc<Vec<u8>>,
    /// Without their line feed.
    pub(crate) lines: Vec<Range<usize>>,
    pub(crate) beads: Vec<Bead>,
    /// The line of each bead.
    pub(crate) beads_at: Vec<usize>,
    pub(crate) index: HashMap<BeadId, usize>,
    pub(crate) problems: Vec<Problem>,
    /// Further lines of an id, counted from 0.
    twins: HashMap<BeadId, Vec<usize>>,
    has_conflict: bool,
}

enum Line {
    Bead(Box<Bead>),
    /// Blank lines, headers and memories: nothing to say about them.
    Silent,
    Bad(Flaw),
}

impl Document {
    pub(crate) fn read(bytes: Vec<u8>) -> Self {
        let lines = split(&bytes);
        let mut doc = Self {
            text: Arc::new(bytes),
            beads: Vec::with_capacity(lines.len()),
            beads_at: Vec::with_capacity(lines.len()),
            index: HashMap::with_capacity(lines.len()),
            lines,
            problems: Vec::new(),
            twins: HashMap::new(),
            has_conflict: false,
        };
        for at in 0..doc.lines.len() {
            match doc.classify(at) {
                Line::Bead(bead) => doc.add(at, *bead),
                Line::Silent => {}
                Line::Bad(what) => {
                    doc.has_conflict |= what == Flaw::Conflict;
                    doc.problems.push(Problem { line: at + 1, what });
                }
            }
        }
        doc
    }

    pub(crate) fn into_snapshot(self, notes: Vec<String>) -> Snapshot {
        Snapshot::new(self, notes)
    }

    pub(crate) fn get(&self, id: &BeadId) -> Option<&Bead> {
        self.index.get(id).map(|&at| &self.beads[at])
    }

    /// The bead and its line's number, unless another line has the same id: which one counts is then for a
    /// person to say.
    pub(crate) fn find(&self, id: &BeadId) -> Result<(&Bead, usize), TrackerError> {
        let at = *self.index.get(id).ok_or_else(|| unknown(id, &self.beads))?;
        if let Some(twins) = self.twins.get(id) {
            let lines = std::iter::once(self.beads_at[at]).chain(twins.iter().copied()).map(|l| l + 1);
            return Err(TrackerError::Ambiguous { id: id.clone(), lines: lines.collect() });
        }
        Ok((&self.beads[at], self.beads_at[at]))
    }

    /// The bytes of a line.
    pub(crate) fn bytes(&self, line: usize) -> &[u8] {
        &self.text[self.lines[line].clone()]
    }

    /// Every line that is a bead, further lines of an id included: (id, line).
    pub(crate) fn bead_lines(&self) -> impl Iterator<Item = (&BeadId, usize)> {
        let first = self.beads.iter().zip(&self.beads_at).map(|(bead, &at)| (&bead.id, at));
        first.chain(self.twins.iter().flat_map(|(id, lines)| lines.iter().map(move |&at| (id, at))))
    }

    /// The first line with a conflict marker, counted from 1.
    pub(crate) fn marker(&self) -> Option<usize> {
        self.problems.iter().find(|p| p.what == Flaw::Conflict).map(|p| p.line)
    }

    /// The text of a line that is a bead.
    pub(crate) fn bead_text(&self, line: usize) -> &str {
        std::str::from_utf8(&self.text[self.lines[line].clone()]).expect("a bead's line is UTF-8")
    }

    /// Whether the id occurs in a line that could not be read.
    pub(crate) fn is_in_bad_line(&self, id: &str) -> bool {
        let quoted = format!("\"{id}\"");
        self.problems.iter().any(|p| {
            let line = &self.text[self.lines[p.line - 1].clone()];
            line.windows(quoted.len()).any(|w| w == quoted.as_bytes())
        })
    }

    /// Whether a new bead goes by id; else it goes to the end. Never into a merge conflict, where the user's
    /// choice of a side would drop it.
    fn is_sorted(&self) -> bool {
        let sorted = self.beads.windows(2).all(|pair| pair[0].id < pair[1].id);
        sorted && self.twins.is_empty() && !self.has_conflict
    }

    /// Before which line a new bead goes in a sorted file.
    fn place_of(&self, id: &BeadId) -> usize {
        match self.beads.partition_point(|bead| bead.id < *id) {
            0 => self.beads_at.first().copied().unwrap_or(self.lines.len()),
            n if n == self.beads.len() => self.lines.len(),
            n => self.beads_at[n - 1] + 1,
        }
    }

    fn add(&mut self, at: usize, bead: Bead) {
        if let Some(&first) = self.index.get(&bead.id) {
            let what = Flaw::Duplicate { id: bead.id.clone(), first: self.beads_at[first] + 1 };
            self.problems.push(Problem { line: at + 1, what });
            self.twins.entry(bead.id).or_default().push(at);
        } else {
            self.index.insert(bead.id.clone(), self.beads.len());
            self.beads.push(bead);
            self.beads_at.push(at);
        }
    }

    fn classify(&self, at: usize) -> Line {
        let span = &self.lines[at];
        let bytes = &self.text[span.clone()];
        if bytes.len() > LINE_LIMIT {
            return Line::Bad(Flaw::TooLong { limit: LINE_LIMIT });
        }
        if is_marker(bytes) {
            return Line::Bad(Flaw::Conflict);
        }
        let is_torn = span.end == self.text.len();
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Line::Bad(if is_torn { Flaw::Torn } else { Flaw::NotUtf8 });
        };
        let text = if at == 0 { text.trim_start_matches('\u{feff}') } else { text };
        match parse(text) {
            Line::Bad(_) if is_torn && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => {
                Line::Bad(Flaw::Torn)
            }
            line => line,
        }
    }
}

fn split(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let end = start + line.len();
        lines.push(start..end - usize::from(line.ends_with(b"\n")));
        start = end;
    }
    lines
}

fn is_marker(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line == b"=======" || [b"<<<<<<< ", b">>>>>>> ", b"||||||| "].iter().any(|m| line.starts_with(*m))
}

fn parse(text: &str) -> Line {
    if text.trim().is_empty() {
        return Line::Silent;
    }
    let bead = match serde_json::from_str::<Bead>(text) {
        Ok(bead) => bead,
        Err(error) => match parse_leniently(text) {
            Some(line) => return line,
            None => return Line::Bad(Flaw::NotABead { why: printable(&error.to_string()) }),
        },
    };
    finished(bead)
}

/// As Go reads: a null is as if the key were absent, and of a repeated key the last counts.
fn parse_leniently(text: &str) -> Option<Line> {
    let Ok(Value::Object(mut map)) = serde_json::from_str::<Value>(text) else { return None };
    if map.contains_key("_schema") || map.get("_type").is_some_and(|t| t != "issue") {
        return Some(Line::Silent);
    }
    map.retain(|_, value| !value.is_null());
    let bead = serde_json::from_value::<Bead>(Value::Object(map)).ok()?;
    Some(finished(bead))
}

fn finished(mut bead: Bead) -> Line {
    if bead.id.as_str().is_empty() {
        return Line::Bad(Flaw::NotABead { why: "its id is empty".to_owned() });
    }
    bead.assignee.take_if(|name| name.is_empty());
    if bead.issue_type.is_empty() {
        bead.issue_type.push_str("task");
    }
    Line::Bead(Box::new(bead))
}

/// A reader's message may quote the file: no control characters, no end of it.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(160).collect()
}

/// Changed and new lines of a document.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    doc: &'a Document,
    changed: BTreeMap<usize, String>,
    /// By the line they go before, then by id.
    new: BTreeMap<usize, BTreeMap<BeadId, String>>,
    is_sorted: bool,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(doc: &'a Document) -> Self {
        Self { doc, changed: BTreeMap::new(), new: BTreeMap::new(), is_sorted: doc.is_sorted() }
    }

    pub(crate) fn replace(&mut self, line: usize, text: String) {
        self.changed.insert(line, text);
    }

    pub(crate) fn insert(&mut self, id: &BeadId, text: String) {
        let place = if self.is_sorted { self.doc.place_of(id) } else { self.doc.lines.len() };
        self.new.entry(place).or_default().insert(id.clone(), text);
    }

    /// The whole file. Lines that nobody touched are copied byte for byte, the unreadable ones included.
    pub(crate) fn render(&self) -> Vec<u8> {
        let doc = self.doc;
        let extra = self.changed.values().map(String::len).sum::<usize>();
        let extra =
            extra + self.new.values().flat_map(BTreeMap::values).map(|text| text.len() + 2).sum::<usize>();
        let mut out = Vec::with_capacity(doc.text.len() + extra);
        for (at, span) in doc.lines.iter().enumerate() {
            self.render_new(at, &mut out);
            match self.changed.get(&at) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => out.extend_from_slice(&doc.text[span.clone()]),
            }
            if span.end < doc.text.len() || self.ends_line(at) {
                out.push(b'\n');
            }
        }
        self.render_new(doc.lines.len(), &mut out);
        out
    }

    fn render_new(&self, before: usize, out: &mut Vec<u8>) {
        for text in self.new.get(&before).into_iter().flat_map(BTreeMap::values) {
            out.extend_from_slice(text.as_bytes());
            out.push(b'\n');
        }
    }

    /// Whether an unfinished last line gets its line feed: a bead does, a torn one only if something follows.
    fn ends_line(&self, at: usize) -> bool {
        let is_bead = self.doc.beads_at.last() == Some(&at);
        is_bead || self.new.range(at + 1..).next().is_some()
    }
}

#[cfg(test)]
mod tests;

//! All beads of a tracker at one moment, with the text they came from.
//!
//! Owns what a reader gets: typed beads in file order, the lines that could not be read, and the original
//! lines for output in `bd`'s own words (`view`). It never changes anything. Start with [`Snapshot`].

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::TrackerError;
use super::jsonl::Document;
use super::view::Dependents;
use crate::domain::bead::Bead;
use crate::domain::ids::BeadId;

/// What a tracker held at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// In file order; of lines with the same id the first.
    pub beads: Vec<Bead>,
    pub problems: Vec<Problem>,
    /// What a user should know about where the beads come from (an SQLite file beside, a redirect).
    pub notes: Vec<String>,
    text: Arc<Vec<u8>>,
    spans: Vec<Range<usize>>,
    index: HashMap<BeadId, usize>,
    /// Lists of `bd` leave comments out and say how many there are.
    pub(super) has_counts: bool,
    /// Built when output first asks for it.
    pub(super) dependents: OnceLock<Dependents>,
}

/// A line that was kept as it is and not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    pub what: Flaw,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Why a line is not a bead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("the last line is torn: it has no end")]
    Torn,
    #[error("a merge conflict marker")]
    Conflict,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("not a bead: {why}")]
    NotABead { why: String },
    #[error("`{id}` again: line {first} counts")]
    Duplicate { id: BeadId, first: usize },
}

impl Snapshot {
    /// Reads the bytes of a tracker file. Never fails and never panics: what is not a bead is a problem.
    pub fn read(bytes: Vec<u8>) -> Self {
        Document::read(bytes).into_snapshot(Vec::new())
    }

    pub(crate) fn new(document: Document, notes: Vec<String>) -> Self {
        let spans = document.beads_at.iter().map(|&line| document.lines[line].clone()).collect();
        Self {
            beads: document.beads,
            problems: document.problems,
            notes,
            text: document.text,
            spans,
            index: document.index,
            has_counts: false,
            dependents: OnceLock::new(),
        }
    }

    /// Beads that never were in a file; `lines` is how each would stand in one.
    pub(crate) fn of_lines(beads: Vec<Bead>, lines: &[String]) -> Self {
        let (mut text, mut spans) = (Vec::new(), Vec::with_capacity(lines.len()));
        for line in lines {
            let start = text.len();
            text.extend_from_slice(line.as_bytes());
            spans.push(start..text.len());
            text.push(b'\n');
        }
        let index = beads.iter().enumerate().map(|(at, bead)| (bead.id.clone(), at)).collect();
        Self { beads, text: Arc::new(text), spans, index, ..Self::default() }
    }

    /// Where a line says how many comments its bead has, that number counts, not those in the line.
    pub(crate) fn counted_by_its_tracker(mut self) -> Self {
        self.has_counts = true;
        self
    }

    pub fn get(&self, id: &BeadId) -> Option<&Bead> {
        self.position(id).map(|at| &self.beads[at])
    }

    /// As [`Snapshot::get`], with the nearest ids where there is none.
    pub fn find(&self, id: &BeadId) -> Result<&Bead, TrackerError> {
        self.get(id).ok_or_else(|| unknown(id, &self.beads))
    }

    pub fn position(&self, id: &BeadId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The whole text it was read from.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The line a bead came from, as it stands in the tracker.
    pub(crate) fn line(&self, at: usize) -> &str {
        let bytes = &self.text[self.spans[at].clone()];
        std::str::from_utf8(bytes).expect("only lines that are UTF-8 become beads")
    }
}

/// The error for an id that no bead has.
pub(crate) fn unknown(id: &BeadId, beads: &[Bead]) -> TrackerError {
    let wanted: String = id.as_str().chars().take(100).collect();
    let mut near: Vec<(usize, &str)> = beads
        .iter()
        .map(|bead| (distance(&wanted, bead.id.as_str()), bead.id.as_str()))
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    near.sort_unstable();
    TrackerError::UnknownId {
        id: id.clone(),
        nearest: near.into_iter().take(3).map(|(_, id)| id.to_owned()).collect(),
    }
}

/// Slips of the finger; a forgotten prefix or another case counts as one.
fn distance(wanted: &str, id: &str) -> usize {
    let without_prefix = id.rsplit_once('-').is_some_and(|(_, hash)| hash == wanted);
    if without_prefix || id.eq_ignore_ascii_case(wanted) { 1 } else { strsim::osa_distance(wanted, id) }
}

//! Beads from a JSONL text, taken into a tracker file: all that can be checked is checked before one write.
//!
//! Owns which lines are taken, joined with a bead that is here, left alone or refused, and the mark of a bead
//! that came from elsewhere, whose text deserves less trust (T19). It reads and writes no file. Start with
//! [`import`].

mod check;

use serde::Serialize;

use super::change::Change;
use super::document::{Document, Draft};
use super::record::Record;
use super::text;
use crate::beads::form::{self, Form};
use crate::beads::merge::newer;
use crate::domain::bead::{Bead, CLAIM_KEY, IMPORT_KEY, Status};
use crate::domain::ids::BeadId;

/// How an import is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    pub origin: Origin,
    pub partly: Partly,
}

/// Where the beads come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Each new or changed bead is marked under `metadata`, and a claim it carries is dropped.
    Elsewhere,
    /// The user's own beads: they keep every byte.
    Own,
}

/// What a line that cannot be taken means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partly {
    /// Then nothing is written.
    Never,
    /// The others are taken.
    Yes,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Whether anything was written.
    pub written: bool,
    pub added: Vec<BeadId>,
    /// Were here, and are newer now.
    pub changed: Vec<BeadId>,
    /// Were here as they are, or newer.
    pub kept: Vec<BeadId>,
    pub refused: Vec<Refused>,
    /// What a person should know of lines that were taken or need not be.
    pub warnings: Vec<String>,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Counted from 1.
    pub line: usize,
    pub id: Option<BeadId>,
    pub why: String,
}

/// What becomes of one incoming bead.
enum Fate {
    Add(String),
    Change(usize, String),
    Keep,
}

/// The file with the incoming beads in it (`None`: as it is), and the report.
pub(crate) fn import(
    doc: &Document,
    incoming: &Document,
    how: Import,
    change: Change,
) -> (Option<Vec<u8>>, ImportReport) {
    let mut report = ImportReport::default();
    report.refused.extend(incoming.problems.iter().map(|p| Refused {
        line: p.line,
        id: None,
        why: p.what.to_string(),
    }));
    let mut work = Work {
        doc,
        how,
        change,
        form: own_form(doc),
        last_comment: form::last_comment(doc.beads.iter().chain(&incoming.beads)),
    };
    let in_circles = check::circles(doc, incoming);
    let mut draft = Draft::new(doc);
    for (bead, &line) in incoming.beads.iter().zip(&incoming.beads_at) {
        if bead.status == Status::Tombstone && doc.get(&bead.id).is_none() {
            report.warnings.push(format!("line {}: `{}` was deleted there: left out", line + 1, bead.id));
            continue;
        }
        let fate = check::check(bead, &in_circles).and_then(|()| work.decide(bead, incoming.bead_text(line)));
        match fate {
            Ok(Fate::Add(text)) => {
                draft.insert(&bead.id, text);
                report.added.push(bead.id.clone());
            }
            Ok(Fate::Change(at, text)) => {
                draft.replace(at, text);
                report.changed.push(bead.id.clone());
            }
            Ok(Fate::Keep) => report.kept.push(bead.id.clone()),
            Err(why) => {
                report.refused.push(Refused {
                    line: line + 1,
                    id: Some(bead.id.clone()),
                    why: why.to_string(),
                });
            }
        }
    }
    report.warnings.extend(check::dangling(doc, incoming));
    report.refused.sort_by_key(|refused| refused.line);
    let is_refused = how.partly == Partly::Never && !report.refused.is_empty();
    if is_refused || report.added.is_empty() && report.changed.is_empty() {
        if is_refused {
            (report.added, report.changed) = (Vec::new(), Vec::new());
        }
        return (None, report);
    }
    report.written = true;
    (Some(draft.render()), report)
}

/// Why a bead is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Objection {
    #[error("`{id}` is another bead here: it was made at another time")]
    Another { id: BeadId },
    #[error("`{id}` was deleted here")]
    Deleted { id: BeadId },
    #[error("`{id}` has several lines here: keep one of them first")]
    Ambiguous { id: BeadId },
    #[error("`{id}` is in progress here, `{by}` has it")]
    Taken { id: BeadId, by: String },
    #[error("{what}: expected {expected}, found `{found}`")]
    Invalid { what: &'static str, expected: &'static str, found: String },
    #[error("`{id}` would wait for itself in a circle")]
    Circle { id: BeadId },
}

struct Work<'a> {
    doc: &'a Document,
    how: Import,
    change: Change,
    /// `None` where the tracker has no bead yet: lines keep the form they come in.
    form: Option<Form>,
    last_comment: u64,
}

impl Work<'_> {
    fn decide(&mut self, bead: &Bead, line: &str) -> Result<Fate, Objection> {
        let id = bead.id.clone();
        let Some(here) = self.doc.get(&bead.id) else { return Ok(Fate::Add(self.line(bead, line))) };
        let Ok((_, at)) = self.doc.find(&bead.id) else { return Err(Objection::Ambiguous { id }) };
        if let (Some(a), Some(b)) = (here.created_at, bead.created_at)
            && a != b
        {
            return Err(Objection::Another { id });
        }
        if bead.updated_at <= here.updated_at {
            return Ok(Fate::Keep);
        }
        match (&here.status, &here.assignee) {
            (Status::Tombstone, _) => return Err(Objection::Deleted { id }),
            (Status::InProgress, Some(by)) => return Err(Objection::Taken { id, by: by.clone() }),
            _ => {}
        }
        let line = self.line(bead, line);
        Ok(Fate::Change(at, newer(self.doc.bead_text(at), &line, self.change.now)))
    }

    /// The incoming line in the tracker's form, whole and marked.
    fn line(&mut self, bead: &Bead, line: &str) -> String {
        let line = line.trim_start_matches('\u{feff}').trim_end_matches('\r');
        let mut record = Record::parse(line).expect("a line that is a bead is a JSON object");
        if let Some(form) = self.form.filter(|form| *form != form::of_line(line)) {
            form::reshape(&mut record, form, &mut self.last_comment);
        }
        let now = text::string(&text::time(self.change.now));
        let is_there = |record: &Record<'_>, key: &str| record.get(key).is_some_and(|value| value != "null");
        for key in ["created_at", "updated_at"] {
            if !is_there(&record, key) {
                record.set(key, now.clone());
            }
        }
        match (&bead.status, is_there(&record, "closed_at")) {
            (Status::Closed, false) => {
                let at = record.get("updated_at").unwrap_or(&now).to_owned();
                record.set("closed_at", at);
            }
            (Status::Closed | Status::Tombstone, _) | (_, false) => {}
            (_, true) => record.remove("closed_at"),
        }
        if self.how.origin == Origin::Elsewhere {
            mark(&mut record, &now);
        }
        record.render()
    }
}

/// Says under `metadata` that the bead came by import; where that is no object, in `source_system`.
fn mark(record: &mut Record<'_>, now: &str) {
    let old = record.get("metadata").filter(|m| *m != "null").unwrap_or("{}").to_owned();
    match Record::parse(&old) {
        Some(mut metadata) => {
            metadata.remove(CLAIM_KEY);
            metadata.set_last(IMPORT_KEY, now.to_owned());
            record.set("metadata", metadata.render());
        }
        None if record.get("source_system").is_none_or(|s| matches!(s, "null" | "\"\"")) => {
            record.set("source_system", "\"import\"".to_owned());
        }
        None => {}
    }
}

fn own_form(doc: &Document) -> Option<Form> {
    doc.beads_at.first().map(|&line| form::of_line(doc.bead_text(line)))
}

#[cfg(test)]
mod tests;

//! What each change does to a bead's line, as pure functions of a document.
//!
//! Owns the invariants of a record: `updated_at` strictly newer, `closed_at` exactly while closed, labels
//! sorted, the claim's token gone when the claim ends. It reads and writes no file. Start with [`Change`].

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::document::{Document, Draft};
use super::record::Record;
use super::text;
use crate::beads::grip::{Grip, check_live, may_claim, may_release, reason_or_default, was_released};
use crate::beads::{Claim, ClaimFrom, Edit, PARKED, Release, TrackerError};
use crate::domain::bead::{Bead, CLAIM_KEY, Status};
use crate::domain::ids::BeadId;

/// What a change makes of a file.
pub(crate) enum Outcome {
    Write(Vec<u8>),
    /// It was so already.
    Keep,
}

/// The moment of a change and what new comments need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) now: DateTime<Utc>,
    pub(crate) chance: [u8; 16],
}

impl Change {
    pub(crate) fn close(self, doc: &Document, id: &BeadId, reason: &str) -> Result<Outcome, TrackerError> {
        let (bead, line) = live(doc, id)?;
        let mut edited = Edited::new(doc, bead, line, self);
        edited.close(reason);
        if bead.claim_token().is_some() {
            edited.drop_claim();
        }
        Ok(edited.finish())
    }

    pub(crate) fn reopen(self, doc: &Document, id: &BeadId) -> Result<Outcome, TrackerError> {
        let (bead, line) = doc.find(id)?;
        let is_taken = bead.status == Status::InProgress || bead.assignee.is_some();
        let mut edited = Edited::new(doc, bead, line, self);
        match &bead.status {
            Status::Closed => {
                for key in ["closed_at", "close_reason", "closed_by_session"] {
                    edited.record.remove(key);
                }
            }
            Status::Tombstone => return Err(TrackerError::Deleted { id: id.clone() }),
            _ if is_taken => edited.drop_claim(),
            other => {
                return Err(TrackerError::NotClosed { id: id.clone(), status: other.as_str().to_owned() });
            }
        }
        edited.status(&Status::Open);
        Ok(edited.finish())
    }

    pub(crate) fn update(
        self,
        doc: &Document,
        id: &BeadId,
        edit: &Edit,
        actor: &str,
    ) -> Result<Outcome, TrackerError> {
        let (bead, line) = doc.find(id)?;
        if bead.status == Status::Tombstone {
            return Err(TrackerError::Deleted { id: id.clone() });
        }
        if matches!(edit.status, Some(Status::Closed | Status::Tombstone)) {
            return Err(TrackerError::invalid("status", "one that is not closed", "closed"));
        }
        if edit.status.is_some() {
            check_live(id, bead)?;
        }
        if *edit == Edit::default() {
            return Ok(Outcome::Keep);
        }
        let mut edited = Edited::new(doc, bead, line, self);
        if let Some(status) = &edit.status {
            edited.status(status);
        }
        if edit.unassign {
            edited.record.remove("assignee");
        }
        edited.labels(&edit.add_labels, &edit.remove_labels);
        for (kind, target) in &edit.add_edges {
            super::create::check_edge(doc, kind, target, id)?;
            if super::create::closes_cycle(doc, kind, id, target) {
                return Err(TrackerError::Cycle { from: id.clone(), to: target.clone() });
            }
            edited.edge(kind, target, actor);
        }
        if let Some(words) = &edit.comment {
            edited.comment(actor, words);
        }
        Ok(edited.finish())
    }

    pub(crate) fn claim(
        self,
        doc: &Document,
        id: &BeadId,
        claim: &Claim,
        from: ClaimFrom,
    ) -> Result<Outcome, TrackerError> {
        let (bead, line) = live(doc, id)?;
        if may_claim(bead, claim, from)? == Grip::Held {
            return Ok(Outcome::Keep);
        }
        let mut edited = Edited::new(doc, bead, line, self);
        edited.status(&Status::InProgress);
        edited.record.set("assignee", text::string(&claim.actor));
        if edited.record.get("started_at").is_none() {
            edited.record.set("started_at", text::string(&text::time(edited.at)));
        }
        edited.token(&claim.token);
        Ok(edited.finish())
    }

    pub(crate) fn release(
        self,
        doc: &Document,
        id: &BeadId,
        claim: &Claim,
        into: &Release,
    ) -> Result<Outcome, TrackerError> {
        let (bead, line) = doc.find(id)?;
        if was_released(bead, claim, into) {
            return Ok(Outcome::Keep);
        }
        live(doc, id)?;
        may_release(bead, claim, into)?;
        let mut edited = Edited::new(doc, bead, line, self);
        edited.drop_claim();
        match into {
            Release::Open => edited.status(&Status::Open),
            Release::Parked { comment } => {
                edited.status(&Status::Blocked);
                edited.labels(&[PARKED.to_owned()], &[]);
                edited.comment(&claim.actor, comment);
            }
            Release::Closed { reason } => {
                edited.close(reason);
                edited.record.set("closed_by_session", text::string(&claim.actor));
            }
        }
        Ok(edited.finish())
    }
}

/// A bead that is neither closed nor deleted.
fn live<'a>(doc: &'a Document, id: &BeadId) -> Result<(&'a Bead, usize), TrackerError> {
    let (bead, line) = doc.find(id)?;
    check_live(id, bead)?;
    Ok((bead, line))
}

/// One line being changed.
pub(crate) struct Edited<'a> {
    doc: &'a Document,
    bead: &'a Bead,
    line: usize,
    change: Change,
    at: DateTime<Utc>,
    record: Record<'a>,
}

impl<'a> Edited<'a> {
    pub(crate) fn new(doc: &'a Document, bead: &'a Bead, line: usize, change: Change) -> Self {
        let record = Record::parse(doc.bead_text(line)).expect("a line that is a bead is a JSON object");
        Self { doc, bead, line, change, at: text::newer(bead.updated_at, change.now), record }
    }

    pub(crate) fn edge(&mut self, kind: &str, target: &BeadId, actor: &str) {
        let known = |d: &crate::domain::bead::Dependency| d.kind == kind && d.depends_on_id == *target;
        if self.bead.dependencies.iter().any(known) {
            return;
        }
        let edge = edge(&self.bead.id, kind, target, actor, self.change.now);
        let all = text::appended(self.record.get("dependencies"), &edge);
        self.record.set("dependencies", all);
    }

    pub(crate) fn into_line(mut self) -> (usize, String) {
        self.record.set("updated_at", text::string(&text::time(self.at)));
        (self.line, self.record.render())
    }

    fn finish(self) -> Outcome {
        let mut draft = Draft::new(self.doc);
        let (line, text) = self.into_line();
        draft.replace(line, text);
        Outcome::Write(draft.render())
    }

    fn status(&mut self, status: &Status) {
        self.record.set("status", text::string(status.as_str()));
    }

    fn close(&mut self, reason: &str) {
        self.status(&Status::Closed);
        self.record.set("closed_at", text::string(&text::time(self.at)));
        self.record.set("close_reason", text::string(reason_or_default(reason)));
    }

    /// Labels are sorted in `bd`'s output.
    fn labels(&mut self, add: &[String], remove: &[String]) {
        let mut labels = self.bead.labels.clone();
        labels.retain(|label| !remove.contains(label));
        labels.extend(add.iter().cloned());
        labels.sort();
        labels.dedup();
        if labels.is_empty() {
            self.record.remove("labels");
        } else if labels != self.bead.labels {
            self.record.set("labels", text::strings(&labels));
        }
    }

    fn comment(&mut self, author: &str, words: &str) {
        let id = comment_id(self.doc, self.change);
        let comment = format!(
            "{{\"id\":{id},\"issue_id\":{},\"author\":{},\"text\":{},\"created_at\":\"{}\"}}",
            text::string(self.bead.id.as_str()),
            text::string(author),
            text::string(words),
            text::time(self.change.now),
        );
        let all = text::appended(self.record.get("comments"), &comment);
        self.record.set("comments", all);
    }

    /// Metadata that is not an object has no room for a token: the assignee alone then proves the claim.
    fn token(&mut self, token: &str) {
        let old = self.record.get("metadata").filter(|m| m.trim() != "null").unwrap_or("{}").to_owned();
        if let Some(mut metadata) = Record::parse(&old) {
            metadata.set_last(CLAIM_KEY, text::string(token));
            self.record.set("metadata", metadata.render());
        }
    }

    /// Undoes what a claim did. Metadata that held nothing else goes as a whole.
    fn drop_claim(&mut self) {
        self.record.remove("assignee");
        let old = self.record.get("metadata").unwrap_or_default().to_owned();
        let Some(mut metadata) = Record::parse(&old) else { return };
        if metadata.get(CLAIM_KEY).is_none() {
            return;
        }
        metadata.remove(CLAIM_KEY);
        if metadata.is_empty() {
            self.record.remove("metadata");
        } else {
            self.record.set("metadata", metadata.render());
        }
    }
}

/// An edge as `bd` writes it.
pub(crate) fn edge(from: &BeadId, kind: &str, to: &BeadId, actor: &str, at: DateTime<Utc>) -> String {
    format!(
        "{{\"issue_id\":{},\"depends_on_id\":{},\"type\":{},\"created_at\":\"{}\",\"created_by\":{}}}",
        text::string(from.as_str()),
        text::string(to.as_str()),
        text::string(kind),
        text::time(at),
        text::string(actor),
    )
}

/// The next number in classic files; in a file whose comments have text ids (1.0 and later) a UUIDv7.
fn comment_id(doc: &Document, change: Change) -> String {
    let mut highest = 0;
    for id in doc.beads.iter().flat_map(|b| &b.comments).map(|c| &c.id) {
        match id {
            Value::Number(n) => highest = highest.max(n.as_u64().unwrap_or_default()),
            Value::String(_) => return text::string(&uuid_v7(change).to_string()),
            _ => {}
        }
    }
    // Go reads the id into a signed 64-bit number.
    if highest < i64::MAX as u64 { (highest + 1).to_string() } else { "0".to_owned() }
}

fn uuid_v7(change: Change) -> uuid::Uuid {
    let millis = u64::try_from(change.now.timestamp_millis()).unwrap_or_default();
    let random = change.chance[..10].first_chunk().expect("ten bytes were taken");
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

//! The one double of the tracker: beads in memory, under the contract of [`Tracker`].
//!
//! For tests and the simulator alone. It shares the rules of who holds a bead with the file store and owns
//! nothing else of theirs; a clone of the handle is the same tracker, so it outlives a killed daemon. The user
//! of a simulated night edits through [`Memory::by_hand`]. Start with [`Memory::new`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::grip::{Grip, check_live, holds, may_claim, may_release, reason_or_default, was_released};
use super::jsonl::text::newer;
use super::snapshot::unknown;
use super::{Claim, ClaimFrom, Edit, PARKED, Release, Snapshot, Tracker, TrackerError};
use crate::clock::Clock;
use crate::domain::bead::{Bead, CLAIM_KEY, Comment, Dependency, NewBead, Status};
use crate::domain::ids::BeadId;

/// Beads in memory. Clones share them.
#[derive(Clone)]
pub struct Memory {
    beads: Arc<Mutex<Vec<(Bead, String)>>>,
    writes: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

type Held<'a> = MutexGuard<'a, Vec<(Bead, String)>>;

impl Memory {
    pub fn new(beads: Vec<Bead>, clock: Arc<dyn Clock>) -> Self {
        let beads = beads.into_iter().map(|bead| (line(&bead), bead)).map(|(line, bead)| (bead, line));
        Self { beads: Arc::new(Mutex::new(beads.collect())), writes: Arc::default(), clock }
    }

    /// What a person does with an editor or with `bd`: anything, without asking who holds the bead.
    pub fn by_hand(&self, id: &BeadId, change: impl FnOnce(&mut Bead)) {
        let mut held = self.held();
        if let Some(at) = held.iter().position(|(bead, _)| bead.id == *id) {
            self.write(&mut held, at, change);
        }
    }

    /// All beads as they are now.
    pub fn all(&self) -> Vec<Bead> {
        self.held().iter().map(|(bead, _)| bead.clone()).collect()
    }

    fn held(&self) -> Held<'_> {
        self.beads.lock().expect("no holder of this lock panics")
    }

    fn find(&self, held: &Held<'_>, id: &BeadId) -> Result<usize, TrackerError> {
        held.iter().position(|(bead, _)| bead.id == *id).ok_or_else(|| {
            let beads: Vec<Bead> = held.iter().map(|(bead, _)| bead.clone()).collect();
            unknown(id, &beads)
        })
    }

    fn live(&self, held: &Held<'_>, id: &BeadId) -> Result<usize, TrackerError> {
        let at = self.find(held, id)?;
        check_live(id, &held[at].0)?;
        Ok(at)
    }

    fn write(&self, held: &mut Held<'_>, at: usize, change: impl FnOnce(&mut Bead)) -> Bead {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let (bead, text) = &mut held[at];
        let now = newer(bead.updated_at, self.clock.now());
        change(bead);
        bead.updated_at = Some(now);
        bead.closed_at = (bead.status == Status::Closed).then(|| bead.closed_at.unwrap_or(now));
        bead.labels.sort();
        bead.labels.dedup();
        *text = line(bead);
        bead.clone()
    }
}

fn line(bead: &Bead) -> String {
    serde_json::to_string(bead).expect("a bead is strings, numbers and times")
}

fn drop_claim(bead: &mut Bead) {
    bead.assignee = None;
    if let Some(Value::Object(map)) = &mut bead.metadata {
        map.remove(CLAIM_KEY);
        if map.is_empty() {
            bead.metadata = None;
        }
    }
}

fn comment(bead: &mut Bead, author: &str, text: &str, at: DateTime<Utc>) {
    let id = json!(bead.comments.len() + 1);
    bead.comments.push(Comment {
        id,
        issue_id: Some(bead.id.clone()),
        author: author.to_owned(),
        text: text.to_owned(),
        created_at: Some(at),
    });
}

fn edge(from: &BeadId, kind: &str, to: &BeadId, at: DateTime<Utc>) -> Dependency {
    Dependency {
        issue_id: from.clone(),
        depends_on_id: to.clone(),
        kind: kind.to_owned(),
        created_at: Some(at),
        created_by: None,
        metadata: None,
    }
}

/// Whether an edge of this type makes one bead wait for another.
fn orders(kind: &str) -> bool {
    matches!(kind, "blocks" | "conditional-blocks")
}

/// Whether `from` waits, directly or not, for `to`.
fn waits(held: &Held<'_>, from: &BeadId, to: &BeadId) -> bool {
    let mut open = vec![from.clone()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == *to {
            return true;
        }
        if seen.insert(id.clone()) {
            let edges = held.iter().find(|(bead, _)| bead.id == id).map(|(bead, _)| &bead.dependencies);
            let ordering = edges.into_iter().flatten().filter(|edge| orders(&edge.kind));
            open.extend(ordering.map(|edge| edge.depends_on_id.clone()));
        }
    }
    false
}

#[async_trait]
impl Tracker for Memory {
    async fn snapshot(&self) -> Result<Snapshot, TrackerError> {
        let (beads, lines): (Vec<Bead>, Vec<String>) = self.held().iter().cloned().unzip();
        Ok(Snapshot::of_lines(beads, &lines))
    }

    async fn stamp(&self) -> Option<String> {
        Some(self.writes.load(Ordering::SeqCst).to_string())
    }

    async fn show(&self, id: &BeadId) -> Result<Bead, TrackerError> {
        let held = self.held();
        let at = self.find(&held, id)?;
        Ok(held[at].0.clone())
    }

    async fn create(&self, new: &NewBead) -> Result<Bead, TrackerError> {
        let mut held = self.held();
        let now = self.clock.now();
        let id = BeadId::new(format!("sim-new{}", held.len() + 1));
        for (_, target) in &new.edges {
            self.find(&held, target)?;
        }
        let waiting = new.blocks.iter().map(|id| self.find(&held, id)).collect::<Result<Vec<_>, _>>()?;
        for bead in &new.blocks {
            let mut ordering = new.edges.iter().filter(|(kind, _)| orders(kind));
            if ordering.any(|(_, to)| waits(&held, to, bead)) {
                return Err(TrackerError::Cycle { from: bead.clone(), to: id });
            }
        }
        for at in waiting {
            self.write(&mut held, at, |bead| {
                let edge = edge(&bead.id, "blocks", &id, now);
                bead.dependencies.push(edge);
            });
        }
        let mut bead: Bead = serde_json::from_value(json!({ "id": id, "title": new.title }))
            .expect("an id and a title make a bead");
        bead.description.clone_from(&new.description);
        bead.status = new.status();
        bead.priority = new.priority;
        bead.issue_type.clone_from(&new.issue_type);
        bead.labels.clone_from(&new.labels);
        bead.created_at = Some(now);
        bead.created_by = Some(new.actor.clone());
        bead.updated_at = Some(now);
        bead.dependencies = new.edges.iter().map(|(kind, to)| edge(&id, kind, to, now)).collect();
        self.writes.fetch_add(1, Ordering::SeqCst);
        held.push((bead.clone(), line(&bead)));
        Ok(bead)
    }

    async fn close(&self, id: &BeadId, reason: &str, _actor: &str) -> Result<Bead, TrackerError> {
        let mut held = self.held();
        let at = self.live(&held, id)?;
        Ok(self.write(&mut held, at, |bead| {
            if bead.claim_token().is_some() {
                drop_claim(bead);
            }
            bead.status = Status::Closed;
            bead.close_reason = Some(reason_or_default(reason).to_owned());
        }))
    }

    async fn reopen(&self, id: &BeadId, _actor: &str) -> Result<Bead, TrackerError> {
        let mut held = self.held();
        let at = self.find(&held, id)?;
        let bead = &held[at].0;
        let is_taken = bead.status == Status::InProgress || bead.assignee.is_some();
        match &bead.status {
            Status::Closed => {}
            Status::Tombstone => return Err(TrackerError::Deleted { id: id.clone() }),
            _ if is_taken => {}
            other => {
                return Err(TrackerError::NotClosed { id: id.clone(), status: other.as_str().to_owned() });
            }
        }
        Ok(self.write(&mut held, at, |bead| {
            if bead.status != Status::Closed {
                drop_claim(bead);
            }
            bead.status = Status::Open;
            bead.close_reason = None;
        }))
    }

    async fn comment(&self, id: &BeadId, author: &str, text: &str) -> Result<Bead, TrackerError> {
        let edit = Edit { comment: Some(text.to_owned()), ..Edit::default() };
        self.update(id, &edit, author).await
    }

    async fn update(&self, id: &BeadId, edit: &Edit, actor: &str) -> Result<Bead, TrackerError> {
        let mut held = self.held();
        let at = self.find(&held, id)?;
        let status = &held[at].0.status;
        if *status == Status::Tombstone {
            return Err(TrackerError::Deleted { id: id.clone() });
        }
        if matches!(edit.status, Some(Status::Closed | Status::Tombstone)) {
            return Err(TrackerError::invalid("status", "one that is not closed", "closed"));
        }
        if edit.status.is_some() && *status == Status::Closed {
            check_live(id, &held[at].0)?;
        }
        for (kind, target) in &edit.add_edges {
            self.find(&held, target)?;
            if orders(kind) && waits(&held, target, id) {
                return Err(TrackerError::Cycle { from: id.clone(), to: target.clone() });
            }
        }
        let now = self.clock.now();
        Ok(self.write(&mut held, at, |bead| {
            if let Some(status) = &edit.status {
                bead.status = status.clone();
            }
            if edit.unassign {
                bead.assignee = None;
            }
            bead.labels.retain(|label| !edit.remove_labels.contains(label));
            bead.labels.extend(edit.add_labels.iter().cloned());
            for (kind, target) in &edit.add_edges {
                let known = |d: &Dependency| d.kind == *kind && d.depends_on_id == *target;
                if !bead.dependencies.iter().any(known) {
                    bead.dependencies.push(edge(id, kind, target, now));
                }
            }
            if let Some(text) = &edit.comment {
                comment(bead, actor, text, now);
            }
        }))
    }

    async fn claim(&self, id: &BeadId, claim: &Claim, from: ClaimFrom) -> Result<Bead, TrackerError> {
        let mut held = self.held();
        let at = self.live(&held, id)?;
        let bead = &held[at].0;
        if may_claim(bead, claim, from)? == Grip::Held {
            return Ok(bead.clone());
        }
        Ok(self.write(&mut held, at, |bead| {
            bead.status = Status::InProgress;
            bead.assignee = Some(claim.actor.clone());
            let metadata = bead.metadata.get_or_insert_with(|| json!({}));
            if let Value::Object(map) = metadata {
                map.insert(CLAIM_KEY.to_owned(), json!(claim.token));
            }
        }))
    }

    async fn holds(&self, id: &BeadId, claim: &Claim) -> Result<bool, TrackerError> {
        Ok(holds(&self.show(id).await?, claim))
    }

    async fn release(&self, id: &BeadId, claim: &Claim, into: &Release) -> Result<Bead, TrackerError> {
        let mut held = self.held();
        let at = self.find(&held, id)?;
        if was_released(&held[at].0, claim, into) {
            return Ok(held[at].0.clone());
        }
        self.live(&held, id)?;
        may_release(&held[at].0, claim, into)?;
        let now = self.clock.now();
        Ok(self.write(&mut held, at, |bead| {
            drop_claim(bead);
            match into {
                Release::Open => bead.status = Status::Open,
                Release::Parked { comment: words } => {
                    bead.status = Status::Blocked;
                    bead.labels.push(PARKED.to_owned());
                    comment(bead, &claim.actor, words, now);
                }
                Release::Closed { reason } => {
                    bead.status = Status::Closed;
                    bead.close_reason = Some(reason_or_default(reason).to_owned());
                }
            }
        }))
    }
}

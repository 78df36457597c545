//! Changes of one bead: closed, opened again, edited, commented.
//!
//! Owns which commands make a change and what is looked at before and after it. Claims are `claiming`'s, new beads
//! `creating`'s. Nothing here syncs or pushes: that is the user's. Start with [`BdTracker::edit`].

use super::answer::Failure;
use super::asking::{Question, Reply, named, refused};
use super::{BdError, BdTracker};
use crate::beads::grip::check_live;
use crate::beads::{Edit, TrackerError};
use crate::domain::bead::{Bead, Status};
use crate::domain::ids::BeadId;

#[derive(serde::Deserialize)]
struct Edge {
    #[serde(default)]
    issue_id: String,
    #[serde(default)]
    depends_on_id: String,
}

impl BdTracker {
    pub(crate) async fn close_by_hand(
        &self,
        id: &BeadId,
        reason: &str,
        actor: &str,
    ) -> Result<Bead, TrackerError> {
        let seen = self.look(id).await?;
        // `bd` would close it again and overwrite when and why.
        check_live(id, &seen.bead)?;
        self.shut(id, reason, actor).await?;
        if seen.bead.claim_token().is_some() {
            let question = Question::new("update", actor).about(id.as_str()).set("assignee", "");
            self.must_on(&self.without_token(question, &seen), id).await?;
        }
        self.expect(id, "close", &Status::Closed).await
    }

    /// Closes, with `bd`'s own guards: a bead blocked by open ones, or an epic with open children, stays open.
    pub(crate) async fn shut(&self, id: &BeadId, reason: &str, actor: &str) -> Result<(), TrackerError> {
        let mut question = Question::new("close", actor).about(id.as_str());
        if !reason.is_empty() {
            question = question.set("reason", reason);
        }
        self.must_on(&question, id).await?;
        self.expect(id, "close", &Status::Closed).await.map(|_| ())
    }

    pub(crate) async fn open_again(&self, id: &BeadId, actor: &str) -> Result<Bead, TrackerError> {
        let seen = self.look(id).await?;
        let is_taken = seen.bead.status == Status::InProgress || seen.bead.assignee.is_some();
        match &seen.bead.status {
            Status::Tombstone => return Err(TrackerError::Deleted { id: id.clone() }),
            Status::Closed => {
                self.must_on(&Question::new("reopen", actor).about(id.as_str()), id).await?;
            }
            _ if is_taken => {
                let question = Question::new("update", actor).about(id.as_str()).set("status", "open");
                self.must_on(&self.without_token(question.set("assignee", ""), &seen), id).await?;
            }
            other => {
                return Err(TrackerError::NotClosed { id: id.clone(), status: other.as_str().to_owned() });
            }
        }
        self.expect(id, "reopen", &Status::Open).await
    }

    pub(crate) async fn edit(&self, id: &BeadId, edit: &Edit, actor: &str) -> Result<Bead, TrackerError> {
        let seen = self.look(id).await?;
        if seen.bead.status == Status::Tombstone {
            return Err(TrackerError::Deleted { id: id.clone() });
        }
        if matches!(edit.status, Some(Status::Closed | Status::Tombstone)) {
            return Err(TrackerError::invalid("status", "one that is not closed", "closed"));
        }
        if edit.status.is_some() {
            check_live(id, &seen.bead)?;
        }
        for (_, target) in &edit.add_edges {
            self.check_target(target).await?;
        }
        if let Some(words) = &edit.comment {
            self.say(id, actor, words).await?;
        }
        for (kind, target) in &edit.add_edges {
            let has = |d: &crate::domain::bead::Dependency| d.kind == *kind && d.depends_on_id == *target;
            if !seen.bead.dependencies.iter().any(has) {
                self.add_edge(id, kind, target, actor).await?;
            }
        }
        let mut question = Question::new("update", actor).about(id.as_str());
        if let Some(status) = &edit.status {
            question = question.set("status", status.as_str());
        }
        if edit.unassign {
            question = question.set("assignee", "");
        }
        let bead = &seen.bead;
        let mut lists = Vec::new();
        for label in edit.add_labels.iter().filter(|label| !bead.has_label(label)) {
            if is_plain(label) {
                question = question.set("add-label", label)
            } else {
                lists.push(("label add", label))
            }
        }
        for label in edit.remove_labels.iter().filter(|label| bead.has_label(label)) {
            if is_plain(label) {
                question = question.set("remove-label", label)
            } else {
                lists.push(("label remove", label))
            }
        }
        for (name, label) in lists {
            self.must(&Question::new(name, actor).about(id.as_str()).about(label)).await?;
        }
        if !question.flags.is_empty() {
            self.must_on(&question, id).await?;
        }
        let bead = self.look(id).await?.bead;
        self.check_kept(&bead, edit)?;
        Ok(bead)
    }

    fn check_kept(&self, bead: &Bead, edit: &Edit) -> Result<(), TrackerError> {
        let wrong = |expected: String, found: &str| {
            let (command, id) = ("update".to_owned(), bead.id.clone());
            Err(TrackerError::from(BdError::NotKept { command, id, expected, found: found.to_owned() }))
        };
        if let Some(status) = edit.status.as_ref().filter(|status| bead.status != **status) {
            return wrong(status.as_str().to_owned(), bead.status.as_str());
        }
        match edit.add_labels.iter().find(|label| !bead.has_label(label)) {
            Some(label) => wrong(format!("label `{label}`"), "none"),
            None => Ok(()),
        }
    }

    /// One comment, in the author's name.
    pub(crate) async fn say(&self, id: &BeadId, author: &str, words: &str) -> Result<(), TrackerError> {
        let question = Question::new("comments add", author).set("author", author);
        let values = self.must(&question.about(id.as_str()).about(words)).await?;
        let got = values.first().and_then(|value| serde_json::from_str::<Edge>(value).ok());
        match got {
            Some(edge) if edge.issue_id == id.as_str() => Ok(()),
            Some(edge) => Err(other_bead("comments add", id, edge.issue_id)),
            None => Err(other_bead("comments add", id, String::new())),
        }
    }

    /// `from` gets an edge to `to`. Both were just looked up: `bd` would take a part of an id for another bead.
    pub(crate) async fn add_edge(
        &self,
        from: &BeadId,
        kind: &str,
        to: &BeadId,
        actor: &str,
    ) -> Result<(), TrackerError> {
        let question = Question::new("dep add", actor).set("type", kind);
        let values = match self.ask(&question.about(from.as_str()).about(to.as_str())).await? {
            Reply::Values(values) => values,
            Reply::No(Failure::Other(words)) if words.contains("cycle") => {
                return Err(TrackerError::Cycle { from: from.clone(), to: to.clone() });
            }
            Reply::No(failure) => return Err(refused("dep add", failure).into()),
        };
        let got = values.first().and_then(|value| serde_json::from_str::<Edge>(value).ok());
        let got = got.unwrap_or(Edge { issue_id: String::new(), depends_on_id: String::new() });
        if got.issue_id != from.as_str() {
            return Err(other_bead("dep add", from, got.issue_id));
        }
        if got.depends_on_id != to.as_str() {
            return Err(other_bead("dep add", to, got.depends_on_id));
        }
        Ok(())
    }

    /// Whether an edge may lead there: a bead with exactly this id, or another project's capability.
    pub(crate) async fn check_target(&self, target: &BeadId) -> Result<(), TrackerError> {
        if target.as_str().starts_with("external:") {
            return Ok(());
        }
        self.look(target).await.map(|_| ())
    }
}

fn other_bead(command: &str, asked: &BeadId, got: String) -> TrackerError {
    BdError::OtherBead { command: command.to_owned(), asked: asked.clone(), got }.into()
}

/// Lists of labels are read as comma-separated values, so these characters would part one.
pub(crate) fn is_plain(label: &str) -> bool {
    !label.contains([',', '"', '\n', '\r']) && label.trim() == label
}

/// The first value's id.
pub(crate) fn first_id(values: &[String]) -> Option<BeadId> {
    values.first().map(|value| named(value)).filter(|id| !id.is_empty()).map(BeadId::new)
}

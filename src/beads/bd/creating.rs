//! A new bead with its edges, where `bd create` may lose an edge and still exit 0.
//!
//! Owns what is checked before (targets, circles), the one command that makes bead and edges together, and the look
//! afterwards that adds what was lost. `blocks:ID` changed its direction in 1.0.4 and is never used. Start with
//! [`BdTracker::make`].

use std::collections::HashSet;

use super::BdError;
use super::BdTracker;
use super::asking::Question;
use super::writing::{first_id, is_plain};
use crate::beads::{Snapshot, TrackerError};
use crate::domain::bead::{Bead, NewBead};
use crate::domain::ids::BeadId;

impl BdTracker {
    pub(crate) async fn make(&self, new: &NewBead) -> Result<Bead, TrackerError> {
        self.check_new(new).await?;
        let mut question = Question::new("create", &new.actor)
            .set("priority", &new.priority.to_string())
            .set("type", &new.issue_type)
            .set("title", &new.title);
        if !new.description.is_empty() {
            question = question.set("description", &new.description);
        }
        for label in new.labels.iter().filter(|label| is_plain(label)) {
            question = question.set("labels", label);
        }
        for (kind, target) in &new.edges {
            question = match kind.as_str() {
                "blocks" => question.set("deps", target.as_str()),
                "waits-for" => question.set("waits-for", target.as_str()),
                other => question.set("deps", &format!("{other}:{target}")),
            };
        }
        let values = self.must(&question).await?;
        let Some(id) = first_id(&values) else {
            let found = "a bead without an id".to_owned();
            return Err(BdError::Answer { command: "create".to_owned(), expected: "a bead", found }.into());
        };
        self.complete(new, &id).await.map_err(|error| {
            let why = error.to_string();
            BdError::Halfway { id, why }.into()
        })
    }

    /// What the command left out, and the edges of those that shall wait.
    async fn complete(&self, new: &NewBead, id: &BeadId) -> Result<Bead, TrackerError> {
        let made = self.look(id).await?.bead;
        // First of all: as long as it is open somebody may take it.
        if made.status != new.status() {
            let question = Question::new("update", &new.actor).about(id.as_str());
            self.must_on(&question.set("status", new.status().as_str()), id).await?;
            self.expect(id, "update", &new.status()).await?;
        }
        for label in new.labels.iter().filter(|label| !made.has_label(label)) {
            self.must(&Question::new("label add", &new.actor).about(id.as_str()).about(label)).await?;
        }
        for (kind, target) in new.edges.iter().filter(|(kind, target)| !has_edge(&made, kind, target)) {
            self.add_edge(id, kind, target, &new.actor).await?;
        }
        for waiting in &new.blocks {
            self.add_edge(waiting, "blocks", id, &new.actor).await?;
        }
        let bead = self.look(id).await?.bead;
        match new.edges.iter().find(|(kind, target)| !has_edge(&bead, kind, target)) {
            None => Ok(bead),
            Some((kind, target)) => Err(BdError::NotKept {
                command: "dep add".to_owned(),
                id: id.clone(),
                expected: format!("an edge `{kind}` to `{target}`"),
                found: "none".to_owned(),
            }
            .into()),
        }
    }

    async fn check_new(&self, new: &NewBead) -> Result<(), TrackerError> {
        if new.title.trim().is_empty() || new.title.len() > 500 {
            return Err(TrackerError::invalid("title", "1 to 500 bytes", &new.title));
        }
        if !(0..=4).contains(&new.priority) {
            return Err(TrackerError::invalid("priority", "0 (highest) to 4", new.priority.to_string()));
        }
        if new.issue_type.is_empty() || new.issue_type.contains(char::is_whitespace) {
            return Err(TrackerError::invalid("type", "one word such as `task`", &new.issue_type));
        }
        if new.description == "-" {
            return Err(TrackerError::invalid("description", "words: `bd` reads `-` as its input", "-"));
        }
        for target in new.edges.iter().map(|(_, target)| target).chain(&new.blocks) {
            self.check_target(target).await?;
        }
        if new.edges.is_empty() || new.blocks.is_empty() {
            return Ok(());
        }
        let snapshot = self.list(None).await?;
        for waiting in &new.blocks {
            let ordering = new.edges.iter().filter(|(kind, _)| orders(kind));
            for (_, target) in ordering {
                if reaches(&snapshot, target, waiting) {
                    return Err(TrackerError::Cycle { from: waiting.clone(), to: target.clone() });
                }
            }
        }
        Ok(())
    }
}

fn has_edge(bead: &Bead, kind: &str, target: &BeadId) -> bool {
    bead.dependencies.iter().any(|edge| edge.kind == kind && edge.depends_on_id == *target)
}

fn orders(kind: &str) -> bool {
    matches!(kind, "blocks" | "conditional-blocks")
}

/// Whether `from` waits for `to`, over any number of edges.
fn reaches(snapshot: &Snapshot, from: &BeadId, to: &BeadId) -> bool {
    let mut seen = HashSet::from([from]);
    let mut queue = vec![from];
    while let Some(at) = queue.pop() {
        if at == to {
            return true;
        }
        let edges = snapshot.get(at).into_iter().flat_map(|bead| &bead.dependencies);
        queue.extend(
            edges
                .filter(|edge| orders(&edge.kind))
                .map(|edge| &edge.depends_on_id)
                .filter(|id| seen.insert(id)),
        );
    }
    false
}

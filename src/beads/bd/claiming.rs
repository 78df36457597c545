//! Taking a bead and letting go of it, in every version of `bd`.
//!
//! Owns the order of the calls: under our lock look, claim, look again; and at the end of a claim first what must not
//! be lost (a comment, the close), last the assignee. The token goes into `metadata` only where the version keeps
//! that; the run-unique assignee proves the claim everywhere. Start with [`BdTracker::take`].

use super::answer::Failure;
use super::asking::{Question, Reply, Seen, refused};
use super::version::{Claiming, Metadata};
use super::{BdError, BdTracker, SETTLE};
use crate::beads::grip::{Grip, check_live, grip, may_claim, may_release, said_last, was_released};
use crate::beads::jsonl::record::Record;
use crate::beads::jsonl::text;
use crate::beads::{Claim, ClaimFrom, PARKED, Release, TrackerError};
use crate::domain::bead::{Bead, CLAIM_KEY, Status};
use crate::domain::ids::BeadId;

impl BdTracker {
    pub(crate) async fn take(
        &self,
        id: &BeadId,
        claim: &Claim,
        from: ClaimFrom,
    ) -> Result<Bead, TrackerError> {
        let seen = self.look(id).await?;
        check_live(id, &seen.bead)?;
        if may_claim(&seen.bead, claim, from)? == Grip::Held {
            return Ok(seen.bead);
        }
        let status = &seen.bead.status;
        let mut question = Question::new("update", &claim.actor).about(id.as_str());
        question = if *status == Status::Open && seen.bead.assignee.is_none() {
            question.flag("claim")
        } else {
            // From 1.0.4 on `--claim` wants an open bead; ours may be forced from another status.
            question.set("status", Status::InProgress.as_str()).set("assignee", &claim.actor)
        };
        if let Some(metadata) = self.with_token(&seen, &claim.token) {
            question = question.set("metadata", &metadata);
        }
        let denied = match self.ask(&question).await? {
            Reply::Values(_) => None,
            Reply::No(failure) => Some(failure),
        };
        if self.dialect.claiming == Claiming::ReadThenWrite {
            tokio::time::sleep(SETTLE).await;
        }
        // What counts is what the tracker says now: exit codes of lost claims lie.
        let bead = self.look(id).await?.bead;
        match (grip(&bead, claim), denied) {
            (Grip::Held, _) => Ok(bead),
            (Grip::Taken(by), _) | (Grip::Free, Some(Failure::Claimed { by })) => {
                Err(TrackerError::ClaimLost { id: id.clone(), by })
            }
            (Grip::Free, Some(Failure::NotClaimable { status })) => {
                Err(TrackerError::NotClaimable { id: id.clone(), status })
            }
            (Grip::Free, Some(failure)) => Err(refused("update --claim", failure).into()),
            (Grip::Free, None) => {
                Err(TrackerError::NotHeld { id: id.clone(), status: bead.status.as_str().to_owned() })
            }
        }
    }

    pub(crate) async fn let_go(
        &self,
        id: &BeadId,
        claim: &Claim,
        into: &Release,
    ) -> Result<Bead, TrackerError> {
        let seen = self.look(id).await?;
        if was_released(&seen.bead, claim, into) {
            // A crash may have come between the close and the assignee.
            let is_ours = seen.bead.assignee.as_deref() == Some(claim.actor.as_str());
            return if is_ours { self.unassign(id, &seen, claim).await } else { Ok(seen.bead) };
        }
        check_live(id, &seen.bead)?;
        may_release(&seen.bead, claim, into)?;
        match into {
            Release::Open => {
                let question = self.freeing(id, &seen, claim).set("status", "open");
                self.must_on(&question, id).await?;
                self.expect(id, "update", &Status::Open).await
            }
            Release::Parked { comment } => {
                // Before the status: a classic file gets the comment with the bead's next change only.
                if !said_last(&seen.bead, &claim.actor, comment) {
                    self.say(id, &claim.actor, comment).await?;
                }
                let question = self.freeing(id, &seen, claim).set("status", "blocked");
                self.must_on(&question.set("add-label", PARKED), id).await?;
                self.expect(id, "update", &Status::Blocked).await
            }
            Release::Closed { reason } => {
                self.shut(id, reason, &claim.actor).await?;
                let closed = self.look(id).await?;
                let is_clean = closed.bead.assignee.is_none() && closed.bead.claim_token().is_none();
                if is_clean { Ok(closed.bead) } else { self.unassign(id, &closed, claim).await }
            }
        }
    }

    async fn unassign(&self, id: &BeadId, seen: &Seen, claim: &Claim) -> Result<Bead, TrackerError> {
        self.must_on(&self.freeing(id, seen, claim), id).await?;
        let status = seen.bead.status.clone();
        self.expect(id, "update", &status).await
    }

    fn freeing<'a>(&self, id: &BeadId, seen: &Seen, claim: &'a Claim) -> Question<'a> {
        let question = Question::new("update", &claim.actor).about(id.as_str()).set("assignee", "");
        self.without_token(question, seen)
    }

    /// Has the token leave the bead, where it has one.
    pub(crate) fn without_token<'a>(&self, question: Question<'a>, seen: &Seen) -> Question<'a> {
        if seen.bead.claim_token().is_none() {
            return question;
        }
        match self.dialect.metadata {
            Metadata::Merged => question.set("unset-metadata", CLAIM_KEY),
            Metadata::Dropped => question,
            Metadata::Whole => {
                let Some(mut metadata) = metadata_of(seen) else { return question };
                metadata.remove(CLAIM_KEY);
                question.set("metadata", &metadata.render())
            }
        }
    }

    /// The metadata to store with a claim; none where there is no room for a token.
    fn with_token(&self, seen: &Seen, token: &str) -> Option<String> {
        let member = |key| format!("{{{}:{}}}", text::string(key), text::string(token));
        let is_empty = seen.bead.metadata.as_ref().is_none_or(serde_json::Value::is_null);
        match self.dialect.metadata {
            Metadata::Dropped => None,
            _ if is_empty => Some(member(CLAIM_KEY)),
            // Merging into what is no object would fail after the claim was made.
            Metadata::Merged => metadata_of(seen).map(|_| member(CLAIM_KEY)),
            Metadata::Whole => {
                let mut metadata = metadata_of(seen)?;
                metadata.set_last(CLAIM_KEY, text::string(token));
                Some(metadata.render())
            }
        }
    }

    /// Reads back: a command that exits 0 proves nothing.
    pub(crate) async fn expect(
        &self,
        id: &BeadId,
        command: &str,
        status: &Status,
    ) -> Result<Bead, TrackerError> {
        let bead = self.look(id).await?.bead;
        if bead.status == *status {
            return Ok(bead);
        }
        Err(BdError::NotKept {
            command: command.to_owned(),
            id: id.clone(),
            expected: status.as_str().to_owned(),
            found: bead.status.as_str().to_owned(),
        }
        .into())
    }
}

fn metadata_of(seen: &Seen) -> Option<Record<'_>> {
    let record = Record::parse(&seen.text)?;
    // The text lives as long as what was seen; the record above does not.
    let value = record.get("metadata")?.to_owned();
    let at = seen.text.find(&value)?;
    Record::parse(&seen.text[at..at + value.len()])
}

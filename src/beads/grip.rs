//! Who has a bead, and whether a claim on it already ended the way it should.
//!
//! Owns the one reading of assignee, status and token that every tracker shares, and which claims and releases it
//! allows. Pure: it changes nothing. Start with [`grip`].

use super::{Claim, ClaimFrom, Release, TrackerError};
use crate::domain::bead::{Bead, Status};
use crate::domain::ids::BeadId;

/// Who has a bead, seen from a claim.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Grip {
    Held,
    Taken(String),
    Free,
}

/// A token that differs means somebody else's claim under our name; a missing one proves nothing.
pub(crate) fn grip(bead: &Bead, claim: &Claim) -> Grip {
    match bead.assignee.as_deref() {
        Some(name) if name == claim.actor && bead.status == Status::InProgress => match bead.claim_token() {
            Some(token) if token != claim.token => Grip::Taken(name.to_owned()),
            _ => Grip::Held,
        },
        Some(name) if name == claim.actor => Grip::Free,
        Some(name) => Grip::Taken(name.to_owned()),
        None => Grip::Free,
    }
}

/// Whether a live bead may be claimed: free to take ([`Grip::Free`]) or already ours ([`Grip::Held`]).
pub(crate) fn may_claim(bead: &Bead, claim: &Claim, from: ClaimFrom) -> Result<Grip, TrackerError> {
    let id = bead.id.clone();
    match grip(bead, claim) {
        Grip::Taken(by) => Err(TrackerError::ClaimLost { id, by }),
        Grip::Free if bead.status != Status::Open && from == ClaimFrom::Open => {
            Err(TrackerError::NotClaimable { id, status: bead.status.as_str().to_owned() })
        }
        free_or_held => Ok(free_or_held),
    }
}

/// Whether a claim on a live bead may end this way.
pub(crate) fn may_release(bead: &Bead, claim: &Claim, into: &Release) -> Result<(), TrackerError> {
    let id = bead.id.clone();
    match grip(bead, claim) {
        Grip::Held => Ok(()),
        Grip::Taken(by) => Err(TrackerError::ClaimLost { id, by }),
        Grip::Free if matches!(into, Release::Closed { .. }) => Ok(()),
        // Somebody else gave the bead back and left our token behind.
        Grip::Free if *into == Release::Open && bead.status == Status::Open => Ok(()),
        Grip::Free => Err(TrackerError::NotHeld { id, status: bead.status.as_str().to_owned() }),
    }
}

pub(crate) fn holds(bead: &Bead, claim: &Claim) -> bool {
    grip(bead, claim) == Grip::Held
}

/// Whether exactly this release was written already: a crash fell between its write and its record.
pub(crate) fn was_released(bead: &Bead, claim: &Claim, into: &Release) -> bool {
    match into {
        Release::Open => {
            bead.status == Status::Open && bead.assignee.is_none() && bead.claim_token().is_none()
        }
        Release::Parked { comment } => {
            bead.status == Status::Blocked
                && bead.assignee.is_none()
                && said_last(bead, &claim.actor, comment)
        }
        Release::Closed { reason } => {
            bead.status == Status::Closed && bead.close_reason.as_deref() == Some(reason_or_default(reason))
        }
    }
}

/// Whether the last comment is this one.
pub(crate) fn said_last(bead: &Bead, author: &str, text: &str) -> bool {
    bead.comments.last().is_some_and(|c| c.author == author && c.text.trim() == text.trim())
}

/// What `bd close` stores without a reason.
pub(crate) fn reason_or_default(reason: &str) -> &str {
    if reason.is_empty() { "Closed" } else { reason }
}

/// Refuses a bead that is closed or deleted.
pub(crate) fn check_live(id: &BeadId, bead: &Bead) -> Result<(), TrackerError> {
    match bead.status {
        Status::Closed => Err(TrackerError::AlreadyClosed {
            id: id.clone(),
            at: bead.closed_at.map(super::jsonl::text::time),
            reason: bead.close_reason.clone().unwrap_or_default(),
        }),
        Status::Tombstone => Err(TrackerError::Deleted { id: id.clone() }),
        _ => Ok(()),
    }
}

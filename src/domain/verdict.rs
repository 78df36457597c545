//! What a review came to, as journal, API and brief hold it.
//!
//! Owns the verdict, a finding with its fingerprint, origin and standing, and what became of findings that were
//! filed. How a verdict comes about is for `review`. Start with [`Review`].

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Origin};
use super::ids::BeadId;

/// Accept, revise, or ask a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accept,
    /// The open material findings go to the author, in the same conversation.
    Revise,
    /// The reply could not be read, or said "not ready" without a finding: once more, with a new reviewer.
    Again,
    /// Stopping is not accepting: a person decides.
    Ask,
}

/// One round's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Counts from 1 within a claim; a review that had to be repeated has the same number.
    pub round: u32,
    pub verdict: Verdict,
    /// Why, in one sentence without a final period.
    pub reason: String,
    /// The reviewer's own words, cleaned and bounded.
    pub summary: String,
    /// Whether the reviewer called it ready to land; `None` where it did not say.
    #[serde(default)]
    pub ready: Option<bool>,
    /// The whole ledger of this claim after the round, oldest first.
    pub ledger: Vec<Entry>,
    /// What could not be read of the reply, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// A finding in a claim's ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The same defect has the same fingerprint in every round: its place and normalised title.
    pub fingerprint: String,
    pub finding: Finding,
    pub origin: Origin,
    pub standing: Standing,
    /// The first and the last round that reported it; 0 is a review of an earlier claim.
    pub first: u32,
    pub last: u32,
    /// Priority (0 to 4) and type of the bead it would become.
    pub priority: u8,
    pub kind: String,
}

impl Entry {
    /// Whether it keeps the work from landing: open, material, and not there before. Just these are the author's task.
    pub fn holds(&self) -> bool {
        self.standing == Standing::Open
            && self.finding.severity.is_material()
            && self.origin != Origin::PreExisting
    }
}

/// Where a finding stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    Open,
    /// A later round looked and did not report it again.
    Fixed,
    /// It is a bead now.
    Filed {
        bead: BeadId,
    },
    /// It became no bead, for this recorded reason.
    Waived {
        reason: String,
    },
}

/// What became of one finding when the ledger was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    pub fingerprint: String,
    pub title: String,
    /// The bead that stands for it: new, or one that was there already.
    pub bead: Option<BeadId>,
    pub created: bool,
    /// It waits for a person's approval before anybody works on it.
    #[serde(default)]
    pub proposed: bool,
    /// Why it became no bead of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

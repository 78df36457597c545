//! What was asked for: a claim's frozen order, what it takes over, how a person gave a bead back, and what one
//! wants of a bead that is being worked on.
//!
//! Owns the shapes of these, which are part of `event`'s on-disk vocabulary and follow its rules. Start with [`Order`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{Oid, RunId};
use super::run::Cause;
use super::verdict::Entry;

/// How a landing was asked for: frozen when the bead is claimed, so a later edit cannot change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub title: String,
    pub target: String,
    /// The target's tip when the bead was claimed; all attempts work on it.
    pub base: Oid,
    pub attempts: u32,
    pub no_gates: bool,
    /// Blocked, dirty or other refusals that the user overrode.
    #[serde(default)]
    pub forced: Vec<String>,
    #[serde(default)]
    pub model: Option<String>,
    /// Who asked: the fencing token of the claim.
    pub token: String,
    pub actor: String,
    /// The night chose it: nobody waits for its end (rules 19.3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unattended: bool,
    /// How many rounds of review it may take; 0 is no review.
    #[serde(default)]
    pub rounds: u32,
    /// Where it goes on, if an earlier claim of the bead was given back by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
}

impl Order {
    /// Nothing but a target and the tip of it to go by: no bead is claimed, no attempt is to be made.
    pub fn unclaimed(target: impl Into<String>, base: Oid) -> Self {
        Self {
            title: String::new(),
            target: target.into(),
            base,
            attempts: 0,
            no_gates: false,
            forced: Vec::new(),
            model: None,
            token: String::new(),
            actor: String::new(),
            unattended: false,
            rounds: 0,
            again: None,
        }
    }
}

/// Why a suspended bead goes on where a person wanted it: sentences begin with one of these.
pub const BY_A_PERSON: [&str; 2] = ["a person asked", "the user asked"];

/// What a claim takes over from the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Again {
    /// The run, its kept tip and when it was kept: the work goes on from there.
    pub run: RunId,
    pub tip: Oid,
    pub at: DateTime<Utc>,
    /// What that tip was made on. Where the tip is its own base nothing was kept, and only words go on.
    pub base: Oid,
    /// The conversation that made it, where it is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What a person said, told to the agent first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The tip that a person approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Oid>,
    /// What it was parked for when a person approved it, and what that lifts; of older orders, whatever it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifts: Vec<Cause>,
    /// Nothing is left for an agent: it begins with the merge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub straight: bool,
    /// What reviews made of the kept work.
    #[serde(default, skip_serializing_if = "Reviewed::is_nothing")]
    pub reviewed: Box<Reviewed>,
    /// What earlier claims spent on the bead since a person last gave it back.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spent_usd: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_nothing(usd: &f64) -> bool {
    *usd == 0.0
}

/// What the reviews of an earlier claim came to, for the one that takes over its work.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reviewed {
    /// The tip that was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Oid>,
    /// What is still open of the ledger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Entry>,
    /// The tip that was accepted, and what it was made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<(Oid, Oid)>,
}

impl Reviewed {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// How a person gave a bead back that was put aside for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum GivenBack {
    /// This very tip may go on; without one a proposed bead was opened.
    Approved { tip: Option<Oid> },
    /// A question was answered.
    Answered { text: String },
    /// Once more; `fresh` begins at the target, without the kept work and its conversation.
    Retried { fresh: bool },
    /// A person worked on it in a shell, and this tip is what they kept.
    Reworked { run: RunId, tip: Oid },
}

/// What a person wants of a bead that is being worked on. Whoever holds the bead reads it in the journal and obeys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    /// Put it aside; clone, conversation and claim are kept.
    Pause,
    /// End it; the work is kept as a ref.
    Cancel,
    /// End it, keep the work, and leave the bead to a person.
    Park { reason: String },
}

//! Where a story stands, and the one thing that has to be done there.
//!
//! Owns the two lists and their words in logs and failpoints. Which effect belongs to which phase is said by
//! [`super::Story::next`]. Start with [`Phase`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::Oid;
use crate::domain::run::{Cause, Outcome};

/// Where a story stands. A phase names what has to be done, so a crash inside it repeats that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    Claiming,
    /// What an earlier claim kept takes the target's tip in before anybody goes on with it.
    Uniting,
    Starting,
    Preparing,
    Working,
    Exporting,
    Merging,
    /// The work conflicts with the target: a run of its own resolves it.
    Untangling,
    Gating,
    /// An independent agent reads what the gates passed.
    Reviewing,
    /// The bead that the agent waits for is found or made.
    Blocking,
    /// `intent` is journalled before the target is touched.
    Landing {
        intent: bool,
    },
    Closing,
    Settling {
        outcome: Outcome,
        cause: Option<Cause>,
        reason: String,
        journalled: bool,
    },
    /// Decided, not yet written down.
    Suspending {
        cause: Cause,
        reason: String,
        resets_at: Option<i64>,
        #[serde(default)]
        back: Back,
    },
    Suspended {
        cause: Cause,
        reason: String,
        until: Option<DateTime<Utc>>,
        /// Where it goes on.
        #[serde(default)]
        back: Back,
    },
    /// A lost container's attempt goes on in its own clone.
    Resuming {
        why: String,
    },
    Cleaning,
    Finished,
}

/// Where a suspended story goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    /// In the same clone and conversation.
    #[default]
    Working,
    /// Its next attempt has not begun.
    Starting,
    /// Its clone is not made.
    Preparing,
    /// The run that resolves its conflict has not begun.
    Untangling,
    /// Its review begins anew.
    Reviewing,
}

impl Phase {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claiming => "claiming",
            Self::Uniting => "uniting",
            Self::Starting => "starting",
            Self::Preparing => "preparing",
            Self::Working => "working",
            Self::Exporting => "exporting",
            Self::Merging => "merging",
            Self::Untangling => "untangling",
            Self::Gating => "gating",
            Self::Reviewing => "reviewing",
            Self::Blocking => "blocking",
            Self::Landing { .. } => "landing",
            Self::Closing => "closing",
            Self::Settling { .. } => "settling",
            Self::Suspending { .. } => "suspending",
            Self::Suspended { .. } => "suspended",
            Self::Resuming { .. } => "resuming",
            Self::Cleaning => "cleaning",
            Self::Finished => "finished",
        }
    }
}

/// What has to be done next. Exactly one thing at a time, and safe to do again after a crash.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Claim,
    /// Merge the target's tip into what an earlier claim kept.
    Unite,
    /// Hand out a run id and write the attempt's beginning down.
    StartAttempt {
        number: u32,
        from: Oid,
        resume: bool,
    },
    PrepareWorkspace,
    RunAgent,
    Export,
    Merge,
    /// Hand out a run id for the run that resolves a conflict.
    StartConflictRun,
    Gate,
    /// Start, adopt or read an independent agent's review.
    Review,
    /// Find or make the bead that the agent waits for.
    Block,
    Land,
    Close,
    Settle {
        outcome: Outcome,
        cause: Option<Cause>,
        reason: String,
        journalled: bool,
    },
    Suspend {
        cause: Cause,
        reason: String,
        resets_at: Option<i64>,
    },
    Resume {
        why: String,
    },
    CleanUp,
    /// Suspended: nothing until somebody resumes it.
    Wait,
    Nothing,
}

impl Effect {
    /// The failpoint name and the word in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Unite => "unite",
            Self::StartAttempt { .. } => "start_attempt",
            Self::PrepareWorkspace => "prepare",
            Self::RunAgent => "agent",
            Self::Export => "export",
            Self::Merge => "merge",
            Self::StartConflictRun => "start_conflict_run",
            Self::Gate => "gate",
            Self::Review => "review",
            Self::Block => "block",
            Self::Land => "land",
            Self::Close => "close",
            Self::Settle { .. } => "settle",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::CleanUp => "clean_up",
            Self::Wait => "wait",
            Self::Nothing => "nothing",
        }
    }
}

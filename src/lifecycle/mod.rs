//! One claim's story from ready to its end, as a pure state machine.
//!
//! Owns which event may follow which, and what has to be done next. It does nothing itself: no clock, no
//! I/O, no randomness. A journal replayed through [`Story::apply`] gives the story a live engine had, and
//! [`Story::next`] says what that engine was about to do. What happens after each ending stands in `decide`.
//!
//! ```text
//! claiming -> starting -> preparing -> working -> exporting -> merging -> gating -> landing -> closing
//!                ^                       |  ^        |  |          |         |         |          |
//!                |                  suspended        |  settling <-+---------+---------+          |
//!                +------- next attempt, with findings                |                            |
//!                                                     finished <- cleaning <----------------------+
//! ```

mod decide;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::event::{AgentEnd, Body, Event, Finish, Order, Printed};
use crate::domain::finding::Finding;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::run::{Cause, Outcome};

/// Everything that is true of one claim, folded from its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The `seq` of the event that opened it.
    pub id: u64,
    pub project: ProjectId,
    pub bead: BeadId,
    pub order: Order,
    pub phase: Phase,
    pub claimed: bool,
    pub attempt: u32,
    pub work: Option<Work>,
    /// The last imported tip, of whichever attempt.
    pub tip: Option<Kept>,
    pub candidate: Option<Candidate>,
    pub findings: Vec<Finding>,
    pub cost_usd: f64,
    pub target_moves: u32,
    pub infra_losses: u32,
    /// Every work run of this claim, oldest first.
    pub runs: Vec<RunId>,
    /// The conversation has at least one answer in it.
    pub conversed: bool,
    pub started: DateTime<Utc>,
    pub finish: Finish,
}

/// The running (or last) attempt's work run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    pub run: RunId,
    pub from: Oid,
    pub session: String,
    /// The conversation exists already.
    pub resume: bool,
    /// How often a container was started for this run.
    pub starts: u32,
    pub sandbox: Option<String>,
    pub nonce: String,
    /// Where in the run's log the output of this container begins.
    #[serde(default)]
    pub after: Printed,
    pub container: Option<String>,
    pub end: Option<AgentEnd>,
    pub started: DateTime<Utc>,
    /// Set while the attempt goes on after a suspension or a lost container.
    pub resumed: Option<String>,
}

/// Work that is safe in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub run: RunId,
    pub tip: Oid,
    /// Fixed dates of the merge commit come from here, so that redoing it gives the same id.
    pub at: DateTime<Utc>,
}

/// The commit that would land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub commit: Oid,
    pub tree: Oid,
    pub onto: Oid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    Claiming,
    Starting,
    Preparing,
    Working,
    Exporting,
    Merging,
    Gating,
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
    },
    Suspended {
        cause: Cause,
        reason: String,
        until: Option<DateTime<Utc>>,
    },
    /// A lost container's attempt goes on in its own clone.
    Resuming {
        why: String,
    },
    Cleaning,
    Finished,
}

impl Phase {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claiming => "claiming",
            Self::Starting => "starting",
            Self::Preparing => "preparing",
            Self::Working => "working",
            Self::Exporting => "exporting",
            Self::Merging => "merging",
            Self::Gating => "gating",
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
    Gate,
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
            Self::StartAttempt { .. } => "start_attempt",
            Self::PrepareWorkspace => "prepare",
            Self::RunAgent => "agent",
            Self::Export => "export",
            Self::Merge => "merge",
            Self::Gate => "gate",
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

/// An event that cannot follow: a bug or a damaged journal, never something to go on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} `{event}` cannot follow phase `{phase}` of bead `{bead}`")]
pub struct IllegalTransition {
    pub seq: u64,
    pub event: String,
    pub phase: String,
    pub bead: String,
}

impl Story {
    /// The story that a `claiming` event opens; `None` for any other event.
    pub fn open(event: &Event) -> Option<Self> {
        let (Body::Claiming { order }, Some(project), Some(bead)) =
            (&event.body, &event.project, &event.bead)
        else {
            return None;
        };
        Some(Self {
            id: event.seq,
            project: project.clone(),
            bead: bead.clone(),
            order: order.clone(),
            phase: Phase::Claiming,
            claimed: false,
            attempt: 0,
            work: None,
            tip: None,
            candidate: None,
            findings: Vec::new(),
            cost_usd: 0.0,
            target_moves: 0,
            infra_losses: 0,
            runs: Vec::new(),
            conversed: false,
            started: event.at,
            finish: Finish {
                outcome: Outcome::Failed,
                cause: None,
                commit: None,
                branch: None,
                attempts: 0,
                cost_usd: 0.0,
                reason: String::new(),
            },
        })
    }

    pub fn is_open(&self) -> bool {
        self.phase != Phase::Finished
    }

    pub fn run(&self) -> Option<&RunId> {
        self.work.as_ref().map(|w| &w.run)
    }

    /// What has to be done next.
    pub fn next(&self) -> Effect {
        match &self.phase {
            Phase::Claiming => Effect::Claim,
            Phase::Starting => Effect::StartAttempt {
                number: self.attempt + 1,
                from: self.tip.as_ref().map_or_else(|| self.order.base.clone(), |k| k.tip.clone()),
                resume: self.conversed,
            },
            Phase::Preparing => Effect::PrepareWorkspace,
            Phase::Working => Effect::RunAgent,
            Phase::Exporting => Effect::Export,
            Phase::Merging => Effect::Merge,
            Phase::Gating => Effect::Gate,
            Phase::Landing { .. } => Effect::Land,
            Phase::Closing => Effect::Close,
            Phase::Settling { outcome, cause, reason, journalled } => Effect::Settle {
                outcome: *outcome,
                cause: cause.clone(),
                reason: reason.clone(),
                journalled: *journalled,
            },
            Phase::Suspending { cause, reason, resets_at } => {
                Effect::Suspend { cause: cause.clone(), reason: reason.clone(), resets_at: *resets_at }
            }
            Phase::Resuming { why } => Effect::Resume { why: why.clone() },
            Phase::Suspended { .. } => Effect::Wait,
            Phase::Cleaning => Effect::CleanUp,
            Phase::Finished => Effect::Nothing,
        }
    }

    /// Moves the story by one event. Telling events (`run_started`, `notice`, ...) move nothing.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalTransition> {
        if self.take(event) {
            return Ok(());
        }
        let tag = serde_json::to_value(&event.body).ok();
        let tag = tag.as_ref().and_then(|v| v.get("type")).and_then(|t| t.as_str()).unwrap_or("?");
        Err(IllegalTransition {
            seq: event.seq,
            event: tag.to_owned(),
            phase: self.phase.name().to_owned(),
            bead: self.bead.to_string(),
        })
    }
}

#[cfg(test)]
mod tests;

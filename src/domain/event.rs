//! What the journal holds: an envelope with ids and time around one tagged body.
//!
//! Owns the on-disk vocabulary. Bodies are append-only: a new field is optional, a changed meaning is a new
//! tag, and `journal::FORMAT` is raised. Internal messages of the engine are never written. Start with
//! [`Event`] and [`Body`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::ids::{BeadId, Oid, ProjectId, RunId};
use super::run::{Cause, Outcome, RunKind, RunState};
use super::usage::Usage;

/// One line of the story. `seq` has no gaps in a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub seq: u64,
    pub at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bead: Option<BeadId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(flatten)]
    pub body: Body,
}

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
}

/// Everything that can happen. The first group moves a bead's lifecycle, the second only tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Intent: about to claim the bead in the tracker.
    Claiming {
        order: Order,
    },
    Claimed,
    /// The tracker would not give it to us.
    ClaimLost {
        reason: String,
    },
    /// Intent: a new attempt with its work run; `from` is the tip to work on.
    AttemptStarted {
        from: Oid,
        session: String,
        resume: bool,
    },
    WorkspaceReady,
    /// Intent: about to start the agent's container of this name.
    AgentStarting {
        sandbox: String,
        nonce: String,
        /// What earlier containers of the same run have in its log.
        #[serde(default)]
        after: Printed,
    },
    AgentStarted {
        container: String,
    },
    /// The agent's stdin took its task: it is never given again, whoever adopts the container.
    TaskGiven,
    AgentEnded(AgentEnd),
    /// The work is imported and kept under the run's ref.
    Exported {
        tip: Oid,
        commits: u32,
        wip: bool,
        files: u32,
        #[serde(default)]
        tracker_touched: Vec<String>,
    },
    ExportRejected {
        reason: String,
    },
    /// The agent left the tree as it found it.
    NothingChanged {
        said: String,
    },
    /// The commit that would land, on this tip of the target.
    Merged {
        commit: Oid,
        tree: Oid,
        onto: Oid,
    },
    Conflicted {
        onto: Oid,
        paths: Vec<String>,
    },
    GateStarted {
        gate: String,
        command: String,
    },
    GateEnded {
        gate: String,
        passed: bool,
        summary: String,
        seconds: f64,
    },
    GatesPassed {
        #[serde(default)]
        skipped: bool,
    },
    GatesFailed {
        findings: Vec<Finding>,
    },
    /// The gate could not run for a reason that is not the work's.
    GatesBroken {
        reason: String,
    },
    /// Protected paths changed: a person must look.
    Protected {
        paths: Vec<String>,
    },
    /// Intent: about to move the target from `old` to `new`.
    Landing {
        old: Oid,
        new: Oid,
    },
    Landed {
        commit: Oid,
    },
    /// Target stood elsewhere: merge and gate again.
    TargetMoved {
        tip: Oid,
    },
    /// Kept on a branch of its own beside the target.
    LandedBeside {
        branch: String,
        commit: Oid,
        why: String,
    },
    /// The tracker says closed.
    Closed {
        reason: String,
    },
    /// Intent: what the bead shall look like when we let go of it.
    Settling {
        outcome: Outcome,
        cause: Option<Cause>,
        reason: String,
    },
    /// Claim released or parked in the tracker.
    Settled,
    /// Put aside without spending the attempt; clone, conversation and claim are kept.
    Suspended {
        cause: Cause,
        reason: String,
        until: Option<DateTime<Utc>>,
    },
    /// A suspended attempt, or one whose container was lost, goes on in its own clone.
    Resumed {
        why: String,
        session: String,
    },
    /// Containers and clone are gone. The end of the story of this claim.
    Finished(Finish),

    /// A run's own beginning and end, for `bead runs`.
    RunStarted {
        kind: RunKind,
        log: String,
    },
    RunEnded {
        kind: RunKind,
        state: RunState,
        cause: Option<Cause>,
        cost_usd: f64,
    },
    /// Another process continued or cleaned up after one that died.
    Recovered {
        what: String,
    },
    /// A window opened, or a person began a night.
    NightOpened {
        night: String,
        until: Option<DateTime<Utc>>,
    },
    /// It goes no further tonight: billing or the credential. Told once.
    NightStopped {
        night: String,
        why: String,
    },
    NightEnded {
        night: String,
        why: String,
    },
    /// A kept ref went after its time. Until git collects it, `tip` brings its work back.
    RefDropped {
        name: String,
        tip: Oid,
        why: String,
    },
    /// Something a person should know; never moves a state.
    Notice {
        text: String,
    },
    /// The user closed, reopened or otherwise settled a bead by hand.
    ByHand {
        what: String,
    },
}

/// Bytes of a run's log, by stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Printed {
    pub stdout: u64,
    pub stderr: u64,
}

/// How the agent's process ended, by evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentEnd {
    pub ending: Ending,
    pub reason: String,
    #[serde(default)]
    pub said: String,
    pub cost_usd: f64,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub seconds: f64,
    /// The model answered at least once, so the conversation can be resumed.
    #[serde(default)]
    pub conversed: bool,
    /// Unix seconds, where a limit told us when it resets.
    #[serde(default)]
    pub resets_at: Option<i64>,
    /// Why it was put aside, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// The classes of ending that the lifecycle tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A result without error. Proves nothing: the export and the gates decide.
    Finished,
    /// The agent's own failure: no result, an error result, a crash.
    Failed,
    /// Stopped at the user's wish.
    Interrupted,
    /// Stopped to go on later; `cause` says why.
    PutAside,
    IdleLimit,
    RunTimeLimit,
    ToolLimit,
    Budget,
    OutOfMemory,
    /// It printed more than the output cap.
    Flood,
    DiskQuota,
    UsageLimit,
    Outage,
    ContextFull,
    Billing,
    Credential,
    /// The engine lost the container: not the agent's fault.
    Infrastructure,
}

impl Ending {
    /// What `bead runs` shows of a run that ended so.
    pub fn run_state(self) -> RunState {
        match self {
            Self::Finished => RunState::Completed,
            Self::Interrupted => RunState::Cancelled,
            Self::IdleLimit | Self::RunTimeLimit | Self::ToolLimit => RunState::Timeout,
            Self::PutAside | Self::UsageLimit | Self::Outage | Self::ContextFull | Self::Credential => {
                RunState::Suspended
            }
            Self::Failed
            | Self::Budget
            | Self::OutOfMemory
            | Self::Flood
            | Self::DiskQuota
            | Self::Billing
            | Self::Infrastructure => RunState::Failed,
        }
    }
}

/// The last line of a claim's story, and of `bead work --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finish {
    pub outcome: Outcome,
    pub cause: Option<Cause>,
    pub commit: Option<Oid>,
    pub branch: Option<String>,
    pub attempts: u32,
    pub cost_usd: f64,
    pub reason: String,
}

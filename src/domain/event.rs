//! What the journal holds: an envelope with ids and time around one tagged body.
//!
//! Owns the on-disk vocabulary. Bodies are append-only: a new field is optional, a changed meaning is a new
//! tag, and `journal::FORMAT` is raised. Internal messages of the engine are never written. Start with
//! [`Event`] and [`Body`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use super::ending::{AgainstBase, AgentEnd, Asked, Ending};
use super::finding::Finding;
use super::ids::{BeadId, Oid, ProjectId, RunId};
use super::night::{Left, Prospect, Queue};
pub use super::order::{Again, GivenBack, Order, Reviewed, Wish};
use super::run::{Cause, Outcome, RunKind, RunState};
use super::signature::Recurrence;
use super::verdict::{Filed, Review};

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
        /// Lines added and removed, those of binary and very large files left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<(u64, u64)>,
        #[serde(default)]
        tracker_touched: Vec<String>,
        /// Of a conflict run: paths that are still as the conflict left them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unresolved: Vec<String>,
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
        /// Both sides with their markers, for the run that resolves them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<Oid>,
    },
    /// Intent: a run of its own, no attempt, that resolves the conflict.
    ConflictRunStarted {
        session: String,
        resume: bool,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recurrence: Option<Recurrence>,
        /// What the same gates say of the base.
        #[serde(default)]
        base: AgainstBase,
    },
    /// A gate that failed was run on the commit the work would land on; only tells.
    GateCompared {
        gate: String,
        onto: Oid,
        against: AgainstBase,
        /// Failing on both sides, where tests have names.
        #[serde(default)]
        known: Vec<String>,
        /// Failing with the work only, missing tests among them.
        #[serde(default)]
        new: Vec<String>,
    },
    /// The gate could not run for a reason that is not the work's.
    GatesBroken {
        reason: String,
    },
    /// Intent: about to start a reviewer's container of this name; the envelope has the review's own run.
    ReviewStarted {
        round: u32,
        sandbox: String,
        nonce: String,
        /// The work's tip that is reviewed.
        tip: Oid,
    },
    Reviewed {
        review: Review,
        cost_usd: f64,
    },
    /// What became of findings that are not the author's task; only tells.
    FindingsFiled {
        filed: Vec<Filed>,
        /// Beyond the caps: counted, not listed.
        #[serde(default)]
        left_out: u32,
    },
    /// The bead waits for another one, which the agent named or which was made from its words.
    Blocked {
        blocker: BeadId,
        created: bool,
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
        /// By another landing of ours: the queue moves on, and nobody's patience is used up.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ours: bool,
    },
    /// Kept on a branch of its own beside the target.
    LandedBeside {
        branch: String,
        commit: Oid,
        why: String,
    },
    /// Left on a branch of its own for the user to merge, as the project wishes.
    LeftOnBranch {
        branch: String,
        commit: Oid,
    },
    /// Intent: about to push this commit to a branch of the user's remote; only tells.
    Pushing {
        remote: String,
        branch: String,
        commit: Oid,
    },
    Pushed {
        remote: String,
        branch: String,
        commit: Oid,
    },
    /// Not pushed; it is tried again.
    PushFailed {
        remote: String,
        branch: String,
        commit: Oid,
        reason: String,
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
        /// Of a run outside any claim, before anything of it is made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outside: Option<Outside>,
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
        /// The phase its process died in; dying there again and again parks the bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<String>,
    },
    /// A window opened, or a person began a night.
    NightOpened {
        night: String,
        until: Option<DateTime<Utc>>,
        /// What was expected of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prospect: Option<Box<Prospect>>,
    },
    /// It goes no further tonight: billing or the credential. Told once.
    NightStopped {
        night: String,
        why: String,
    },
    /// The queue is this long now: told when that changed, and not again for some minutes. Only tells.
    QueueChanged(Queue),
    NightEnded {
        night: String,
        why: String,
        /// Beads that had no turn, at most a hundred.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<Left>,
        /// How many more.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out: u32,
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
    /// A person's message to an agent, written down before it is sent (rules 13.3).
    MessageQueued {
        message: String,
        text: String,
        /// Interrupts what runs.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        now: bool,
    },
    /// The agent began with the message.
    MessageDelivered {
        message: String,
    },
    /// A person wants something of a bead that is being worked on; whoever holds it obeys.
    Wished {
        by: String,
        #[serde(flatten)]
        wish: Wish,
    },
    /// A person gave a bead back; the next claim takes over what the last one kept.
    GivenBack {
        by: String,
        #[serde(flatten)]
        how: GivenBack,
    },
    /// The user closed, reopened or otherwise settled a bead by hand.
    ByHand {
        what: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What a run outside any claim is told again by when its process is gone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outside {
    /// What its containers will carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nonces: Vec<String>,
    /// The commit it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Oid>,
}

/// Bytes of a run's log, by stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Printed {
    pub stdout: u64,
    pub stderr: u64,
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

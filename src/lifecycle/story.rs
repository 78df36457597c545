//! What is true of one claim at one moment.
//!
//! Owns the data that a story's events are folded into, from the order to the way it finished. How one event
//! changes it stands in `decide`, what follows from it in the room's root. Start with [`Story`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Phase, Reviews};
use crate::domain::event::{AgentEnd, Body, Event, Finish, Order, Printed};
use crate::domain::finding::Finding;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::run::Outcome;
use crate::domain::signature::Signature;

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
    /// The tracker gave it to us once. False too where an older journal did not say.
    #[serde(default)]
    pub was_claimed: bool,
    pub attempt: u32,
    pub work: Option<Work>,
    /// The last imported tip, of whichever attempt.
    pub tip: Option<Kept>,
    pub candidate: Option<Candidate>,
    pub findings: Vec<Finding>,
    pub cost_usd: f64,
    pub target_moves: u32,
    pub infra_losses: u32,
    /// Every run of this claim that had an agent, oldest first: work, conflicts, reviews.
    pub runs: Vec<RunId>,
    /// The conversation has at least one answer in it.
    pub conversed: bool,
    /// Signatures of everything that failed in this claim.
    #[serde(default)]
    pub failures: Vec<Signature>,
    #[serde(default)]
    pub timeouts: u32,
    /// Conversations that were filled.
    #[serde(default)]
    pub contexts: u32,
    /// Processes that died since the last event that moved the story.
    #[serde(default)]
    pub crashes: u32,
    /// It is exported for the last time, because its process kept dying.
    #[serde(default)]
    pub crash_looped: bool,
    /// The last run's work is nowhere but in its clone, which stays.
    #[serde(default)]
    pub unexported: bool,
    /// The author knows that the base is red.
    #[serde(default)]
    pub red_told: bool,
    /// The conflict of this claim's landing; there is one run for it, never two.
    #[serde(default)]
    pub conflict: Option<Conflict>,
    /// What the work descends from, where that is not the order's base.
    #[serde(default)]
    pub rebased: Option<Oid>,
    /// Kept work and target's tip in one commit, for the first attempt to begin with.
    #[serde(default)]
    pub united: Option<Oid>,
    #[serde(default)]
    pub reviews: Reviews,
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
    /// The container took its task.
    #[serde(default)]
    pub tasked: bool,
    pub end: Option<AgentEnd>,
    pub started: DateTime<Utc>,
    /// Set while the attempt goes on after a suspension or a lost container.
    pub resumed: Option<String>,
    /// It ended near a limit, and is asked once to finish or to confirm.
    #[serde(default)]
    pub confirm: bool,
}

impl Work {
    /// A run that has begun, in a conversation yet to be named; nothing was started for it.
    pub fn begun(run: RunId, from: Oid, at: DateTime<Utc>) -> Self {
        Self {
            run,
            from,
            session: String::new(),
            resume: false,
            starts: 0,
            sandbox: None,
            nonce: String::new(),
            after: Printed::default(),
            container: None,
            tasked: false,
            end: None,
            started: at,
            resumed: None,
            confirm: false,
        }
    }
}

/// Work and target that git could not unite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The target's tip.
    pub onto: Oid,
    /// Parents work and target, with markers where they met.
    pub commit: Oid,
    pub paths: Vec<String>,
    /// The run that resolves it.
    pub run: Option<RunId>,
    /// It came before the first attempt, between the target and what an earlier claim kept.
    #[serde(default)]
    pub early: bool,
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

impl Story {
    /// The story that a `claiming` event opens; `None` for any other event.
    pub fn open(event: &Event) -> Option<Self> {
        let (Body::Claiming { order }, Some(project), Some(bead)) =
            (&event.body, &event.project, &event.bead)
        else {
            return None;
        };
        let mut story = Self {
            id: event.seq,
            project: project.clone(),
            bead: bead.clone(),
            order: order.clone(),
            phase: Phase::Claiming,
            claimed: false,
            was_claimed: false,
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
            failures: Vec::new(),
            timeouts: 0,
            contexts: 0,
            crashes: 0,
            crash_looped: false,
            unexported: false,
            red_told: false,
            conflict: None,
            rebased: None,
            united: None,
            reviews: Reviews::default(),
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
        };
        story.take_over();
        Some(story)
    }

    pub fn is_open(&self) -> bool {
        self.phase != Phase::Finished
    }

    pub fn run(&self) -> Option<&RunId> {
        self.work.as_ref().map(|w| &w.run)
    }

    /// The run that is under way: a reviewer's, or the attempt's.
    pub fn at_work(&self) -> Option<&RunId> {
        let reviewer = self.reviews.run.as_ref().map(|run| &run.run);
        reviewer.filter(|_| self.phase == Phase::Reviewing).or_else(|| self.run())
    }

    /// Whether containers, folders and sockets of this run may be in use by the story.
    pub fn uses(&self, run: &str) -> bool {
        let kept = self.order.again.as_ref().map(|again| &again.run);
        self.runs.iter().chain(kept).any(|own| own.as_str() == run)
    }

    /// What the work descends from: the claim's base, or the tip it was united with.
    pub fn base(&self) -> &Oid {
        match &self.conflict {
            Some(conflict) if self.in_conflict_run() => &conflict.onto,
            _ => self.rebased.as_ref().unwrap_or(&self.order.base),
        }
    }

    /// The last run is the one that resolves the conflict.
    pub fn in_conflict_run(&self) -> bool {
        let run = self.conflict.as_ref().and_then(|c| c.run.as_ref());
        run.is_some() && run == self.run()
    }

    /// What the bead has cost since a person last gave it back, over all claims: `limits.cost_usd` is for all of that.
    pub fn spent_usd(&self) -> f64 {
        self.cost_usd + self.order.again.as_ref().map_or(0.0, |again| again.spent_usd)
    }

    /// Whether an author of this claim was told what it began with.
    pub fn was_told(&self) -> bool {
        let first = self.work.as_ref().is_some_and(|work| work.tasked || work.resumed.is_some());
        match self.attempt {
            0 => false,
            1 => first || self.in_conflict_run(),
            _ => true,
        }
    }

    /// The event of a process that takes the story over from one that died.
    pub fn recovered(&self, what: String) -> Body {
        Body::Recovered { what, phase: Some(self.phase.name().to_owned()) }
    }
}

//! What is true of one claim at one moment.
//!
//! Owns the data that a story's events are folded into, from the order to the way it finished. How one event
//! changes it stands in `decide`, what follows from it in the room's root. Start with [`Story`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Phase;
use crate::domain::event::{AgentEnd, Body, Event, Finish, Order, Printed};
use crate::domain::finding::Finding;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::run::Outcome;

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
    /// The container took its task.
    #[serde(default)]
    pub tasked: bool,
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
}

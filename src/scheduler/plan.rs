//! The next starts, and a reason for every bead that is not among them.
//!
//! Suspended beads go before new ones. Among projects the one with the smallest share of its slots in use is
//! next, then the one served longest ago; within a project priority, age and id decide, and waiting raises a
//! bead's priority so that nothing starves. Equal snapshots give equal plans. Start with [`plan`]; what one bead
//! must pass stands in `admit`.

mod admit;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::budget::{Caps, Spent};
use super::filter::Excluded;
use super::forecast::Expected;
use super::reason::Reason;
use super::window;
use crate::config::budgets::Slots;
use crate::config::zone::Zone;
use crate::domain::ids::{BeadId, ProjectId};
use crate::domain::night::Queue;
use crate::domain::run::Cause;
use admit::Desk;

/// After so much waiting a bead counts as one priority more urgent.
pub const AGEING: Duration = Duration::hours(12);
/// A bead that has waited so long for memory gets what is freed next.
pub const KEEP_MEMORY_AFTER: Duration = Duration::hours(4);

/// Everything a plan depends on, as of `now`.
#[derive(Debug, Clone)]
pub struct Night {
    pub now: DateTime<Utc>,
    /// For times in sentences.
    pub zone: Zone,
    pub mode: Mode,
    pub slots: Slots,
    pub resources: Resources,
    pub projects: BTreeMap<ProjectId, ProjectView>,
    pub running: Vec<Running>,
    pub candidates: Vec<Candidate>,
    pub budget: Money,
    pub breaker: Breaker,
    pub utilization: Option<Utilization>,
    /// From this part of a usage limit on nothing is started (`budgets.utilization`).
    pub utilization_most: f64,
}

/// Whether the night goes on at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    Works,
    /// By a person.
    Paused,
    /// By billing or credentials; `why` as the notice said it.
    Stopped {
        why: String,
    },
}

/// What the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Bytes that sandboxes may use together.
    pub memory: u64,
    /// Bytes that are free now.
    pub memory_free: u64,
    /// Bytes and inodes at the state directory, and the least that must stay free.
    pub disk_free: u64,
    pub disk_least: u64,
    pub inodes_free: u64,
    pub inodes_least: u64,
}

/// One registered project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectView {
    pub name: String,
    pub window: window::State,
    /// The lower of `slots.project` and the project's `limits.slots`.
    pub slots: u32,
    pub image: Image,
    /// When a bead of it was last started.
    pub last_served: Option<DateTime<Utc>>,
    /// How long one of its beads takes.
    pub expected: Expected,
    /// Tonight.
    pub spent: Spent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    Present,
    Missing(String),
}

/// A run that holds a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub project: ProjectId,
    pub bead: BeadId,
    pub model: Option<String>,
    pub since: DateTime<Utc>,
    /// The bytes its sandbox may use.
    pub memory: u64,
    /// By its bead so far.
    pub spent: Spent,
    /// Its first request asks whether the upstream is back.
    pub probe: bool,
}

/// A bead that could run.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub project: ProjectId,
    pub bead: BeadId,
    /// 0 is the most urgent.
    pub priority: i64,
    pub created: Option<DateTime<Utc>>,
    /// Since when it has been ready (or suspended) as far as the daemon knows.
    pub waiting_since: DateTime<Utc>,
    pub model: Option<String>,
    /// The bytes its sandbox may use.
    pub memory: u64,
    pub origin: Origin,
    /// By [`super::filter::judge`]; not asked for suspended beads.
    pub excluded: Option<Excluded>,
    /// On earlier attempts.
    pub spent: Spent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Fresh,
    /// `cause` `user` never goes on by itself.
    Suspended {
        cause: Cause,
        until: Option<DateTime<Utc>>,
        since: DateTime<Utc>,
    },
}

/// Caps and what counts against them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Money {
    pub caps: Caps,
    pub night: Spent,
    pub week: Spent,
    /// What a bead costs in the middle, from past runs.
    pub bead_costs: Option<Spent>,
}

/// The breaker before the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    Closed,
    /// Half open from `until` on: then exactly one run probes.
    Open {
        until: DateTime<Utc>,
    },
}

/// Of the tightest usage limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utilization {
    /// 0 to 1.
    pub used: f64,
    pub resets_at: Option<DateTime<Utc>>,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In this order.
    pub starts: Vec<Start>,
    /// Every other candidate, in the order in which they would come.
    pub waiting: Vec<Waiting>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub project: ProjectId,
    pub bead: BeadId,
    /// Goes on with a suspended attempt.
    pub resumes: bool,
    /// Its first request is the breaker's probe: start nothing else before it was answered.
    pub probe: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub project: ProjectId,
    pub bead: BeadId,
    pub reason: Reason,
}

impl Candidate {
    fn resumes(&self) -> bool {
        matches!(self.origin, Origin::Suspended { .. })
    }

    /// Priority less what waiting has earned.
    fn urgency(&self, now: DateTime<Utc>) -> i64 {
        let waited = (now - self.waiting_since).max(Duration::zero());
        self.priority.saturating_sub(waited.num_seconds() / AGEING.num_seconds())
    }
}

impl Plan {
    /// The next moment at which a plan may differ although nothing happened. `None`: only an event changes it.
    pub fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.waiting.iter().filter_map(|waiting| waiting.reason.over_at()).min()
    }

    /// How many beads wait for their turn, those that are about to be started among them.
    pub fn queue(&self) -> Queue {
        let mut queue = Queue { ready: small(self.starts.len()), held: 0 };
        for Waiting { reason, .. } in &self.waiting {
            let place = if reason.is_room() { &mut queue.ready } else { &mut queue.held };
            *place = place.saturating_add(u32::from(!reason.is_for_good()));
        }
        queue
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Decides about every candidate.
pub fn plan(night: &Night) -> Plan {
    let mut desk = Desk::new(night);
    let mut plan = Plan::default();
    for resumed in [true, false] {
        let mut lines = lines(night, resumed);
        while let Some(candidate) = next(&mut lines, &desk) {
            match desk.admit(candidate) {
                Ok(probe) => plan.starts.push(Start {
                    project: candidate.project.clone(),
                    bead: candidate.bead.clone(),
                    resumes: candidate.resumes(),
                    probe,
                }),
                Err(reason) => plan.waiting.push(Waiting {
                    project: candidate.project.clone(),
                    bead: candidate.bead.clone(),
                    reason,
                }),
            }
        }
    }
    plan
}

/// One queue per project, the next one last.
type Lines<'a> = BTreeMap<&'a ProjectId, Vec<&'a Candidate>>;

fn lines(night: &Night, resumed: bool) -> Lines<'_> {
    let mut lines: Lines<'_> = BTreeMap::new();
    for candidate in night.candidates.iter().filter(|c| c.resumes() == resumed) {
        lines.entry(&candidate.project).or_default().push(candidate);
    }
    for line in lines.values_mut() {
        // A bead without a date counts as new.
        line.sort_by_cached_key(|c| {
            let born = c.created.unwrap_or(DateTime::<Utc>::MAX_UTC);
            std::cmp::Reverse((c.urgency(night.now), born, c.bead.clone()))
        });
    }
    lines
}

/// Takes the first bead of the project whose turn it is.
fn next<'a>(lines: &mut Lines<'a>, desk: &Desk<'a>) -> Option<&'a Candidate> {
    let project = *lines.keys().min_by(|a, b| desk.turn(a, b))?;
    let line = lines.get_mut(project)?;
    let candidate = line.pop();
    if line.is_empty() {
        lines.remove(project);
    }
    candidate
}

#[cfg(test)]
mod tests;

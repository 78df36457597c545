//! How a night stands, for terminals and for the API.
//!
//! Owns the one shape that `bead night`, the control socket and `bead why` show. Sentences may quote untrusted
//! text: whoever prints them cleans it. Start with [`Status`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Dispatcher;
use super::errands::REVIEW;
use super::snapshot::Snapshot;
use crate::daemon::error::EngineError;
use crate::domain::ids::{BeadId, ProjectId};
use crate::domain::run::Outcome;
use crate::lifecycle::Phase;
use crate::scheduler::plan::{Mode, Plan};
use crate::scheduler::window::State;

/// One moment of a night.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub at: Option<DateTime<Utc>>,
    /// `waiting`, `open`, `paused`, `stopped`.
    pub state: String,
    pub night: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// When the next window opens, while none is.
    pub next: Option<DateTime<Utc>>,
    /// Why nothing is started, where that holds for all.
    pub notice: Option<String>,
    pub slots: u32,
    pub running: Vec<RunningBead>,
    /// In the order in which they would be started.
    pub waiting: Vec<WaitingBead>,
    pub tally: Tally,
    pub night_usd: f64,
    pub week_usd: f64,
    pub projects: Vec<ProjectState>,
    /// How the alerts stand; filled in where the status is asked for.
    #[serde(default)]
    pub alerts: AlertState,
}

/// A dispatcher that has not looked around for so long is stuck.
const STUCK: TimeDelta = TimeDelta::minutes(5);

impl Status {
    /// Whether the dispatcher it tells of, which began then, still looks around.
    pub fn is_fresh(&self, begun: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now - self.at.unwrap_or(begun) < STUCK
    }
}

/// Whether people hear of what happens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertState {
    /// Not sent yet, or to be tried again.
    pub waiting: u32,
    /// Not sent for good, in the last seven days.
    pub given_up: u32,
    /// Channels that do not work now, each with why.
    pub failing: Vec<String>,
}

impl From<crate::journal::outbox::Standing> for AlertState {
    fn from(standing: crate::journal::outbox::Standing) -> Self {
        let failing = standing.failing.iter().map(|(channel, why)| format!("{channel}: {why}"));
        Self { waiting: standing.waiting, given_up: standing.given_up, failing: failing.collect() }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunningBead {
    #[schema(value_type = String)]
    pub project: ProjectId,
    #[schema(value_type = String)]
    pub bead: BeadId,
    pub title: String,
    pub run: Option<String>,
    pub phase: String,
    pub attempt: u32,
    pub since: DateTime<Utc>,
    pub usd: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingBead {
    #[schema(value_type = String)]
    pub project: ProjectId,
    #[schema(value_type = String)]
    pub bead: BeadId,
    /// Empty where nobody knows it.
    #[serde(default)]
    pub title: String,
    /// It is suspended, not new.
    pub suspended: bool,
    /// Follows on "`id` waits: ".
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectState {
    #[schema(value_type = String)]
    pub project: ProjectId,
    pub name: String,
    pub path: String,
    /// Why nothing of it can be worked on.
    pub trouble: Option<String>,
    pub ready: usize,
}

/// Beads that ended tonight, by how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tally {
    pub landed: u32,
    pub no_change: u32,
    pub blocked: u32,
    pub parked: u32,
    pub failed: u32,
    pub cancelled: u32,
}

impl Tally {
    pub(super) fn count(&mut self, outcome: Outcome) {
        let place = match outcome {
            Outcome::Landed => &mut self.landed,
            Outcome::NoChange => &mut self.no_change,
            Outcome::Blocked => &mut self.blocked,
            Outcome::Parked => &mut self.parked,
            Outcome::Failed | Outcome::Timeout => &mut self.failed,
            Outcome::Cancelled | Outcome::Suspended => &mut self.cancelled,
        };
        *place += 1;
    }
}

/// How a night ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NightReport {
    pub night: Option<String>,
    pub why: String,
    pub tally: Tally,
    /// Beads whose attempt waits to go on.
    pub suspended: Vec<WaitingBead>,
    pub night_usd: f64,
    /// Containers that go on without us.
    pub left_running: usize,
}

impl Dispatcher {
    pub(super) fn publish(&self, snapshot: &Snapshot, plan: &Plan) -> Result<(), EngineError> {
        let status = self.describe(snapshot, plan)?;
        self.status.send_if_modified(|now| {
            let changed = Status { at: None, ..(**now).clone() } != Status { at: None, ..status.clone() };
            *now = std::sync::Arc::new(status);
            changed
        });
        Ok(())
    }

    fn describe(&self, snapshot: &Snapshot, plan: &Plan) -> Result<Status, EngineError> {
        let mut windows = snapshot.projects.values().map(|p| &p.window);
        let open = windows.clone().find_map(|w| if let State::Open(open) = w { Some(open) } else { None });
        let next = windows.by_ref().filter_map(|w| match w {
            State::Closed { next } => *next,
            State::Open(_) => None,
        });
        let next = next.min().filter(|_| open.is_none());
        let (state, mut notice) = match &snapshot.mode {
            Mode::Stopped { why } => ("stopped", Some(why.clone())),
            Mode::Paused => ("paused", Some("paused by a person".to_owned())),
            Mode::Works if open.is_some() => ("open", None),
            Mode::Works => ("waiting", None),
        };
        if let Some(why) = self.troubles.engine_away() {
            notice = notice.or_else(|| Some(format!("the container engine does not answer: {why}")));
        }
        Ok(Status {
            at: Some(snapshot.now),
            state: state.to_owned(),
            night: self.notes.night.map(|night| night.to_string()),
            since: self.notes.since,
            until: open.and_then(|open| open.until),
            next,
            notice,
            slots: snapshot.slots.global,
            running: self.running_beads(snapshot)?,
            waiting: self.waiting_beads(snapshot, plan),
            tally: self.notes.tally,
            night_usd: snapshot.budget.night.usd,
            week_usd: snapshot.budget.week.usd,
            projects: self.project_states(),
            alerts: AlertState::default(),
        })
    }

    fn running_beads(&self, snapshot: &Snapshot) -> Result<Vec<RunningBead>, EngineError> {
        let mut all = Vec::new();
        for run in &snapshot.running {
            let live = self.live.get(&(run.project.clone(), run.bead.clone()));
            if let Some(what) = live.and_then(|live| live.reads.clone()).map(|reads| reads.what) {
                all.push(RunningBead {
                    project: run.project.clone(),
                    bead: BeadId::new(what),
                    title: REVIEW.to_owned(),
                    run: None,
                    phase: "reviewing".to_owned(),
                    attempt: 0,
                    since: run.since,
                    usd: run.spent.usd,
                });
                continue;
            }
            let story = self.house.journal.open_story_of(&run.project, &run.bead)?;
            all.push(RunningBead {
                project: run.project.clone(),
                bead: run.bead.clone(),
                title: story.as_ref().map(|s| s.order.title.clone()).unwrap_or_default(),
                run: story.as_ref().and_then(|s| s.run()).map(ToString::to_string),
                phase: story.as_ref().map_or("starting", |s| s.phase.name()).to_owned(),
                attempt: story.as_ref().map_or(0, |s| s.attempt),
                since: run.since,
                usd: run.spent.usd,
            });
        }
        Ok(all)
    }

    fn waiting_beads(&self, snapshot: &Snapshot, plan: &Plan) -> Vec<WaitingBead> {
        let suspended = |project: &ProjectId, bead: &BeadId| {
            let same = |c: &&crate::scheduler::plan::Candidate| &c.project == project && &c.bead == bead;
            let found = snapshot.candidates.iter().find(same);
            found.is_some_and(|c| matches!(c.origin, crate::scheduler::plan::Origin::Suspended { .. }))
        };
        let planned = plan.waiting.iter().map(|w| WaitingBead {
            title: self.title(&(w.project.clone(), w.bead.clone())),
            suspended: suspended(&w.project, &w.bead),
            project: w.project.clone(),
            bead: w.bead.clone(),
            reason: w.reason.sentence(),
        });
        let asked = |one: &WaitingBead| self.is_asked(&(one.project.clone(), one.bead.clone()));
        let planned = planned.filter(|one| !asked(one));
        let mut all: Vec<WaitingBead> =
            self.waiting_asked().chain(self.waiting_reviews()).chain(planned).collect();
        for (id, project) in &self.projects {
            for bead in &project.ready {
                let key = (id.clone(), bead.id.clone());
                if self.live.contains_key(&key) || self.is_asked(&key) {
                    continue;
                }
                let trouble = self.troubles.of(&key, snapshot.now).map(|t| t.error.clone());
                let turn =
                    self.notes.had_its_turn(&key).map(|how| format!("it had its turn tonight ({how})"));
                if let Some(reason) = trouble.or(turn) {
                    let (title, (project, bead)) = (bead.title.clone(), key);
                    all.push(WaitingBead { project, bead, title, suspended: false, reason });
                }
            }
        }
        all
    }

    fn project_states(&self) -> Vec<ProjectState> {
        let states = self.projects.iter().map(|(id, project)| ProjectState {
            project: id.clone(),
            name: project.name.clone(),
            path: project.site.root().to_string_lossy().into_owned(),
            trouble: project.trouble(),
            ready: project.ready.len(),
        });
        states.collect()
    }

    /// The night as it ended.
    pub(super) fn report(&self, why: &str) -> Result<NightReport, EngineError> {
        let open = self.house.journal.open_stories(None)?;
        let suspended = open.iter().filter_map(|story| {
            let Phase::Suspended { reason, .. } = &story.phase else { return None };
            Some(WaitingBead {
                project: story.project.clone(),
                bead: story.bead.clone(),
                title: story.order.title.clone(),
                suspended: true,
                reason: reason.clone(),
            })
        });
        Ok(NightReport {
            night: self.notes.night.map(|night| night.to_string()),
            why: why.to_owned(),
            tally: self.notes.tally,
            suspended: suspended.collect(),
            night_usd: self.notes.night_spent().usd,
            left_running: open.iter().filter(|s| s.phase == Phase::Working).count(),
        })
    }
}

//! What the scheduler is asked about: projects, candidates, slots and money as they are now.
//!
//! Owns the translation of sites, stories and meters into the scheduler's words. It decides nothing, except
//! that a bead in trouble of ours, or one that had its turn tonight, is no candidate. Start with
//! [`Dispatcher::snapshot`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Dispatcher, Hours, Key};
use crate::config::effective::Effective;
use crate::daemon::error::EngineError;
use crate::domain::ids::ProjectId;
use crate::gateway::breaker::State as Upstream;
use crate::lifecycle::{Phase, Story};
use crate::scheduler::budget::Spent;
use crate::scheduler::filter;
use crate::scheduler::forecast::{Expected, Past};
use crate::scheduler::plan::{
    Breaker, Candidate, Mode, Money, Night, Origin, ProjectView, Running, Utilization,
};
use crate::scheduler::window::{Open, State};

pub(super) type Snapshot = Night;

/// Past beads by project.
pub(super) type History = BTreeMap<ProjectId, Vec<Past>>;

/// How many past beads a forecast rests on.
const HISTORY: usize = 300;
/// A bead whose project cannot be read is not asked for its memory.
const UNKNOWN_MEMORY: u64 = 4 << 30;

impl Dispatcher {
    pub(super) async fn snapshot(&mut self) -> Result<Snapshot, EngineError> {
        let now = self.house.clock.now();
        let windows: BTreeMap<ProjectId, State> =
            self.projects.iter().map(|(id, p)| (id.clone(), self.window(&p.name, now))).collect();
        for (id, project) in &mut self.projects {
            // Outside its windows a project costs nothing, not even a look.
            if matches!(windows[id], State::Open(_)) {
                project.look(&self.house, &self.machine, now).await;
            }
        }
        let stories = self.house.journal.open_stories(None)?;
        let (past, costs) = self.past()?;
        let money = self.money(now, costs)?;
        let projects = self.projects.iter().map(|(id, project)| {
            let settings = project.settings.as_ref().ok();
            let most = settings.map_or(1, |s| s.limits.slots.value);
            let view = ProjectView {
                name: project.name.clone(),
                window: windows[id].clone(),
                slots: self.machine.user.slots.project.map_or(most, |own| own.min(most)),
                image: project.image.clone(),
                last_served: project.last_served,
                expected: Expected::of(past.get(id).map_or(&[][..], Vec::as_slice)),
                spent: self.notes.spent_by(id, &self.machine.spending, &stories),
            };
            (id.clone(), view)
        });
        let account = self.machine.standing.subscribe().borrow().account;
        Ok(Night {
            now,
            zone: self.zone,
            mode: self.mode(),
            slots: self.machine.user.slots.clone(),
            resources: self.resources.read(),
            projects: projects.collect(),
            running: self.running(&stories),
            candidates: self.candidates(&stories, now),
            budget: money,
            breaker: self.breaker(now),
            utilization: account.utilization.map(|used| Utilization { used, resets_at: account.resets_at }),
            utilization_most: self.machine.user.budgets.utilization,
        })
    }

    /// Whether a project may be worked on now.
    pub(super) fn window(&self, project: &str, now: DateTime<Utc>) -> State {
        match self.hours {
            Hours::Windows => self.calendar.at(now, project, &self.presence),
            Hours::Now { until } if until.is_some_and(|at| at <= now) => State::Closed { next: None },
            Hours::Now { until } => State::Open(Open::by_hand(self.begun, until, self.zone)),
        }
    }

    fn mode(&self) -> Mode {
        match &self.notes.stopped {
            Some(why) => Mode::Stopped { why: why.clone() },
            None if self.notes.paused => Mode::Paused,
            None => Mode::Works,
        }
    }

    fn breaker(&self, now: DateTime<Utc>) -> Breaker {
        let elapsed = self.house.clock.elapsed();
        let in_utc = |at: std::time::Duration| {
            now + chrono::TimeDelta::from_std(at.saturating_sub(elapsed)).unwrap_or_default()
        };
        match self.machine.standing.subscribe().borrow().upstream {
            Upstream::Closed => Breaker::Closed,
            Upstream::Open { until, .. } => Breaker::Open { until: in_utc(until) },
            // A request is on its way: nothing else is started before it has its answer.
            Upstream::Probing { .. } => Breaker::Open { until: now + chrono::TimeDelta::seconds(5) },
        }
    }

    pub(super) fn running(&self, stories: &[Story]) -> Vec<Running> {
        let runs = self.live.iter().map(|((project, bead), live)| {
            let story = stories.iter().find(|s| &s.project == project && &s.bead == bead);
            // A reviewer's run spends too, and is the only one while it reads.
            let now = story.and_then(Story::at_work).map(|run| self.machine.spending.of(run));
            let before = Spent::new(story.map_or(0.0, Story::spent_usd), 0);
            Running {
                project: project.clone(),
                bead: bead.clone(),
                model: live.model.clone(),
                since: live.since,
                memory: live.memory,
                spent: before.plus(now.unwrap_or_default()),
                probe: live.probe,
            }
        });
        runs.collect()
    }

    fn candidates(&self, stories: &[Story], now: DateTime<Utc>) -> Vec<Candidate> {
        let mut all = Vec::new();
        for story in stories {
            let key: Key = (story.project.clone(), story.bead.clone());
            let Phase::Suspended { cause, until, .. } = &story.phase else { continue };
            if self.live.contains_key(&key) || self.troubles.of(&key, now).is_some() {
                continue;
            }
            let origin = Origin::Suspended { cause: cause.clone(), until: *until, since: story.started };
            let settings = self.projects.get(&story.project).and_then(|p| p.settings.as_ref().ok());
            all.push(Candidate {
                project: key.0,
                bead: key.1,
                priority: 0,
                created: Some(story.started),
                waiting_since: story.started,
                model: story.order.model.clone(),
                memory: settings.map_or(UNKNOWN_MEMORY, |s| memory(s)),
                origin,
                excluded: None,
                spent: Spent::new(story.spent_usd(), 0),
            });
        }
        for (id, project) in &self.projects {
            let Ok(settings) = &project.settings else { continue };
            for bead in &project.ready {
                let key: Key = (id.clone(), bead.id.clone());
                let open = stories.iter().any(|s| s.project == key.0 && s.bead == key.1);
                let held = self.troubles.of(&key, now).is_some() || self.notes.had_its_turn(&key).is_some();
                if open || held || self.live.contains_key(&key) {
                    continue;
                }
                all.push(Candidate {
                    project: id.clone(),
                    bead: bead.id.clone(),
                    priority: bead.priority,
                    created: bead.created_at,
                    waiting_since: project.since.get(&bead.id).copied().unwrap_or(now),
                    model: settings.model.value.clone(),
                    memory: memory(settings),
                    origin: Origin::Fresh,
                    excluded: filter::judge(bead, &settings.night.value),
                    spent: Spent::default(),
                });
            }
        }
        all
    }

    /// Past beads by project, and what one costs in the middle.
    pub(super) fn past(&self) -> Result<(History, Option<Spent>), EngineError> {
        let mut past = History::new();
        for (story, at) in self.house.journal.ended_stories(HISTORY)? {
            let seconds = (at - story.started).to_std().unwrap_or_default().as_secs_f64();
            let landed = story.finish.outcome == crate::domain::run::Outcome::Landed;
            past.entry(story.project).or_default().push(Past { seconds, usd: story.cost_usd, landed });
        }
        let mut costs: Vec<f64> = past.values().flatten().map(|p| p.usd).filter(|c| *c > 0.0).collect();
        costs.sort_by(f64::total_cmp);
        let middle = costs.get(costs.len() / 2).map(|usd| Spent::new(*usd, 0));
        Ok((past, middle.filter(|_| costs.len() >= crate::scheduler::forecast::LEAST_HISTORY)))
    }

    fn money(&mut self, now: DateTime<Utc>, bead_costs: Option<Spent>) -> Result<Money, EngineError> {
        let caps = self.caps();
        self.notes.count(&self.house.journal, now)?;
        let live = self.live_spending();
        Ok(Money {
            caps,
            night: self.notes.night_spent().plus(live),
            week: self.notes.week_spent().plus(live),
            bead_costs,
        })
    }
}

pub(super) fn memory(settings: &Effective) -> u64 {
    settings.limits.memory.value.bytes()
}

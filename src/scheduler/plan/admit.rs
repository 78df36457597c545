//! What one bead must pass to be started, against what is in use by then.
//!
//! Owns the counts of one plan and the order of the questions: first what is true of the bead alone, then of
//! the night, then of what is scarce. The first that fails is the reason. Start with [`Desk::admit`].

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Breaker, Candidate, Image, KEEP_MEMORY_AFTER, Mode, Night, Origin, ProjectView};
use crate::domain::ids::{BeadId, ProjectId};
use crate::scheduler::budget::{Spent, Verdict, View};
use crate::scheduler::forecast;
use crate::scheduler::reason::{Reason, Users, When};
use crate::scheduler::window::State;

/// How many users of slots a sentence names.
const NAMED: usize = 4;

/// A night with the starts of this plan counted in.
pub(super) struct Desk<'a> {
    night: &'a Night,
    /// Running or started; a bead that stands twice in a snapshot is not started twice.
    seen: BTreeSet<(&'a ProjectId, &'a BeadId)>,
    /// Who holds slots: all, by project, by model.
    all: Vec<&'a BeadId>,
    projects: BTreeMap<&'a ProjectId, Vec<&'a BeadId>>,
    models: BTreeMap<&'a str, Vec<&'a BeadId>>,
    /// Starts of this plan by project: when in the plan it was last served.
    served: BTreeMap<&'a ProjectId, usize>,
    memory: u64,
    /// A bead that waits for memory others may not take.
    kept: Option<(&'a BeadId, u64)>,
    promised: Spent,
    probe: Option<&'a BeadId>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(night: &'a Night) -> Self {
        let mut desk = Self {
            night,
            seen: BTreeSet::new(),
            all: Vec::new(),
            projects: BTreeMap::new(),
            models: BTreeMap::new(),
            served: BTreeMap::new(),
            memory: 0,
            kept: None,
            promised: Spent::default(),
            probe: night.running.iter().find(|run| run.probe).map(|run| &run.bead),
        };
        let wished = night.running.iter().fold(0u64, |sum, run| sum.saturating_add(run.memory));
        desk.memory = night.resources.memory.saturating_sub(wished).min(night.resources.memory_free);
        let costs = night.budget.bead_costs.unwrap_or_default();
        for run in &night.running {
            desk.seen.insert((&run.project, &run.bead));
            desk.occupy(&run.project, &run.bead, run.model.as_deref());
            desk.promised = desk.promised.plus(costs.less(run.spent));
        }
        desk
    }

    fn occupy(&mut self, project: &'a ProjectId, bead: &'a BeadId, model: Option<&'a str>) {
        self.all.push(bead);
        self.projects.entry(project).or_default().push(bead);
        if let Some(model) = model {
            self.models.entry(model).or_default().push(bead);
        }
    }

    /// Which project is next: the smaller share of its slots in use, then served longer ago, then by id.
    pub(super) fn turn(&self, a: &'a ProjectId, b: &'a ProjectId) -> Ordering {
        let used = |id| self.projects.get(id).map_or(0, Vec::len) as u64;
        let most = |id| self.night.projects.get(id).map_or(1, |p| u64::from(p.slots.max(1)));
        // In this plan counts as later than anything before it.
        let served = |id| (self.served.get(id), self.night.projects.get(id).and_then(|p| p.last_served));
        let share = (used(a) * most(b)).cmp(&(used(b) * most(a)));
        share.then_with(|| served(a).cmp(&served(b))).then_with(|| a.cmp(b))
    }

    /// Counts the bead in, saying whether it is the breaker's probe, or says why not.
    pub(super) fn admit(&mut self, candidate: &'a Candidate) -> Result<bool, Reason> {
        let project = self.own(candidate)?;
        self.night_wide(project)?;
        let probe = self.upstream()?;
        self.money(candidate, project)?;
        self.slots(candidate, project)?;
        self.machine(candidate, project)?;
        self.seen.insert((&candidate.project, &candidate.bead));
        self.occupy(&candidate.project, &candidate.bead, candidate.model.as_deref());
        self.served.insert(&candidate.project, self.all.len());
        self.memory = self.memory.saturating_sub(candidate.memory);
        let costs = self.night.budget.bead_costs.unwrap_or_default();
        self.promised = self.promised.plus(costs.less(candidate.spent));
        if probe {
            self.probe = Some(&candidate.bead);
        }
        Ok(probe)
    }

    fn when(&self, at: DateTime<Utc>) -> When {
        When { at, now: self.night.now, zone: self.night.zone }
    }

    /// What is true of the bead alone.
    fn own(&self, candidate: &Candidate) -> Result<&'a ProjectView, Reason> {
        if self.seen.contains(&(&candidate.project, &candidate.bead)) {
            return Err(Reason::Running);
        }
        let project = self.night.projects.get(&candidate.project).ok_or(Reason::UnknownProject)?;
        match &candidate.origin {
            Origin::Fresh => match &candidate.excluded {
                Some(excluded) => Err(Reason::Excluded(excluded.clone())),
                None => Ok(project),
            },
            Origin::Suspended { cause, .. } if cause.as_str() == "user" => Err(Reason::PausedByUser),
            Origin::Suspended { cause, until: Some(until), .. } if *until > self.night.now => {
                Err(Reason::Until { cause: cause.clone(), until: self.when(*until) })
            }
            Origin::Suspended { .. } => Ok(project),
        }
    }

    fn night_wide(&self, project: &ProjectView) -> Result<(), Reason> {
        match &self.night.mode {
            Mode::Works => {}
            Mode::Paused => return Err(Reason::NightPaused),
            Mode::Stopped { why } => return Err(Reason::NightStopped { why: why.clone() }),
        }
        let open = match &project.window {
            State::Closed { next } => {
                return Err(Reason::WindowClosed { next: next.map(|at| self.when(at)) });
            }
            State::Open(open) => open,
        };
        let Some(until) = open.until else { return Ok(()) };
        if open.drain_from.is_some_and(|from| from <= self.night.now) || until <= self.night.now {
            return Err(Reason::Draining { until: self.when(until) });
        }
        if forecast::runs_out(&project.expected, open, self.night.now) {
            return Err(Reason::RunsOut { until: self.when(until), expected: project.expected });
        }
        Ok(())
    }

    /// Whether the start would be the probe of a half-open breaker.
    fn upstream(&self) -> Result<bool, Reason> {
        let probe = match self.night.breaker {
            Breaker::Closed => false,
            Breaker::Open { until } if until > self.night.now => {
                return Err(Reason::Outage { until: self.when(until) });
            }
            Breaker::Open { .. } => match self.probe {
                Some(by) => return Err(Reason::Probe { by: Some(by.clone()) }),
                None => true,
            },
        };
        let limit = self.night.utilization_most;
        match self.night.utilization {
            // What was measured before a reset says nothing about now.
            Some(u) if u.used >= limit && u.resets_at.is_none_or(|at| at > self.night.now) => {
                let resets = u.resets_at.map(|at| self.when(at));
                Err(Reason::Utilization { used: u.used, limit, resets })
            }
            _ => Ok(probe),
        }
    }

    fn money(&self, candidate: &Candidate, project: &ProjectView) -> Result<(), Reason> {
        let money = &self.night.budget;
        let view = View {
            run: None,
            bead: Some(candidate.spent),
            project: Some((&project.name, project.spent)),
            night: money.night,
            week: money.week,
            promised: self.promised,
            bead_costs: money.bead_costs,
        };
        match money.caps.judge(&view) {
            Verdict::Go => Ok(()),
            Verdict::StopStarting(tight) | Verdict::EndRuns(tight) => Err(Reason::Budget(tight)),
        }
    }

    fn slots(&self, candidate: &Candidate, project: &ProjectView) -> Result<(), Reason> {
        let full = |users: &[&BeadId], most: u32| {
            let count = u32::try_from(users.len()).unwrap_or(u32::MAX);
            let some = users.iter().take(NAMED).map(|id| (*id).clone()).collect();
            (count >= most).then_some(Users { count, some })
        };
        let most = self.night.slots.global;
        if let Some(by) = full(&self.all, most) {
            return Err(Reason::Slots { most, by });
        }
        let users = self.projects.get(&candidate.project).map_or(&[][..], Vec::as_slice);
        if let Some(by) = full(users, project.slots) {
            return Err(Reason::ProjectSlots { most: project.slots, by });
        }
        let Some(model) = candidate.model.as_deref() else { return Ok(()) };
        let Some(most) = self.night.slots.models.get(model).copied() else { return Ok(()) };
        let users = self.models.get(model).map_or(&[][..], Vec::as_slice);
        match full(users, most) {
            Some(by) => Err(Reason::ModelSlots { model: model.to_owned(), most, by }),
            None => Ok(()),
        }
    }

    fn machine(&mut self, candidate: &'a Candidate, project: &ProjectView) -> Result<(), Reason> {
        let has = self.night.resources;
        if let Image::Missing(name) = &project.image {
            return Err(Reason::Image { name: name.clone() });
        }
        if has.disk_free < has.disk_least {
            return Err(Reason::Disk { free: has.disk_free, least: has.disk_least });
        }
        if has.inodes_free < has.inodes_least {
            return Err(Reason::Inodes { free: has.inodes_free, least: has.inodes_least });
        }
        if let Some((by, needs)) = self.kept {
            return Err(Reason::MemoryKept { by: by.clone(), needs });
        }
        if candidate.memory > self.memory {
            let waited = self.night.now - candidate.waiting_since;
            // Kept only where runs that end can free enough; else it would hold up the others for ever.
            let can_be_freed = !self.all.is_empty() && candidate.memory <= has.memory;
            if waited >= KEEP_MEMORY_AFTER && can_be_freed {
                self.kept = Some((&candidate.bead, candidate.memory));
            }
            return Err(Reason::Memory { needs: candidate.memory, free: self.memory });
        }
        Ok(())
    }
}

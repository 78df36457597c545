//! Tonight's plan without the night: what would be started, why not, and how far it would get.
//!
//! Owns the look that `bead night --dry-run` shows. It claims nothing, starts nothing, and writes nothing but
//! what reading a tracker does anyway. Start with [`preview`].

use serde::Serialize;

use super::snapshot::Snapshot;
use super::status::WaitingBead;
use super::{Dispatcher, Key};
use crate::daemon::error::EngineError;
use crate::domain::ids::{BeadId, ProjectId};
use crate::scheduler::forecast::{Outlook, Past, Tonight, outlook};
use crate::scheduler::plan::{Candidate, Origin, plan};
use crate::scheduler::window::State;

/// The same look twice gives the same forecast.
const SEED: u64 = 7;

#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// In the order in which they would be started, as slots become free.
    pub starts: Vec<Planned>,
    pub waiting: Vec<WaitingBead>,
    pub warnings: Vec<String>,
    /// One sentence: beads, money and end, at p50 and p90.
    pub forecast: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    pub project: ProjectId,
    pub project_name: String,
    pub bead: BeadId,
    pub title: String,
    /// It was suspended, and goes on.
    pub goes_on: bool,
    /// At once; else when a slot is free.
    pub now: bool,
}

pub async fn preview(mut dispatcher: Dispatcher) -> Result<Preview, EngineError> {
    dispatcher.see_registry().await?;
    let snapshot = dispatcher.snapshot().await?;
    let first = plan(&snapshot);
    let all = plan(&roomy(&snapshot));
    let starts: Vec<Planned> = all
        .starts
        .iter()
        .map(|start| {
            let key: Key = (start.project.clone(), start.bead.clone());
            let now = first.starts.iter().any(|s| s.project == key.0 && s.bead == key.1);
            dispatcher.planned(&key, start.resumes, now)
        })
        .collect();
    let of = |c: &Candidate| matches!(c.origin, Origin::Suspended { .. });
    let waiting = all.waiting.iter().map(|w| WaitingBead {
        suspended: snapshot.candidates.iter().any(|c| c.project == w.project && c.bead == w.bead && of(c)),
        title: dispatcher.title(&(w.project.clone(), w.bead.clone())),
        project: w.project.clone(),
        bead: w.bead.clone(),
        reason: w.reason.sentence(),
    });
    let waiting = waiting.collect();
    let past: Vec<Past> = dispatcher.past()?.0.into_values().flatten().collect();
    let forecast = dispatcher.forecast(&snapshot, &past, starts.len());
    Ok(Preview { warnings: dispatcher.warnings().await?, starts, waiting, forecast })
}

/// With slots and memory for everybody, what remains waiting is what the night would never take.
pub(super) fn roomy(snapshot: &Snapshot) -> Snapshot {
    let mut roomy = snapshot.clone();
    roomy.slots.global = u32::MAX;
    roomy.slots.models.clear();
    roomy.resources.memory = u64::MAX;
    roomy.resources.memory_free = u64::MAX;
    for project in roomy.projects.values_mut() {
        project.slots = u32::MAX;
    }
    roomy
}

impl Dispatcher {
    /// A bead's title as far as it was read: of what is ready, or of what is under way.
    pub(super) fn title(&self, key: &Key) -> String {
        let project = self.projects.get(&key.0);
        let ready = project.and_then(|p| p.ready.iter().find(|b| b.id == key.1)).map(|b| b.title.clone());
        let story = || self.house.journal.open_story_of(&key.0, &key.1).ok().flatten();
        ready.or_else(|| story().map(|s| s.order.title)).unwrap_or_default()
    }

    fn planned(&self, key: &Key, goes_on: bool, now: bool) -> Planned {
        let project = self.projects.get(&key.0);
        Planned {
            project: key.0.clone(),
            project_name: project.map(|p| p.name.clone()).unwrap_or_default(),
            bead: key.1.clone(),
            title: self.title(key),
            goes_on,
            now,
        }
    }

    /// How far the night would get, from past beads and the money that is left.
    fn forecast(&self, snapshot: &Snapshot, past: &[Past], queue: usize) -> String {
        let Some(outlook) = self.expected(snapshot, past, queue) else {
            return "no window is open: nothing would be started".to_owned();
        };
        outlook.sentence(|at| {
            let near = (at - snapshot.now).num_hours() < 20;
            self.zone.local(at).format(if near { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
        })
    }

    /// The same as figures; `None` while no window is open.
    pub(super) fn expected(&self, snapshot: &Snapshot, past: &[Past], queue: usize) -> Option<Outlook> {
        let windows = snapshot.projects.values().map(|p| &p.window);
        let open = windows.filter_map(|w| if let State::Open(open) = w { Some(open) } else { None });
        let open = open.max_by_key(|open| open.until)?;
        let cap = snapshot.budget.caps.night.usd;
        let tonight = Tonight {
            past,
            queue,
            slots: snapshot.slots.global,
            now: snapshot.now,
            open: open.clone(),
            usd_left: cap.map(|cap| (cap - snapshot.budget.night.usd).max(0.0)),
            seed: SEED,
        };
        Some(outlook(&tonight))
    }

    /// What would make a night end otherwise than its user thinks.
    async fn warnings(&self) -> Result<Vec<String>, EngineError> {
        let mut all = Vec::new();
        for project in self.projects.values() {
            match &project.settings {
                Err(why) => all.push(format!("{}: nothing of it can be worked on: {why}", project.name)),
                Ok(settings) => {
                    let Some(target) = &settings.target.value else { continue };
                    if !project.site.repo.dirt(target).await?.is_empty() {
                        let name = &project.name;
                        all.push(format!(
                            "{name}: {target} is checked out with changes: all will land beside"
                        ));
                    }
                }
            }
        }
        Ok(all)
    }
}

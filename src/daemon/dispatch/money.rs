//! What the night may still spend, and ending what goes beyond.
//!
//! Owns the enforcement on runs that go on: at a cap they are ended with their work kept, at the window's end
//! and under pressure they are put aside. The verdicts are the scheduler's. Start with [`Dispatcher::enforce`].

use chrono::{DateTime, TimeDelta, Utc};

use super::snapshot::Snapshot;
use super::{Dispatcher, Key};
use crate::agent::CredentialKind;
use crate::daemon::stop::Aside;
use crate::domain::run::Cause;
use crate::scheduler::budget::{Caps, Spent, Verdict, View, Which};
use crate::scheduler::plan::Running;
use crate::scheduler::window::State;

/// Less free memory than this, and the youngest run is put aside before the kernel chooses one.
const MEMORY_PRESSURE: u64 = 384 << 20;
/// So long nothing that was put aside for pressure comes back.
const PRESSURE_REST: TimeDelta = TimeDelta::minutes(3);

impl Dispatcher {
    pub(super) fn caps(&self) -> Caps {
        let subscription = self.machine.credential_kind() == CredentialKind::OAuth;
        Caps::new(&self.machine.user.budgets, subscription)
    }

    pub(super) fn has_caps(&self) -> bool {
        self.caps() != Caps::default()
    }

    /// What runs of this moment have spent beyond what the journal knows, reviews outside any claim among them.
    pub(super) fn live_spending(&self) -> Spent {
        self.machine.spending.all()
    }

    /// Ends what may not go on.
    pub(super) fn enforce(&self, snapshot: &Snapshot) {
        for run in &snapshot.running {
            let key: Key = (run.project.clone(), run.bead.clone());
            let Some(live) = self.live.get(&key) else { continue };
            if let Some(aside) = self.too_much(snapshot, run) {
                live.stop.put_aside(aside);
            } else if let Some(aside) = self.too_late(snapshot, run).filter(|_| !live.asked) {
                live.stop.put_aside(aside);
            }
        }
        let free = snapshot.resources.memory_free;
        if free < MEMORY_PRESSURE
            && let Some(youngest) = snapshot.running.iter().max_by_key(|run| run.since)
            && let Some(live) = self.live.get(&(youngest.project.clone(), youngest.bead.clone()))
        {
            live.stop.put_aside(Aside {
                cause: Cause::new("pressure"),
                reason: format!("only {} MiB of memory are free", free >> 20),
                until: Some(snapshot.now + PRESSURE_REST),
                park: false,
            });
        }
    }

    fn too_much(&self, snapshot: &Snapshot, run: &Running) -> Option<Aside> {
        let project = snapshot.projects.get(&run.project);
        let view = View {
            run: self.run_spent(run),
            bead: Some(run.spent),
            project: project.map(|p| (p.name.as_str(), p.spent)),
            night: snapshot.budget.night,
            week: snapshot.budget.week,
            ..View::default()
        };
        let Verdict::EndRuns(tight) = snapshot.budget.caps.judge(&view) else { return None };
        // A bead that used up its own money cannot go on tomorrow either.
        let park = matches!(tight.which, Which::Run | Which::Bead);
        Some(Aside { cause: Cause::new("budget"), reason: tight.sentence(), until: None, park })
    }

    fn run_spent(&self, run: &Running) -> Option<Spent> {
        let story = self.house.journal.open_story_of(&run.project, &run.bead).ok()??;
        Some(self.machine.spending.of(story.at_work()?))
    }

    fn too_late(&self, snapshot: &Snapshot, run: &Running) -> Option<Aside> {
        let State::Closed { next } = &snapshot.projects.get(&run.project)?.window else { return None };
        let reason = match next {
            Some(_) => "the window closed; it goes on when the next one opens",
            None => "the night is over; it goes on in the next one",
        };
        let until: Option<DateTime<Utc>> = *next;
        Some(Aside { cause: Cause::new("window"), reason: reason.to_owned(), until, park: false })
    }
}

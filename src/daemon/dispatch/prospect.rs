//! What a night is expected to bring, and which beads it leaves without a turn: what its events tell of both.
//!
//! Owns the way from a snapshot to [`Prospect`] and from the last status to [`Left`], so that a brief can be made
//! from the journal alone. The forecast itself is the scheduler's. Start with `Dispatcher::prospect`.

use super::preview::roomy;
use super::snapshot::Snapshot;
use super::{Dispatcher, Key};
use crate::agent::CredentialKind;
use crate::daemon::error::EngineError;
use crate::domain::night::{Forecast, Left, Prospect};
use crate::scheduler::forecast::Past;
use crate::scheduler::plan::plan;

/// So many beads without a turn are named; more are counted.
const NAMED: usize = 100;

impl Dispatcher {
    /// The night as it looks now; `None` while no window is open.
    pub(super) fn prospect(&self, snapshot: &Snapshot) -> Result<Option<Box<Prospect>>, EngineError> {
        let queue = plan(&roomy(snapshot)).starts.len();
        let past: Vec<Past> = self.past()?.0.into_values().flatten().collect();
        let Some(outlook) = self.expected(snapshot, &past, queue) else { return Ok(None) };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let caps = &snapshot.budget.caps;
        let projects = snapshot.projects.iter();
        let projects = projects.filter_map(|(id, p)| Some((id.clone(), caps.projects.get(&p.name)?.usd?)));
        Ok(Some(Box::new(Prospect {
            slots: snapshot.slots.global,
            queue: count(queue),
            forecast: Forecast {
                landed: outlook.landed,
                usd: outlook.usd,
                ends: outlook.ends,
                history: count(outlook.history),
            },
            usd: caps.night.usd,
            projects: projects.collect(),
            estimate: self.machine.credential_kind() == CredentialKind::OAuth,
        })))
    }

    /// Fresh beads that had no turn, as the last look saw them, and how many more there are.
    pub(super) fn left(&self) -> (Vec<Left>, u32) {
        let status = self.status.borrow();
        let waiting = status.waiting.iter().filter(|waiting| {
            let key: Key = (waiting.project.clone(), waiting.bead.clone());
            !waiting.suspended && self.notes.had_its_turn(&key).is_none()
        });
        let all = waiting.map(|waiting| {
            let ready = self.projects.get(&waiting.project).map(|p| p.ready.as_slice()).unwrap_or_default();
            let title = ready.iter().find(|bead| bead.id == waiting.bead).map(|bead| bead.title.clone());
            Left {
                project: waiting.project.clone(),
                bead: waiting.bead.clone(),
                title: title.unwrap_or_default(),
                reason: waiting.reason.clone(),
            }
        });
        let mut all: Vec<Left> = all.collect();
        let more = u32::try_from(all.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
        all.truncate(NAMED);
        (all, more)
    }
}

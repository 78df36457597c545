//! What the runs that go on now have spent, before the journal knows.
//!
//! Owns a look at the meters of all open gateways, by run. It adds nothing up over time: what a run cost in the
//! end stands in the journal. Start with [`Spending::of`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::domain::ids::RunId;
use crate::gateway::meter::MeterReading;
use crate::scheduler::budget::Spent;

type Meters = HashMap<RunId, watch::Receiver<MeterReading>>;

/// The meters of this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Spending {
    meters: Arc<Mutex<Meters>>,
}

/// Counts a run as long as it lives.
#[derive(Debug)]
pub struct Counted {
    spending: Spending,
    run: RunId,
}

impl Spending {
    /// Counts what this meter shows as the run's.
    #[must_use]
    pub fn count(&self, run: &RunId, meter: watch::Receiver<MeterReading>) -> Counted {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), meter);
        Counted { spending: self.clone(), run: run.clone() }
    }

    /// What all runs of this process have spent through their open gateways.
    pub fn all(&self) -> Spent {
        let runs: Vec<RunId> =
            self.meters.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        runs.iter().fold(Spent::default(), |sum, run| sum.plus(self.of(run)))
    }

    /// What a run has spent through its open gateway; nothing for a run without one.
    pub fn of(&self, run: &RunId) -> Spent {
        let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(meter) = meters.get(run) else { return Spent::default() };
        let reading = meter.borrow();
        let tokens = reading.usage.values().fold(0u64, |sum, usage| sum.saturating_add(usage.total()));
        Spent::new(reading.cost_usd, tokens)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.spending.meters.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

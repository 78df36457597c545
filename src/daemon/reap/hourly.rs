//! The dispatcher's own reaping: at its start and every hour, beside everything else.
//!
//! Owns when it is due and that there is one at a time. It holds up no bead: it runs as a task of its own, and
//! waits for its turn wherever a landing could be under way. Start with [`Hourly`].

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::task::AbortOnDropHandle;

use super::{Reaper, Sizes, Verdict, plan};
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::executor::Executor;

const EVERY: TimeDelta = TimeDelta::hours(1);

/// Reaps when it is time.
#[derive(Debug, Default)]
pub struct Hourly {
    last: Option<DateTime<Utc>>,
    task: Option<AbortOnDropHandle<()>>,
}

impl Hourly {
    /// Begins a reaping where one is due.
    pub fn look(
        &mut self,
        house: &Arc<House>,
        executor: &Arc<dyn Executor>,
        sites: impl FnOnce() -> Vec<(String, Arc<Site>)>,
    ) {
        let now = house.clock.now();
        let waits = self.last.is_some_and(|last| now - last < EVERY && now >= last);
        if waits || self.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.last = Some(now);
        let (house, executor, sites) = (Arc::clone(house), Arc::clone(executor), sites());
        self.task = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = reap(&house, &*executor, &sites).await {
                tracing::warn!(%error, "what is left over could not be looked at");
            }
        })));
    }
}

/// One reaping. Facts that could not be had only keep things where they are.
async fn reap(
    house: &House,
    executor: &dyn Executor,
    sites: &[(String, Arc<Site>)],
) -> Result<(), EngineError> {
    let reaper = Reaper { house, executor: Some(executor), sites };
    let plan = plan(&reaper.look(Sizes::Skipped).await?);
    for item in &plan.items {
        if let Verdict::LeftAlone(why) = &item.verdict {
            tracing::warn!(kind = item.kind.as_str(), name = %item.name, why, "left alone");
        }
    }
    let swept = reaper.sweep(&plan).await;
    if !swept.removed.is_empty() {
        tracing::info!(removed = swept.removed.len(), "reaped");
    }
    Ok(())
}

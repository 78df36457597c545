//! The dispatcher's own reaping: at its start and every hour, beside everything else.
//!
//! Owns when it is due and that there is one at a time. It holds up no bead: it runs as a task of its own, and
//! waits for its turn wherever a landing could be under way. Start with [`Hourly`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::task::AbortOnDropHandle;

use super::{Reaper, Sizes, Verdict, plan};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::outside::Whose;
use crate::executor::Executor;

const EVERY: TimeDelta = TimeDelta::hours(1);
/// At a start what lives is adopted before what is dead is looked for.
const GRACE: Duration = Duration::from_secs(15);

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
        projects: impl FnOnce() -> Vec<(String, Engine)>,
    ) {
        let now = house.clock.now();
        let waits = self.last.is_some_and(|last| now - last < EVERY && now >= last);
        if waits || self.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.last = Some(now);
        let (house, executor, projects) = (Arc::clone(house), Arc::clone(executor), projects());
        self.task = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            for (project, engine) in &projects {
                // Of these a lock tells at once who is alive.
                if let Err(error) = engine.recover_outside(Whose::All).await {
                    tracing::warn!(%project, %error, "runs outside its beads cannot be looked after");
                }
            }
            let site = |(name, engine): (String, Engine)| (name, Arc::clone(&engine.site));
            let sites: Vec<_> = projects.into_iter().map(site).collect();
            tokio::time::sleep(GRACE).await;
            back_up(&house).await;
            if let Err(error) = reap(&house, &*executor, &sites).await {
                tracing::warn!(%error, "what is left over could not be looked at");
            }
        })));
    }
}

/// A large journal is copied here and not by whoever opens it.
async fn back_up(house: &Arc<House>) {
    let house = Arc::clone(house);
    let journal = move || {
        // A night that is only simulated keeps its journal in memory.
        if house.journal.path().exists() { crate::journal::backup::if_due(&house.journal) } else { Ok(()) }
    };
    match tokio::task::spawn_blocking(journal).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the journal cannot be backed up"),
        Err(error) => tracing::warn!(%error, "the backup broke"),
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

//! One project of the night: its site, its settings, and what is ready in it.
//!
//! Owns when the tracker is read again: after something ended, when its file changed, and once in a while.
//! A project that cannot be read is left alone with the reason; the others go on. Start with [`Project`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::effective::Effective;
use crate::daemon::engine::Engine;
use crate::daemon::house::{House, Site};
use crate::daemon::machine::Machine;
use crate::daemon::queue;
use crate::domain::bead::Bead;
use crate::domain::ids::BeadId;
use crate::scheduler::plan::Image;

/// Without a sign of change the tracker is read again after this time.
const READ_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// A tracker that cannot tell whether it changed is read more often.
const READ_BLIND: TimeDelta = TimeDelta::minutes(1);
/// A silent engine does not keep the night from its other work for longer.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(5);

/// Why a project cannot be worked on at the moment, in words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotNow(String);

pub(super) struct Project {
    pub name: String,
    pub site: Arc<Site>,
    /// What a bead of it would go by; why not, where it cannot be worked on.
    pub settings: Result<Arc<Effective>, NotNow>,
    pub image: Image,
    pub ready: Vec<Bead>,
    /// Since when each ready bead has been waiting, as far as we know.
    pub since: BTreeMap<BeadId, DateTime<Utc>>,
    pub last_served: Option<DateTime<Utc>>,
    looked_at: bool,
    read: Option<DateTime<Utc>>,
    stamp: Option<String>,
}

impl Project {
    pub(super) fn new(name: String, site: Arc<Site>) -> Self {
        Self {
            name,
            site,
            settings: Err(NotNow("it was not read yet".to_owned())),
            image: Image::Present,
            ready: Vec::new(),
            since: BTreeMap::new(),
            last_served: None,
            looked_at: false,
            read: None,
            stamp: None,
        }
    }

    /// Why nothing of it can be worked on, once it was looked at.
    pub(super) fn trouble(&self) -> Option<String> {
        self.looked_at.then(|| self.settings.as_ref().err().map(ToString::to_string)).flatten()
    }

    /// Something changed: the next look reads everything.
    pub(super) fn stale(&mut self) {
        self.read = None;
    }

    /// Reads tracker and settings again where that is due.
    pub(super) async fn look(&mut self, house: &Arc<House>, machine: &Arc<Machine>, now: DateTime<Utc>) {
        let stamp = self.site.tracker.stamp().await;
        let limit = if stamp.is_some() { READ_AGAIN } else { READ_BLIND };
        let fresh = self.read.is_some_and(|at| now - at < limit && now >= at);
        if fresh && stamp == self.stamp {
            return;
        }
        let engine = Engine::new(Arc::clone(house), Arc::clone(&self.site), Arc::clone(machine));
        self.settings = match engine.outlook().await {
            Ok(settings) => Ok(Arc::new(settings)),
            Err(error) => Err(NotNow(error.to_string())),
        };
        if let Ok(settings) = &self.settings {
            let asked = tokio::time::timeout(ANSWER, engine.image(settings)).await;
            self.image = match asked {
                Ok(Err(crate::daemon::error::EngineError::Refused(_))) => {
                    Image::Missing(settings.image.value.clone())
                }
                // Whether an engine answers is found out by whoever starts something.
                _ => Image::Present,
            };
        }
        match queue::read(house, &self.site).await {
            Ok(queue) => self.ready = queue.ready,
            Err(error) => {
                self.ready.clear();
                self.settings = Err(NotNow(error.to_string()));
            }
        }
        let before = std::mem::take(&mut self.since);
        let since = |bead: &Bead| before.get(&bead.id).copied().unwrap_or(now);
        self.since = self.ready.iter().map(|bead| (bead.id.clone(), since(bead))).collect();
        self.looked_at = true;
        self.read = Some(now);
        // Taken before the reading: what changed meanwhile is read once more.
        self.stamp = stamp;
    }
}

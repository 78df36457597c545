//! At the start and once in a while: stories that nobody carries, a container engine that was away, and
//! projects that came or went.
//!
//! Owns the look at the journal for open stories without an owner (rules 6.2): a daemon continues them all.
//! What "continuing" means for a container or a half landing is the engine's. Start with
//! [`Dispatcher::recover`].

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::project::Project;
use super::starting::Begin;
use super::{Dispatcher, Hours, Key, Live};
use crate::config::user::User;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::house::Site;
use crate::daemon::locks::{self, Taken};
use crate::daemon::stop::{Stop, Urgency};
use crate::daemon::work::WorkRequest;
use crate::lifecycle::Phase;
use crate::scheduler::window::Calendar;

/// How often a push that failed is tried again.
const PUSH_AGAIN: TimeDelta = TimeDelta::minutes(1);

impl Dispatcher {
    /// Takes up every open story that no live process has; one whose container may be running, slots or not.
    pub(super) async fn recover(&mut self) -> Result<(), EngineError> {
        self.see_projects().await?;
        self.take_up_orphans()
    }

    pub(super) fn take_up_orphans(&mut self) -> Result<(), EngineError> {
        let now = self.house.clock.now();
        for story in self.house.journal.open_stories(None)? {
            let key: Key = (story.project.clone(), story.bead.clone());
            let waits = matches!(story.phase, Phase::Suspended { .. }) || self.live.contains_key(&key);
            // A container that may run already takes no slot from anybody; what would start one waits for a slot.
            let runs =
                story.phase == Phase::Working && story.work.as_ref().is_some_and(|w| w.container.is_some());
            let full =
                self.live.len() >= usize::try_from(self.machine.user.slots.global).unwrap_or(usize::MAX);
            if full && !runs {
                continue;
            }
            if waits || self.troubles.of(&key, now).is_some() || !self.projects.contains_key(&key.0) {
                continue;
            }
            let taken = locks::look(&self.house.places.locks(), &key.0, &key.1);
            if !matches!(taken, Ok(Taken::Ours(_))) {
                continue;
            }
            drop(taken);
            let settings = self.projects.get(&key.0).and_then(|p| p.settings.as_ref().ok());
            let live = Live {
                stop: Stop::default(),
                since: story.started,
                memory: settings.map_or(4 << 30, |s| super::snapshot::memory(s)),
                model: story.order.model.clone(),
                probe: false,
                asked: false,
                reads: None,
            };
            let request = WorkRequest::unattended(key.1.clone());
            self.begin(key, live, Begin { request, why: "recovery".to_owned(), answer: None });
        }
        Ok(())
    }

    /// The registry, the user's config and the engine, as they are now; then orphans and what was in trouble.
    pub(super) async fn see_projects(&mut self) -> Result<(), EngineError> {
        let now = self.house.clock.now();
        self.reload();
        if self.troubles.ask_engine(now) && self.engine_answers().await {
            self.troubles.engine_back(now);
        }
        self.see_registry().await?;
        if self.troubles.engine_away().is_none() {
            for key in self.troubles.ripe(now) {
                // A bead without a story is simply a candidate again, and keeps count of its trouble.
                self.troubles.let_go(&key);
            }
            self.take_up_orphans()?;
        }
        let (projects, house, machine) = (&self.projects, &self.house, &self.machine);
        self.reaping.look(house, &machine.executor, || {
            let engine = |site| Engine::new(Arc::clone(house), site, Arc::clone(machine));
            let each = |project: &Project| (project.name.clone(), engine(Arc::clone(&project.site)));
            projects.values().map(each).collect()
        });
        self.push_what_is_owed(now).await;
        Ok(())
    }

    /// Asks without waiting longer than anybody who wants us to stop.
    async fn engine_answers(&self) -> bool {
        tokio::select! {
            asked = self.machine.executor.engine() => asked.is_ok(),
            () = self.stop.at_least(Urgency::Gently) => false,
        }
    }

    /// Landed work that its remote does not have yet (rules 3.7). A push that fails is told and owed on.
    async fn push_what_is_owed(&mut self, now: DateTime<Utc>) {
        if self.pushed.is_some_and(|at| now - at < PUSH_AGAIN && now >= at) {
            return;
        }
        self.pushed = Some(now);
        for project in self.projects.values() {
            let site = Arc::clone(&project.site);
            let engine = Engine::new(Arc::clone(&self.house), site, Arc::clone(&self.machine));
            if let Err(error) = engine.push_owed().await {
                tracing::warn!(project = %project.name, %error, "a push is still owed");
            }
        }
    }

    /// The projects as they are registered now, where they are not fixed.
    pub(super) async fn see_registry(&mut self) -> Result<(), EngineError> {
        if self.registry { self.follow_registry().await } else { Ok(()) }
    }

    async fn follow_registry(&mut self) -> Result<(), EngineError> {
        let registered = self.house.journal.projects()?;
        self.projects.retain(|id, _| registered.iter().any(|r| &r.id == id));
        for one in registered {
            if self.projects.contains_key(&one.id) {
                continue;
            }
            match Site::open(&self.house, &one.path).await {
                Ok(site) => {
                    self.projects.insert(one.id, Project::new(one.name, Arc::new(site)));
                }
                // A folder that is gone for a while must not keep the other projects from their night.
                Err(error) => tracing::warn!(project = %one.name, %error, "a project cannot be opened"),
            }
        }
        Ok(())
    }

    /// The user's config as it is now; one that cannot be read changes nothing.
    fn reload(&mut self) {
        let file = self.house.places.config_file();
        let stamp = std::fs::metadata(&file).and_then(|m| m.modified()).ok();
        if stamp == self.config_read {
            return;
        }
        self.config_read = stamp;
        match User::read(&file) {
            Ok(user) => {
                if matches!(self.hours, Hours::Windows) {
                    self.calendar = Calendar::new(&user.windows, &user.blackout, self.zone);
                }
                self.machine = Arc::new(self.machine.with_user(user));
                self.projects.values_mut().for_each(Project::stale);
            }
            Err(error) => tracing::warn!(%error, "the config keeps its last good state"),
        }
    }
}

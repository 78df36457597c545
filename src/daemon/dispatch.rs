//! The night's own loop: takes a snapshot, asks the scheduler, starts what it says, and sees to what ended.
//!
//! Owns which beads are being carried, what waits after a failure, and when a night begins and ends. What
//! comes next is decided by `scheduler`, how one bead goes on by `lifecycle`; this only connects them. One
//! dispatcher works in a state directory at a time (`locks::daemon`). Start with [`Dispatcher::run`].

mod ending;
pub mod errands;
mod leaving;
mod length;
mod money;
mod notes;
mod orders;
pub mod preview;
mod project;
mod prospect;
mod recovery;
pub mod resources;
mod snapshot;
mod starting;
pub mod status;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::engine::Failpoint;
use super::error::EngineError;
use super::house::{House, Site};
use super::machine::Machine;
use super::progress::Progress;
use super::stop::{Stop, Urgency};
use super::work::Ended;
use crate::config::zone::Zone;
use crate::domain::ids::{BeadId, ProjectId};
use crate::scheduler::plan::{Plan, plan};
use crate::scheduler::window::{Calendar, Presence};
use notes::Notes;
pub use orders::{Answer, Order};
use project::Project;
use resources::Resources;
pub use status::{NightReport, Status};
use trouble::Troubles;

/// A bead of a project.
pub type Key = (ProjectId, BeadId);

/// Listeners by bead: each bead under work has its own.
pub type Listeners = Arc<dyn Fn(&ProjectId, &BeadId) -> Arc<dyn Progress> + Send + Sync>;

/// When beads may be started.
#[derive(Debug, Clone)]
pub enum Hours {
    /// In the windows of the user's config (`bead serve`).
    Windows,
    /// From now on, at most until then (`bead night`).
    Now { until: Option<DateTime<Utc>> },
}

/// The longest time without a look at everything.
const LOOK: Duration = Duration::from_secs(60);
/// While money is capped and runs go on, their meters are looked at so often.
const LOOK_AT_MONEY: Duration = Duration::from_secs(5);

/// Everything a dispatcher is made of.
pub struct Outfit {
    pub house: Arc<House>,
    pub machine: Machine,
    pub hours: Hours,
    pub zone: Zone,
    pub resources: Arc<dyn Resources>,
    pub listeners: Listeners,
    pub stop: Stop,
    /// Only these projects, opened already; none: the registered ones, as they come and go.
    pub sites: Vec<(String, Arc<Site>)>,
}

/// A bead that is being carried.
pub(super) struct Live {
    stop: Stop,
    since: DateTime<Utc>,
    memory: u64,
    model: Option<String>,
    probe: bool,
    /// A person asked for it: windows and the night's end do not end it.
    asked: bool,
    /// No bead's own work: a review of this, which somebody asked for.
    reads: Option<errands::Reads>,
}

pub struct Dispatcher {
    house: Arc<House>,
    machine: Arc<Machine>,
    hours: Hours,
    zone: Zone,
    calendar: Calendar,
    presence: Presence,
    resources: Arc<dyn Resources>,
    listeners: Listeners,
    failpoint: Failpoint,
    stop: Stop,
    /// Fixed, or following the registry.
    registry: bool,
    projects: BTreeMap<ProjectId, Project>,
    live: BTreeMap<Key, Live>,
    tasks: JoinSet<(Key, Result<Ended, EngineError>)>,
    asked: VecDeque<orders::Asked>,
    wanted: VecDeque<errands::Waiting>,
    troubles: Troubles,
    notes: Notes,
    orders: mpsc::Receiver<Order>,
    sender: mpsc::Sender<Order>,
    status: watch::Sender<Arc<Status>>,
    begun: DateTime<Utc>,
    /// When pushes that are owed were last tried.
    pushed: Option<DateTime<Utc>>,
    /// A person wants the runs ended before we go.
    stop_runs: watch::Receiver<bool>,
    /// When the config that is in force was written.
    config_read: Option<std::time::SystemTime>,
    reaping: super::reap::hourly::Hourly,
}

impl Dispatcher {
    pub fn new(outfit: Outfit) -> Self {
        let Outfit { house, machine, hours, zone, resources, listeners, stop, sites } = outfit;
        let begun = house.clock.now();
        let config_read = std::fs::metadata(house.places.config_file()).and_then(|m| m.modified()).ok();
        let (sender, orders) = mpsc::channel(64);
        let registry = sites.is_empty();
        let projects = sites.into_iter().map(|(name, site)| (site.id.clone(), Project::new(name, site)));
        let calendar = Calendar::new(&machine.user.windows, &machine.user.blackout, zone);
        Self {
            projects: projects.collect(),
            registry,
            calendar,
            presence: Presence { awake_since: begun, opened: None },
            house,
            machine: Arc::new(machine),
            hours,
            zone,
            resources,
            listeners,
            failpoint: Arc::new(|_| false),
            stop,
            live: BTreeMap::new(),
            tasks: JoinSet::new(),
            asked: VecDeque::new(),
            wanted: VecDeque::new(),
            troubles: Troubles::default(),
            notes: Notes::default(),
            orders,
            sender,
            status: watch::Sender::default(),
            begun,
            pushed: None,
            stop_runs: watch::Sender::new(false).subscribe(),
            config_read,
            reaping: super::reap::hourly::Hourly::default(),
        }
    }

    /// The same dispatcher, dying where `failpoint` says so.
    #[must_use]
    pub fn with_failpoint(mut self, failpoint: Failpoint) -> Self {
        self.failpoint = failpoint;
        self
    }

    /// The same dispatcher, which ends its runs too when this becomes true.
    #[must_use]
    pub fn with_stop_runs(mut self, stop_runs: watch::Receiver<bool>) -> Self {
        self.stop_runs = stop_runs;
        self
    }

    /// Where orders go in.
    pub fn orders(&self) -> mpsc::Sender<Order> {
        self.sender.clone()
    }

    /// How things stand, now and as they change.
    pub fn status(&self) -> watch::Receiver<Arc<Status>> {
        self.status.subscribe()
    }

    /// Works until it is stopped or, where a person began the night, until nothing more can be done. An error
    /// leaves every story open; what it stood for goes on when it is started again.
    pub async fn run(mut self) -> Result<NightReport, EngineError> {
        self.recover().await?;
        loop {
            if *self.stop_runs.borrow() {
                self.end_runs().await;
                self.stop.more();
            }
            if self.stop.now() >= Urgency::Gently {
                return self.leave().await;
            }
            self.see_projects().await?;
            let stop = self.stop.clone();
            let snapshot = tokio::select! {
                snapshot = self.snapshot() => snapshot?,
                () = stop.at_least(Urgency::Gently) => continue,
            };
            let there: BTreeSet<Key> =
                snapshot.candidates.iter().map(|c| (c.project.clone(), c.bead.clone())).collect();
            let live = &self.live;
            self.troubles.forget_gone(|key| there.contains(key) || live.contains_key(key));
            self.open_or_close_night(&snapshot)?;
            let plan = plan(&snapshot);
            self.enforce(&snapshot);
            // Both count: what was begun stands in the status only after another look.
            let asked = self.start_asked(&snapshot) | self.start_reviews(&snapshot);
            let started = asked | self.start(&plan, &snapshot);
            self.publish(&snapshot, &plan)?;
            if started {
                continue;
            }
            self.tell_queue(&plan, snapshot.now)?;
            if self.is_over(&snapshot, &plan) {
                return self.end_night("nothing more can be done");
            }
            let pause = self.pause(&snapshot, &plan);
            if let Some(error) = self.wait(pause).await {
                return Err(error);
            }
        }
    }

    /// Waits for what comes first: an end, an order, a stop, a change at the upstream, or the time.
    async fn wait(&mut self, pause: Duration) -> Option<EngineError> {
        let (wall, steady) = (self.house.clock.now(), self.house.clock.elapsed());
        let mut standing = self.machine.standing.subscribe();
        standing.mark_unchanged();
        let ended = tokio::select! {
            biased;
            () = self.stop.at_least(Urgency::Gently) => None,
            () = wished(&mut self.stop_runs) => None,
            Some(ended) = self.tasks.join_next() => Some(ended),
            Some(order) = self.orders.recv() => {
                self.obey(order).await;
                None
            }
            _ = standing.changed() => None,
            () = tokio::time::sleep(pause) => None,
        };
        self.notice_sleep(wall, steady);
        let mut ended = ended;
        // What ended meanwhile is seen to before anything new is planned.
        while let Some(one) = ended.take().or_else(|| self.tasks.try_join_next()) {
            if let Err(fatal) = self.see_to(one) {
                return Some(fatal);
            }
        }
        None
    }

    /// A machine that slept was not there for its windows (F41).
    fn notice_sleep(&mut self, wall: DateTime<Utc>, steady: Duration) {
        let by_wall = (self.house.clock.now() - wall).to_std().unwrap_or_default();
        let by_clock = self.house.clock.elapsed().saturating_sub(steady);
        if by_wall > by_clock + Duration::from_secs(120) {
            self.presence.awake_since = self.house.clock.now();
        }
    }

    /// How long until something is due although nothing happens.
    fn pause(&self, snapshot: &snapshot::Snapshot, plan: &Plan) -> Duration {
        let now = snapshot.now;
        let mut pause = LOOK;
        let mut by = |at: DateTime<Utc>| {
            let left = (at - now).to_std().unwrap_or_default();
            pause = pause.min(left.max(Duration::from_millis(200)));
        };
        if let Some(at) = plan.wake_at() {
            by(at);
        }
        for view in snapshot.projects.values() {
            by_window(&view.window, now, &mut by);
        }
        if let Some(at) = self.troubles.due() {
            by(at);
        }
        if !self.live.is_empty() && self.has_caps() {
            pause = pause.min(LOOK_AT_MONEY);
        }
        pause
    }
}

/// Returns when the wish is there; a wish that nobody can have any more never comes.
async fn wished(wish: &mut watch::Receiver<bool>) {
    if wish.wait_for(|wish| *wish).await.is_err() {
        std::future::pending().await
    }
}

fn by_window(
    state: &crate::scheduler::window::State,
    now: DateTime<Utc>,
    by: &mut impl FnMut(DateTime<Utc>),
) {
    use crate::scheduler::window::State;
    let times = match state {
        State::Open(open) => [open.until, open.drain_from],
        State::Closed { next } => [*next, None],
    };
    times.into_iter().flatten().filter(|at| *at > now).for_each(by);
}

#[cfg(test)]
mod tests;

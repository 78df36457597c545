//! A daemon of a simulated night: the real dispatcher and engine over the doubles, until it is killed or the
//! night is over.
//!
//! Owns how such a daemon is put together, and its points to die at. It decides nothing about beads. Start
//! with [`Shift::new`] and [`Shift::work`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use tokio::sync::Notify;

use super::fault::Kind;
use super::mortal::Mortal;
use super::world::{Blindness, World};
use crate::agent::claude::Claude;
use crate::clock::{Clock, Ids};
use crate::config::zone::Zone;
use crate::daemon::dispatch::resources::{Reading, Resources};
use crate::daemon::dispatch::{Dispatcher, Hours, Outfit};
use crate::daemon::engine::Failpoint;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::machine::Machine;
use crate::daemon::progress::{Progress, Silent};
use crate::daemon::stop::Stop;
use crate::executor::Executor;

/// One daemon, from its start to its death or end.
pub(super) struct Shift {
    world: Arc<World>,
    pub(super) house: Arc<House>,
    pub(super) sites: Vec<Arc<Site>>,
    pub(super) executor: Arc<dyn Executor>,
    stop: Stop,
    dead: Arc<AtomicBool>,
    died: Arc<Notify>,
}

/// What the machine has, less what a fault took.
struct Room(Arc<World>);

impl Resources for Room {
    fn read(&self) -> Reading {
        let left = |short, plenty: u64, little: u64| if self.0.wants(short) { little } else { plenty };
        Reading {
            memory: 1 << 40,
            memory_free: left(Kind::MemoryLow, 1 << 40, 64 << 20),
            disk_free: left(Kind::DiskLow, 1 << 40, 64 << 20),
            disk_least: 2 << 30,
            inodes_free: left(Kind::InodesLow, 1 << 30, 10),
            inodes_least: 50_000,
        }
    }
}

impl Shift {
    pub(super) fn new(world: &Arc<World>) -> Self {
        let house = Arc::new(House {
            environment: world.environment.clone(),
            places: world.places.clone(),
            instance: world.instance.clone(),
            journal: Arc::clone(&world.journal),
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            ids: Arc::clone(&world.ids) as Arc<dyn Ids>,
            uid: world.uid,
        });
        let dead = Arc::new(AtomicBool::new(false));
        let removes_nothing = world.blind == Blindness::NoRemoval;
        let engine = world.executor.clone();
        let executor = Arc::new(Mortal { engine, dead: Arc::clone(&dead), removes_nothing });
        let sites = (0..world.projects.len()).map(|at| Arc::new(world.site(at))).collect();
        let (world, died) = (Arc::clone(world), Arc::default());
        Self { world, house, sites, executor, stop: Stop::default(), dead, died }
    }

    /// Nothing of this daemon reaches anything any more.
    pub(super) fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// It is asked to leave, as by SIGTERM.
    pub(super) fn ask_to_leave(&self) {
        self.stop.more();
    }

    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    fn failpoint(&self) -> Failpoint {
        let (world, dead) = (Arc::clone(&self.world), Arc::clone(&self.dead));
        let died = Arc::clone(&self.died);
        Arc::new(move |_: &str| {
            if world.dies_now() {
                dead.store(true, Ordering::SeqCst);
                died.notify_one();
            }
            dead.load(Ordering::SeqCst)
        })
    }

    /// Works until the night is over, or until it is asked to leave.
    pub(super) async fn work(&self) -> Result<(), EngineError> {
        let world = &self.world;
        let machine = self.machine()?;
        let length = TimeDelta::from_std(world.scenario.length).unwrap_or_default();
        let windows = !machine.user.windows.is_empty();
        let until = Some(world.scenario.start + length);
        let hours = if windows { Hours::Windows } else { Hours::Now { until } };
        let dispatcher = self.dispatcher(machine, hours);
        let mut run = std::pin::pin!(dispatcher.run());
        let left = world.scenario.length.saturating_sub(world.clock.elapsed());
        tokio::select! {
            biased;
            done = &mut run => return done.map(|_| ()),
            // Windows have no end of their own: the night's is that nobody looks any more.
            () = tokio::time::sleep(left), if windows => self.stop.more(),
        }
        run.await.map(|_| ())
    }

    /// Takes up what an earlier daemon left, and begins nothing new.
    pub(super) async fn recover(&self) -> Result<(), EngineError> {
        let until = Some(self.house.clock.now());
        self.dispatcher(self.machine()?, Hours::Now { until }).run().await.map(|_| ())
    }

    fn machine(&self) -> Result<Machine, EngineError> {
        let mut machine = Machine::new(&self.house, Arc::clone(&self.executor), Arc::new(Claude))?;
        machine.gateways = Arc::new(self.world.doors.clone());
        Ok(machine)
    }

    fn dispatcher(&self, machine: Machine, hours: Hours) -> Dispatcher {
        let world = &self.world;
        let sites = self.sites.iter().zip(&world.projects);
        let outfit = Outfit {
            house: Arc::clone(&self.house),
            machine,
            hours,
            zone: Zone::parse("UTC").expect("UTC is a zone everywhere"),
            resources: Arc::new(Room(Arc::clone(world))),
            listeners: Arc::new(|_, _| Arc::new(Silent) as Arc<dyn Progress>),
            stop: self.stop.clone(),
            sites: sites.map(|(site, project)| (project.name.clone(), Arc::clone(site))).collect(),
        };
        Dispatcher::new(outfit).with_failpoint(self.failpoint())
    }
}

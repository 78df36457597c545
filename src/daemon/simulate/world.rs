//! Everything of a simulated night that outlives a daemon.
//!
//! Owns the projects, the sandboxes, the upstream, the clock and the journal, and what the check after the night
//! must know: who worked when, which trees passed, what the user did. It makes daemons and lets none of them
//! change the rules. Start with [`World::new`] and [`World::daemon`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::fault::Kind;
use super::forge::Forge;
use super::nature::Nature;
use super::play::Manner;
use super::repository::VirtualRepository;
use super::scenario::Scenario;
use super::time::{Chance, NightClock};
use super::upstream::{Doors, Upstream};
use crate::beads::memory::Memory;
use crate::clock::{Clock, Seeded};
use crate::config::environment::{Environment, Secret};
use crate::config::places::Places;
use crate::daemon::error::EngineError;
use crate::daemon::house::Site;
use crate::daemon::refusal::Refusal;
use crate::domain::bead::Bead;
use crate::domain::ids::{Oid, ProjectId};
use crate::executor::scripted::Scripted;
use crate::executor::spec::Purpose;
use crate::journal::Journal;

const LOCK: &str = "no holder of this lock panics";
pub(super) const TARGET: &str = "main";

/// A mitigation that is switched off, to see that the check notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blindness {
    #[default]
    None,
    /// The target is moved whatever stands there.
    NoCompareAndSwap,
    /// Every gate passes without looking.
    NoGates,
    /// Nothing is ever removed from the engine.
    NoRemoval,
    /// One slot more than the judge allows.
    ExtraSlot,
}

pub(super) struct Project {
    pub(super) name: String,
    pub(super) id: ProjectId,
    pub(super) forge: Arc<Forge>,
    pub(super) tracker: Memory,
}

/// What was seen during the night.
#[derive(Debug, Default)]
pub(super) struct Seen {
    working: BTreeMap<(String, String), String>,
    pub(super) most_at_once: usize,
    pub(super) wrongs: Vec<String>,
    turns: BTreeMap<String, u64>,
    marks: BTreeSet<(String, String)>,
    volumes: BTreeMap<String, Oid>,
    passed: BTreeSet<Oid>,
    wants: Vec<Kind>,
    /// Commits that a reviewer accepted.
    pub(super) accepted: BTreeSet<Oid>,
    /// Beads whose record the user changed by hand.
    pub(super) by_hand: BTreeSet<String>,
    /// Commits of the user that must still be there, by project.
    pub(super) users: Vec<(usize, Oid)>,
    /// Projects whose target the user rewrote or removed.
    pub(super) rewritten: BTreeSet<usize>,
    pub(super) struck: Vec<String>,
    pub(super) crashes: u64,
    pub(super) points: u64,
}

pub(super) struct World {
    pub(super) scenario: Scenario,
    pub(super) blind: Blindness,
    dies_at: BTreeSet<u64>,
    pub(super) clock: Arc<NightClock>,
    pub(super) ids: Arc<Seeded>,
    pub(super) journal: Arc<Journal>,
    pub(super) executor: Scripted,
    pub(super) projects: Vec<Project>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) doors: Doors,
    pub(super) environment: Environment,
    pub(super) places: Places,
    pub(super) instance: String,
    pub(super) uid: u32,
    seen: Mutex<Seen>,
    _dir: tempfile::TempDir,
}

impl World {
    /// Needs the paused runtime around it.
    pub(super) fn new(scenario: Scenario, manner: &Manner) -> Result<Arc<Self>, EngineError> {
        let io = |source| EngineError::Io { path: "a directory for the simulation".into(), source };
        let dir = folder().map_err(io)?;
        let environment = Environment {
            state_dir: Some(dir.path().join("state")),
            config_dir: Some(dir.path().join("config")),
            home: Some(dir.path().join("home")),
            api_key: Some(Secret::new("simulated-key")),
            ..Environment::default()
        };
        let uid = rustix::process::getuid().as_raw();
        let refused = |e: crate::config::places::PlacesError| Refusal::new(e.to_string());
        let places = Places::beneath(dir.path(), uid).map_err(refused)?;
        let ids = Arc::new(Seeded::new(scenario.seed));
        let config = places.config_file();
        std::fs::create_dir_all(config.parent().unwrap_or(&config)).map_err(io)?;
        std::fs::write(&config, config_of(&scenario)).map_err(io)?;
        let clock = Arc::new(NightClock::new(scenario.start));
        let journal = Arc::new(Journal::in_memory(Arc::clone(&clock) as Arc<dyn Clock>)?);
        let upstream = Arc::new(Upstream::new(Arc::clone(&clock) as Arc<dyn Clock>));
        if scenario.allowance > 0 {
            upstream.allow(scenario.allowance, std::time::Duration::from_secs(5 * 3600));
        }
        let projects = (0..scenario.projects).map(|at| project(&scenario, at, &clock)).collect();
        let world = Arc::new(Self {
            doors: Doors::new(Arc::clone(&upstream)),
            executor: Scripted::without_folders(),
            seen: Mutex::default(),
            blind: manner.blind,
            dies_at: scenario.dies_at.iter().copied().collect(),
            scenario,
            clock,
            ids,
            journal,
            projects,
            upstream,
            environment,
            places,
            instance: "simulated".to_owned(),
            uid,
            _dir: dir,
        });
        world.script();
        Ok(world)
    }

    fn script(self: &Arc<Self>) {
        // The executor lives in the world: a script that held the world would keep it for ever.
        let weak = Arc::downgrade(self);
        macro_rules! on {
            ($purpose:expr, $script:path) => {
                let world = weak.clone();
                self.executor.set($purpose, move |stage| {
                    let world = world.upgrade();
                    async move {
                        match world {
                            Some(world) => $script(world, stage).await,
                            None => crate::executor::scripted::Ending::Never,
                        }
                    }
                });
            };
        }
        on!(Purpose::Agent, super::agent::play);
        on!(Purpose::Review, super::agent::play);
        on!(Purpose::Export, super::sandboxes::export);
        on!(Purpose::Checkout, super::sandboxes::checkout);
        on!(Purpose::Gate, super::sandboxes::gate);
    }

    pub(super) fn seed(&self) -> u64 {
        self.scenario.seed
    }

    pub(super) fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().expect(LOCK))
    }

    pub(super) fn forge(&self, project: &str) -> Option<Arc<Forge>> {
        self.projects.iter().find(|p| p.id.as_str() == project).map(|p| Arc::clone(&p.forge))
    }

    pub(super) fn nature(&self, project: &str, bead: &str) -> Nature {
        Nature::of(self.seed(), &format!("{project}/{bead}"), &self.scenario.agents)
    }

    /// An agent begins; what it gives back says when it has ended. Two agents on one bead, or more than there
    /// are slots, are noted as wrong.
    pub(super) fn begins(self: &Arc<Self>, project: &str, bead: &str, sandbox: &str) -> Alive {
        let key = (project.to_owned(), bead.to_owned());
        let slots = self.scenario.slots as usize - usize::from(self.blind == Blindness::ExtraSlot);
        self.seen(|seen| {
            if let Some(other) = seen.working.insert(key.clone(), sandbox.to_owned()) {
                seen.wrongs.push(format!("`{bead}` was worked on by {other} and {sandbox} at once"));
            }
            let now = seen.working.len();
            seen.most_at_once = seen.most_at_once.max(now);
            if now > slots {
                seen.wrongs.push(format!("{now} agents at once, {slots} slots: {sandbox} was one too many"));
            }
        });
        Alive { world: Arc::clone(self), key, sandbox: sandbox.to_owned() }
    }

    pub(super) fn turns_done(&self, run: &str) -> u64 {
        self.seen(|seen| seen.turns.get(run).copied().unwrap_or_default())
    }

    pub(super) fn turn_done(&self, run: &str, turns: u64) {
        self.seen(|seen| seen.turns.insert(run.to_owned(), turns));
    }

    /// Whether this was asked before.
    pub(super) fn once(&self, run: &str, what: &str) -> bool {
        !self.seen(|seen| seen.marks.insert((run.to_owned(), what.to_owned())))
    }

    pub(super) fn fill(&self, volume: String, commit: Oid) {
        self.seen(|seen| seen.volumes.insert(volume, commit));
    }

    pub(super) fn filled(&self, volume: &str) -> Option<Oid> {
        self.seen(|seen| seen.volumes.get(volume).cloned())
    }

    pub(super) fn passed(&self, tree: Oid) {
        self.seen(|seen| seen.passed.insert(tree));
    }

    /// A reviewer found nothing in it that keeps it from landing.
    pub(super) fn accepted(&self, commit: Oid) {
        self.seen(|seen| seen.accepted.insert(commit));
    }

    pub(super) fn was_accepted(&self, commit: &Oid) -> bool {
        self.seen(|seen| seen.accepted.contains(commit))
    }

    /// Whether every project wants its work reviewed.
    pub(super) fn reviews(&self) -> bool {
        self.scenario.project.contains("review:")
    }

    pub(super) fn has_passed(&self, tree: &Oid) -> bool {
        self.seen(|seen| seen.passed.contains(tree))
    }

    /// Counts a point at which the daemon could die, and says whether it does.
    pub(super) fn dies_now(&self) -> bool {
        let point = self.seen(|seen| {
            seen.points += 1;
            seen.points
        });
        self.dies_at.contains(&point)
    }

    /// A project as a new daemon opens it.
    pub(super) fn site(&self, at: usize) -> Site {
        let Project { id, forge, tracker, .. } = &self.projects[at];
        let quarantine = self.places.quarantine(id);
        // Gates mount it, so it has to be a folder.
        let _ = std::fs::create_dir_all(&quarantine);
        let repo = VirtualRepository { forge: Arc::clone(forge), quarantine, blind: self.blind };
        Site { id: id.clone(), repo: Arc::new(repo), tracker: Arc::new(tracker.clone()) }
    }

    /// What the machine is short of.
    pub(super) fn want(&self, what: Kind, is_short: bool) {
        self.seen(|seen| {
            seen.wants.retain(|short| *short != what);
            if is_short {
                seen.wants.push(what);
            }
        });
    }

    pub(super) fn wants(&self, what: Kind) -> bool {
        self.seen(|seen| seen.wants.contains(&what))
    }

    pub(super) fn wrong(&self, what: String) {
        self.seen(|seen| seen.wrongs.push(what));
    }
}

/// An agent at work. Dropped with it.
pub(super) struct Alive {
    world: Arc<World>,
    key: (String, String),
    sandbox: String,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.world.seen(|seen| {
            if seen.working.get(&self.key) == Some(&self.sandbox) {
                seen.working.remove(&self.key);
            }
        });
    }
}

/// In memory where there is such a place: logs of runs are made durable again and again.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let named = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("bead-simulate-");
        builder
    };
    named().tempdir_in("/dev/shm").or_else(|_| named().tempdir())
}

const NAMES: [&str; 5] = ["alpha", "beta", "gamma", "delta", "omega"];

fn project(scenario: &Scenario, at: u32, clock: &Arc<NightClock>) -> Project {
    let name = NAMES.get(at as usize).map_or_else(|| format!("p{at}"), |name| (*name).to_owned());
    let root = format!("/simulated/{name}");
    let mut yaml = "gates: [{ name: test, run: make test }]\n".to_owned();
    if !scenario.project.contains("limits") {
        yaml.push_str("limits: { output: 1m }\n");
    }
    if !scenario.project.contains("protected") {
        yaml.push_str("protected: [ops/]\n");
    }
    yaml.push_str(&scenario.project);
    let files = BTreeMap::from([
        ("bead.yaml".to_owned(), yaml),
        ("README.md".to_owned(), format!("project {name}\n")),
        (super::agent::SHARED.to_owned(), "begin\n".to_owned()),
    ]);
    let forge = Arc::new(Forge::new(&root, TARGET, files));
    let count = scenario.beads / scenario.projects + u32::from(at < scenario.beads % scenario.projects);
    let beads = (1..=count).map(|n| bead(scenario, &name, n)).collect();
    let tracker = Memory::new(beads, Arc::clone(clock) as Arc<dyn Clock>);
    Project { id: ProjectId::of_path(forge.root.as_path()), name, forge, tracker }
}

fn bead(scenario: &Scenario, project: &str, n: u32) -> Bead {
    let id = format!("{project}-{n}");
    let mut chance = Chance::of(scenario.seed, &id);
    let created = scenario.start - chrono::TimeDelta::minutes(i64::from(100_000 - n));
    let mut edges = Vec::new();
    let priority = chance.below(5);
    if n > 1 && chance.happens(scenario.edges) {
        let other = format!("{project}-{}", chance.between(1, u64::from(n) - 1));
        edges.push(json!({ "issue_id": id, "depends_on_id": other, "type": "blocks" }));
    }
    serde_json::from_value(json!({
        "id": id, "title": format!("Do number {n} of {project}"), "status": "open", "priority": priority,
        "issue_type": "task", "created_at": created, "updated_at": created, "dependencies": edges,
    }))
    .expect("these keys make a bead")
}

/// The user's own config: the scenario's slots, and what it says beside.
fn config_of(scenario: &Scenario) -> String {
    let own = &scenario.config;
    let mut text = String::new();
    if !own.contains("slots:") {
        text.push_str(&format!("slots: {0}\nlimits: {{ slots: {0} }}\n", scenario.slots));
    }
    text.push_str(own);
    text
}

//! What the worlds of this room's tests are made of: a repository, a house beside it, an agent's words.
//!
//! Owns real git and files in a temporary folder and what scripted agents do alike. What a test is about (its gates,
//! its agent, its checks) stands in the test's own world. Start with [`repository`] and [`house`].

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::agent::claude::Claude;
use crate::clock::{Clock, RandomIds, SystemClock};
use crate::config::environment::{Environment, Inherited, Secret};
use crate::config::zone::Zone;
use crate::daemon::control::{Control, Desk, Hub, Parts};
use crate::daemon::dispatch::resources::{Reading, Resources};
use crate::daemon::dispatch::{Dispatcher, Hours, Outfit, Status};
use crate::daemon::engine::Engine;
use crate::daemon::house::{House, Site};
use crate::daemon::machine::Machine;
use crate::daemon::progress::Silent;
use crate::daemon::stop::Stop;
use crate::executor::scripted::{Ending, Scripted, Stage};

/// What an agent prints on its way to a good end.
pub(crate) const SAID: [&str; 3] = [
    r#"{"type":"system","subtype":"init","session_id":"s","model":"claude-opus-5-5","claude_code_version":"2.1.329","uuid":"1"}"#,
    r#"{"type":"assistant","message":{"id":"m","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"done"}],"usage":{"input_tokens":1,"output_tokens":1}},"parent_tool_use_id":null,"uuid":"2"}"#,
    r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","num_turns":1,"result":"done","total_cost_usd":0.01,"queued_turn_count":0,"uuid":"3"}"#,
];

pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = std::process::Command::new("git");
    // The machine's own settings, and those of a hook that runs these tests, are not what is tested.
    for name in
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_PARAMETERS"]
    {
        command.env_remove(name);
    }
    let output = command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=T", "-c", "user.email=t@localhost"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An open bead as the tracker's file has it.
pub(crate) fn bead(id: &str, title: &str) -> Value {
    serde_json::json!({
        "id": id, "title": title, "status": "open", "priority": 1, "issue_type": "task",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

/// A repository on `main` with this `bead.yaml` and these beads, committed with all that lies in the folder already.
pub(crate) fn repository(repo: &Path, yaml: &str, beads: &[Value]) {
    std::fs::create_dir_all(repo.join(".beads")).unwrap();
    let lines: String = beads.iter().map(|bead| format!("{bead}\n")).collect();
    std::fs::write(repo.join(".beads/issues.jsonl"), lines).unwrap();
    std::fs::write(repo.join("bead.yaml"), yaml).unwrap();
    git(repo, &["init", "-q", "-b", "main"]);
    git(repo, &["add", "-A"]);
    git(repo, &["commit", "-q", "-m", "begin"]);
}

/// A branch `topic` with one commit that `main` does not have.
pub(crate) fn topic(repo: &Path) {
    git(repo, &["checkout", "-q", "-b", "topic"]);
    std::fs::write(repo.join("topic.txt"), "topic\n").unwrap();
    git(repo, &["add", "topic.txt"]);
    git(repo, &["commit", "-q", "-m", "topic"]);
    git(repo, &["checkout", "-q", "main"]);
}

/// Every folder of ours beneath `dir`, and a key.
pub(crate) fn environment(dir: &Path) -> Environment {
    Environment {
        state_dir: Some(dir.join("state")),
        config_dir: Some(dir.join("config")),
        cache_dir: Some(dir.join("cache")),
        home: Some(dir.join("home")),
        api_key: Some(Secret::new("scripted-key")),
        inherited: Inherited(std::env::vars_os().collect()),
        ..Environment::default()
    }
}

/// The time of day, put forward by a test.
#[derive(Debug, Default)]
pub(crate) struct Forward(SystemClock, AtomicI64);

impl Forward {
    pub(crate) fn put(&self, time: TimeDelta) {
        self.1.fetch_add(time.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for Forward {
    fn now(&self) -> DateTime<Utc> {
        self.0.now() + TimeDelta::milliseconds(self.1.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// As a process of its own would open it.
pub(crate) fn house(dir: &Path) -> Arc<House> {
    house_by(dir, Arc::new(SystemClock::default()))
}

pub(crate) fn house_by(dir: &Path, clock: Arc<dyn Clock>) -> Arc<House> {
    Arc::new(House::open(environment(dir), clock, Arc::new(RandomIds)).unwrap())
}

pub(crate) fn machine(house: &House, executor: &Scripted) -> Machine {
    Machine::new(house, Arc::new(executor.clone()), Arc::new(Claude)).unwrap()
}

pub(crate) fn engine(house: &Arc<House>, site: &Arc<Site>, executor: &Scripted) -> Engine {
    Engine::new(Arc::clone(house), Arc::clone(site), Arc::new(machine(house, executor)))
}

/// A daemon in this process, behind its control socket. Without windows: only what people ask for is done.
pub(crate) struct Served {
    pub status: watch::Receiver<Arc<Status>>,
    pub stop: Stop,
    pub task: JoinHandle<()>,
    _control: Control,
}

/// Serves one project, called `repo`, which the house knows already.
pub(crate) fn serve(house: &Arc<House>, site: &Arc<Site>, executor: &Scripted) -> Served {
    let (hub, stop) = (Hub::default(), Stop::default());
    let dispatcher = Dispatcher::new(Outfit {
        house: Arc::clone(house),
        machine: machine(house, executor),
        hours: Hours::Windows,
        zone: Zone::UTC,
        resources: Arc::new(Plenty),
        listeners: hub.listeners(Arc::new(|_, _| Arc::new(Silent))),
        stop: stop.clone(),
        sites: vec![("repo".to_owned(), Arc::clone(site))],
    });
    let status = dispatcher.status();
    let desk = Desk::new(Parts {
        house: Arc::clone(house),
        orders: dispatcher.orders(),
        status: dispatcher.status(),
        hub,
        stop: stop.clone(),
        reach: crate::feed::web::reach::Reach::new(&[], false, false, None),
        dialect: Arc::new(Claude),
    });
    let control = Control::open(desk.unwrap(), None).unwrap();
    let task = tokio::spawn(async move { drop(dispatcher.run().await.unwrap()) });
    Served { status, stop, task, _control: control }
}

/// Leaves a file in the work that is named after its bead.
pub(crate) fn write_own_file(stage: &Stage) {
    let name = format!("{}.txt", stage.spec().labels.bead);
    std::fs::write(stage.host("/work").join(name), "good\n").unwrap();
}

/// Says its words and leaves when it is asked to.
pub(crate) async fn say_and_leave(stage: Stage) -> Ending {
    SAID.iter().for_each(|line| stage.stdout(format!("{line}\n")));
    leave(stage).await
}

/// Waits until it is asked to leave.
pub(crate) async fn leave(mut stage: Stage) -> Ending {
    while !stage.read_line().await.contains("end_session") {}
    Ending::Code(0)
}

/// A machine with room for everything.
pub(crate) struct Plenty;

impl Resources for Plenty {
    fn read(&self) -> Reading {
        Reading {
            memory: 1 << 40,
            memory_free: 1 << 40,
            disk_free: 1 << 40,
            disk_least: 1,
            inodes_free: 1 << 30,
            inodes_least: 1,
        }
    }
}

//! A house with one project, an API over TCP, and runs that a test writes by hand.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::agent::claude::Claude;
use crate::clock::{RandomIds, SystemClock};
use crate::config::environment::{Environment, Inherited};
use crate::config::places::Places;
use crate::config::server::Server;
use crate::daemon::control::window::{Bound, Window};
use crate::daemon::control::{Control, Desk, Hub, Parts, Said, Told};
use crate::daemon::dispatch::Order;
use crate::daemon::house::{House, Site};
use crate::domain::ending::{AgentEnd, Ending};
use crate::domain::event::{Body, Event, Printed};
use crate::domain::ids::{BeadId, RunId};
use crate::domain::run::RunKind;
use crate::journal::Entry;

pub(crate) struct World {
    _dir: tempfile::TempDir,
    pub(crate) house: Arc<House>,
    pub(crate) site: Site,
    pub(crate) bead: BeadId,
    pub(crate) hub: Hub,
    pub(crate) url: String,
    pub(crate) token: String,
    _orders: mpsc::Receiver<Order>,
    _control: Control,
}

fn git(dir: &Path, args: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@localhost"]).args(args).current_dir(dir);
    assert!(git.output().unwrap().status.success(), "git {args:?}");
}

/// A repository with a tracker that has one bead, `t-1`.
pub(crate) fn repo(dir: &Path) -> PathBuf {
    let repo = dir.join("repo");
    std::fs::create_dir_all(repo.join(".beads")).unwrap();
    git(&repo, &["init", "-q", "-b", "main"]);
    let line = r#"{"id":"t-1","title":"Write it","status":"open","priority":1,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#;
    std::fs::write(repo.join(".beads/issues.jsonl"), format!("{line}\n")).unwrap();
    std::fs::write(repo.join("bead.yaml"), "gates: [{ name: good, run: grep -q good work.txt }]\n").unwrap();
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-q", "-m", "begin"]);
    repo
}

/// A house that keeps its journal in memory: no test of streams needs it to survive.
pub(crate) fn house(dir: &Path) -> Arc<House> {
    let clock = Arc::new(SystemClock::default());
    let uid = rustix::process::getuid().as_raw();
    let inherited = Inherited(vec![("PATH".into(), std::env::var_os("PATH").unwrap())]);
    let environment = Environment { home: Some(dir.join("home")), inherited, ..Environment::default() };
    Arc::new(House {
        environment,
        places: Places::beneath(dir, uid).unwrap(),
        instance: "0".repeat(32),
        journal: Arc::new(crate::journal::Journal::in_memory(clock.clone()).unwrap()),
        clock,
        ids: Arc::new(RandomIds),
        uid,
    })
}

impl World {
    pub(crate) async fn open() -> Self {
        let dir = tempfile::Builder::new().prefix("bead-api-").tempdir().unwrap();
        let house = house(dir.path());
        let site = Site::open(&house, &repo(dir.path())).await.unwrap();
        house.journal.add_project("repo", &site.root()).unwrap().unwrap();
        let server = Server { listen: Some("127.0.0.1:0".parse().unwrap()), ..Server::default() };
        let Ok(Bound::Window(window)) = Window::bind(&server).await else { panic!("a free port") };
        let url = window.reach.url().unwrap().to_owned();
        let (orders, taken) = mpsc::channel(8);
        let status = watch::Sender::default();
        let hub = Hub::default();
        let parts = Parts {
            house: Arc::clone(&house),
            orders,
            status: status.subscribe(),
            hub: hub.clone(),
            stop: crate::daemon::stop::Stop::default(),
            reach: window.reach.clone(),
            dialect: Arc::new(Claude),
        };
        let desk = Desk::new(parts).unwrap();
        let token = std::fs::read_to_string(house.places.token()).unwrap().trim().to_owned();
        let control = Control::open(desk, Some(window)).unwrap();
        let bead = BeadId::new("t-1");
        Self { _dir: dir, house, site, bead, hub, url, token, _orders: taken, _control: control }
    }

    pub(crate) fn run(&self) -> Run {
        Run::begin(&self.house, &self.site, &self.bead)
    }

    /// Tells streams that there is news.
    pub(crate) fn news(&self, said: Said) {
        self.hub.tell(Told { project: self.site.id.clone(), bead: self.bead.clone(), said });
    }

    pub(crate) fn notice(&self, text: &str) -> Event {
        let body = Body::Notice { text: text.to_owned() };
        tell(&self.house, &self.site, &self.bead, (None, body))
    }
}

/// Writes an event about the bead that moves no story.
pub(crate) fn tell(house: &House, site: &Site, bead: &BeadId, (run, body): (Option<RunId>, Body)) -> Event {
    let (project, bead) = (Some(site.id.clone()), Some(bead.clone()));
    house.journal.tell(Entry { project, bead, run, attempt: Some(1), body }).unwrap()
}

/// One run with its log.
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) log: PathBuf,
}

impl Run {
    pub(crate) fn begin(house: &House, site: &Site, bead: &BeadId) -> Self {
        let id = RunId::from_bytes(house.ids.bytes());
        let log = format!("logs/{}/t-1/{id}-work.log", site.id);
        tell(
            house,
            site,
            bead,
            (Some(id.clone()), Body::RunStarted { kind: RunKind::Work, log: log.clone(), outside: None }),
        );
        let log = house.places.state().join(log).with_extension("jsonl");
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        std::fs::write(&log, "").unwrap();
        Self { id, log }
    }

    pub(crate) fn start(&self, house: &House, site: &Site, bead: &BeadId) {
        let after = Printed { stdout: std::fs::metadata(&self.log).unwrap().len(), stderr: 0 };
        let body = Body::AgentStarting { sandbox: "s".into(), nonce: "n".into(), after };
        tell(house, site, bead, (Some(self.id.clone()), body));
    }

    pub(crate) fn end(&self, house: &House, site: &Site, bead: &BeadId) {
        let end = AgentEnd::without_agent(Ending::Finished, String::new());
        tell(house, site, bead, (Some(self.id.clone()), Body::AgentEnded(end)));
    }

    /// Appends bytes as a container prints them.
    pub(crate) fn print(&self, text: &str) {
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.log).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// A line in which the agent says these texts.
    pub(crate) fn say(&self, texts: &[&str]) {
        self.print(&format!("{}\n", line(texts)));
    }
}

/// One line of the agent's stream with a text block each.
pub(crate) fn line(texts: &[&str]) -> String {
    let blocks: Vec<_> =
        texts.iter().map(|text| serde_json::json!({ "type": "text", "text": text })).collect();
    let message =
        serde_json::json!({ "id": texts.concat(), "role": "assistant", "model": "m", "content": blocks });
    serde_json::json!({ "type": "assistant", "message": message, "parent_tool_use_id": null }).to_string()
}

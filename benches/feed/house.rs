//! A state directory with one project and the API over TCP, and a run whose agent says what the bench wants.
//!
//! Owns the same steps as a supervised run: store masked, split, parse, render, tell the listeners. Start with [`World`].

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use beadwork::agent::claude::Claude;
use beadwork::agent::stream::Stream;
use beadwork::clock::{RandomIds, SystemClock};
use beadwork::config::environment::{Environment, Inherited};
use beadwork::config::server::Server;
use beadwork::daemon::control::window::{Bound, Window};
use beadwork::daemon::control::{Control, Desk, Hub, Parts};
use beadwork::daemon::dispatch::Order;
use beadwork::daemon::house::{House, Site};
use beadwork::daemon::progress::{Progress, Silent};
use beadwork::daemon::stop::Stop;
use beadwork::domain::event::{Body, Printed};
use beadwork::domain::ids::{BeadId, RunId};
use beadwork::domain::run::RunKind;
use beadwork::journal::Entry;
use beadwork::journal::log::{LogPlace, RunLog};
use beadwork::journal::redact::Redactor;
use tokio::sync::{mpsc, watch};

pub(crate) struct World {
    _dir: tempfile::TempDir,
    house: Arc<House>,
    site: Site,
    hub: Hub,
    pub url: String,
    pub token: String,
    _control: Control,
    _orders: mpsc::Receiver<Order>,
}

fn git(dir: &std::path::Path, args: &[&str]) -> anyhow::Result<()> {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@localhost"]).args(args).current_dir(dir);
    anyhow::ensure!(git.output()?.status.success(), "git {args:?}");
    Ok(())
}

impl World {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bead-feed-").tempdir()?;
        let repo = dir.path().join("repo");
        std::fs::create_dir_all(repo.join(".beads"))?;
        git(&repo, &["init", "-q", "-b", "main"])?;
        let line = r#"{"id":"t-1","title":"Say it","status":"open","priority":1,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#;
        std::fs::write(repo.join(".beads/issues.jsonl"), format!("{line}\n"))?;
        git(&repo, &["add", "-A"])?;
        git(&repo, &["commit", "-q", "-m", "begin"])?;
        let environment = Environment {
            state_dir: Some(dir.path().join("state")),
            config_dir: Some(dir.path().join("config")),
            home: Some(dir.path().join("home")),
            inherited: Inherited(vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())]),
            ..Environment::default()
        };
        let house = House::open(environment, Arc::new(SystemClock::default()), Arc::new(RandomIds))?;
        let house = Arc::new(house);
        let site = Site::open(&house, &repo).await?;
        let Ok(()) = house.journal.add_project("repo", &site.root())? else { bail!("the name is taken") };
        let server = Server { listen: Some("127.0.0.1:0".parse()?), ..Server::default() };
        let Bound::Window(window) = Window::bind(&server).await? else { bail!("no port is free") };
        let url = window.reach.url().context("an address")?.to_owned();
        let (orders, taken) = mpsc::channel(8);
        let (hub, status) = (Hub::default(), watch::Sender::default());
        let parts = Parts {
            house: Arc::clone(&house),
            orders,
            status: status.subscribe(),
            hub: hub.clone(),
            stop: Stop::default(),
            reach: window.reach.clone(),
            dialect: Arc::new(Claude),
        };
        let control = Control::open(Desk::new(parts)?, Some(window))?;
        let token = std::fs::read_to_string(house.places.token())?.trim().to_owned();
        Ok(Self { _dir: dir, house, site, hub, url, token, _control: control, _orders: taken })
    }

    /// A run that has just begun.
    pub(crate) fn printer(&self) -> anyhow::Result<Printer> {
        let (bead, run) = (BeadId::new("t-1"), RunId::from_bytes(self.house.ids.bytes()));
        let stamp = run.to_string();
        let place = LogPlace::new(&self.house.places.logs(&self.site.id, &bead), &stamp, RunKind::Work)?;
        let page = place.page();
        let name = page.strip_prefix(self.house.places.state())?.to_string_lossy().into_owned();
        // As many as an installation has: the key, and what a repository would give away.
        let redactor =
            Redactor::new(["sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaa", "ghp_bbbbbbbbbbbbbbbbbbbbbbbbbbbb"]);
        let log = RunLog::create(place, &redactor, 8 << 30)?;
        for body in [
            Body::RunStarted { kind: RunKind::Work, log: name, outside: None },
            Body::AgentStarting { sandbox: "s".into(), nonce: "n".into(), after: Printed::default() },
        ] {
            let (project, bead) = (Some(self.site.id.clone()), Some(bead.clone()));
            self.house.journal.tell(Entry {
                project,
                bead,
                run: Some(run.clone()),
                attempt: Some(1),
                body,
            })?;
        }
        let listeners = self.hub.listeners(Arc::new(|_, _| Arc::new(Silent)));
        let voice = listeners(&self.site.id, &bead);
        Ok(Printer { log, stream: Stream::new(&Claude), voice, printed: 0, said: 0, piece: piece() })
    }
}

pub(crate) struct Printer {
    log: RunLog,
    stream: Stream,
    voice: Arc<dyn Progress>,
    pub printed: u64,
    said: u64,
    piece: Vec<u8>,
}

/// One line of the agent's stream.
fn line(text: &str, id: u64) -> String {
    format!(
        r#"{{"type":"assistant","message":{{"id":"m{id}","content":[{{"type":"text","text":"{text}"}}]}},"parent_tool_use_id":null}}"#
    )
}

/// 64 KiB as an agent prints them: words, calls of tools, and what the tools gave back.
fn piece() -> Vec<u8> {
    let mut text = String::new();
    let mut n = 0;
    while text.len() < 64 << 10 {
        n += 1;
        let said =
            "The parser reads a header that may be longer than its buffer, so the second half was lost. "
                .repeat(4);
        let shown = "    let header = reader.read_line(&mut buffer)?; // at most 8 KiB\\n".repeat(40);
        text.push_str(&line(&said, n));
        text.push('\n');
        text.push_str(&format!(
            r#"{{"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_{n}","content":"{shown}"}}]}},"parent_tool_use_id":null}}"#
        ));
        text.push('\n');
    }
    text.into_bytes()
}

impl Printer {
    pub(crate) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.said += 1;
        let mut bytes = line(text, self.said).into_bytes();
        bytes.push(b'\n');
        self.take(&bytes)
    }

    pub(crate) fn chunk(&mut self) -> anyhow::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let taken = self.take(&piece);
        self.piece = piece;
        taken
    }

    /// How long a frame of [`Printer::say`] is on its stream.
    pub(crate) fn frame_bytes(&self) -> usize {
        "event: agent\nid: 12.12345\ndata: {\"kind\":\"text\",\"text\":\"\",\"nested\":false}\n\n".len() + 170
    }

    /// What the supervisor of a run does with what its container prints.
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.printed += bytes.len() as u64;
        let taken = self.log.stdout(bytes)?;
        for line in &taken.lines {
            for event in self.stream.line(line, Duration::ZERO) {
                self.log.tell(&event)?;
                self.voice.agent(&event);
            }
        }
        Ok(())
    }
}

//! A daemon over a journal that was told beforehand: pages without containers.
//!
//! Owns stories in every state a page shows, with logs and kept work, and the login of a browser. Start with
//! [`Told::new`].

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use beadwork::clock::{Manual, SystemClock};
use beadwork::domain::event::Body;
use beadwork::domain::ids::{BeadId, ProjectId, RunId};
use beadwork::journal::{Entry, Journal};
use beadwork::lifecycle::Story;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::browser::Browser;
use crate::harness::engine::{Engine, ask};
use crate::harness::{BeadEnv, signal, until};

pub(super) struct Told {
    pub(super) env: BeadEnv,
    pub(super) project: ProjectId,
    pub(super) clock: Arc<Manual>,
    journal: Option<Journal>,
    runs: u8,
    logs: Vec<(RunId, PathBuf)>,
    daemon: Option<Child>,
    _engine: Option<Engine>,
    pub(super) url: String,
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            signal(&daemon, "TERM");
            let _ = daemon.wait();
        }
    }
}

/// An event's body from its JSON, so that new optional fields need no mention here.
#[track_caller]
pub(super) fn body(value: Value) -> Body {
    serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{e}: {value}"))
}

impl Told {
    pub(super) fn new() -> Self {
        let mut env = BeadEnv::python();
        let engine = Engine::new(env.dir.path());
        env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
        env.bead(&["project", "add"]).expect(0);
        let project = ProjectId::of_path(&env.repo().canonicalize().unwrap());
        // Makes the quarantine.
        env.bead(&["ready"]).expect(0);
        let clock = Arc::new(Manual::at(Utc::now() - TimeDelta::hours(5)));
        let journal = Journal::open(&env.state().join("journal.db"), clock.clone()).unwrap();
        let (journal, url) = (Some(journal), String::new());
        Self {
            env,
            project,
            clock,
            journal,
            runs: 0,
            logs: Vec::new(),
            daemon: None,
            _engine: Some(engine),
            url,
        }
    }

    /// Over a state directory that is made elsewhere, with the machine's own engine.
    pub(super) fn over(env: BeadEnv) -> Self {
        let project = ProjectId::of_path(&env.repo().canonicalize().unwrap());
        let clock = Arc::new(Manual::at(Utc::now()));
        Self {
            env,
            project,
            clock,
            journal: None,
            runs: 0,
            logs: Vec::new(),
            daemon: None,
            _engine: None,
            url: String::new(),
        }
    }

    /// Waits for a page as long as containers take.
    pub(super) async fn until(&self, browser: &Browser, what: &str, script: &str) {
        let begin = std::time::Instant::now();
        while browser.run(script).await != json!(true) {
            let text = || async { browser.text().await };
            assert!(begin.elapsed() < Duration::from_secs(120), "{what} did not happen: {}", text().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    pub(super) fn later(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    /// A claim that works: its run's row and log are there.
    pub(super) fn working(&mut self, bead: &str, title: &str, log: &str) -> (Story, RunId) {
        let base = self.env.git(&["rev-parse", "main"]);
        let order = json!({ "title": title, "target": "main", "base": base, "attempts": 3, "no_gates": false,
            "token": "t", "actor": "night", "rounds": 0 });
        let about = Entry {
            project: Some(self.project.clone()),
            bead: Some(BeadId::new(bead)),
            run: None,
            attempt: None,
            body: body(json!({ "type": "claiming", "order": order })),
        };
        let (_, mut story) = self.journal().open_story(about).unwrap();
        self.tell(&mut story, json!({ "type": "claimed" }));
        self.runs += 1;
        let run = RunId::from_bytes([self.runs; 16]);
        let place = format!("logs/{}/{}", self.project, BeadId::new(bead).slug());
        std::fs::create_dir_all(self.env.state().join(&place)).unwrap();
        let path = format!("{place}/20261121T03000{}-work.log", self.runs);
        std::fs::write(self.env.state().join(&path), log).unwrap();
        self.logs.push((run.clone(), self.env.state().join(&path)));
        let first = |body| Entry { run: Some(run.clone()), attempt: Some(1), ..Entry::of(&story, body) };
        let began =
            first(body(json!({ "type": "attempt_started", "from": base, "session": "s", "resume": false })));
        let told = first(body(json!({ "type": "run_started", "kind": "work", "log": path })));
        self.journal().record_as(&mut story, began).unwrap();
        self.journal().tell(told).unwrap();
        for next in [
            json!({ "type": "workspace_ready" }),
            json!({ "type": "agent_starting", "sandbox": "x", "nonce": "n" }),
            json!({ "type": "agent_started", "container": "c" }),
            json!({ "type": "task_given" }),
        ] {
            self.tell(&mut story, next);
        }
        (story, run)
    }

    /// An event beside the story: what a page reads, and no lifecycle judges.
    pub(super) fn beside(&self, story: &Story, run: &RunId, value: Value) {
        let entry = Entry { run: Some(run.clone()), attempt: Some(1), ..Entry::of(story, body(value)) };
        self.journal().tell(entry).unwrap();
    }

    pub(super) fn tell(&self, story: &mut Story, value: Value) {
        let body = body(value);
        self.journal().record(story, body).unwrap();
    }

    /// The agent ended, and its work of these files is kept.
    pub(super) fn kept(&mut self, story: &mut Story, run: &RunId, files: &[(&str, &str)]) -> String {
        let (env, branch) = (&self.env, format!("side-{run}"));
        env.git(&["checkout", "-q", "-b", &branch, "main"]);
        for (path, text) in files {
            env.write(path, text);
        }
        for (path, _) in files {
            env.git(&["add", "--", path]);
        }
        env.git(&["commit", "-q", "-m", "work"]);
        let tip = env.git(&["rev-parse", "HEAD"]);
        env.git(&["checkout", "-q", "main"]);
        let quarantine = env.state().join(format!("quarantine/{}.git", self.project));
        let kept = run.ref_name();
        env.git(&[
            "push",
            "-q",
            &quarantine.to_string_lossy(),
            &format!("{branch}:{kept}"),
            "main:refs/heads/base",
        ]);
        env.git(&["update-ref", &kept, &tip]);
        env.git(&["branch", "-q", "-D", &branch]);
        self.later(12);
        self.tell(
            story,
            json!({ "type": "agent_ended", "ending": "finished", "reason": "", "said": "Done.", "cost_usd": 0.84,
                "seconds": 720.0, "conversed": true }),
        );
        let files = files.len();
        self.tell(
            story,
            json!({ "type": "exported", "tip": tip, "commits": 1, "wip": false, "files": files }),
        );
        tip
    }

    /// A claim's last events.
    pub(super) fn settled(&self, mut story: Story, outcome: &str, cause: &str, reason: &str) {
        self.later(1);
        self.tell(
            &mut story,
            json!({ "type": "settling", "outcome": outcome, "cause": cause, "reason": reason }),
        );
        self.tell(&mut story, json!({ "type": "settled" }));
        self.finished(story, (outcome, cause), reason, Value::Null);
    }

    pub(super) fn finished(
        &self,
        mut story: Story,
        (outcome, cause): (&str, &str),
        reason: &str,
        commit: Value,
    ) {
        let cause = if cause.is_empty() { Value::Null } else { json!(cause) };
        self.tell(
            &mut story,
            json!({ "type": "finished", "outcome": outcome, "cause": cause, "commit": commit, "branch": null,
                "attempts": 1, "cost_usd": 0.84, "reason": reason }),
        );
    }

    /// Starts the daemon on a free port; the journal is its own from now on.
    pub(super) fn serve(&mut self) {
        self.journal = None;
        // Started again, it is where it was.
        let address = self.url.strip_prefix("http://").unwrap_or("127.0.0.1:0").to_owned();
        let mut daemon = self.env.start(&["serve", "--listen", &address]);
        let (out, err) = (daemon.stdout.take().unwrap(), daemon.stderr.take().unwrap());
        std::thread::spawn(move || BufReader::new(out).lines().for_each(drop));
        std::thread::spawn(move || {
            let loud = std::env::var_os("BEAD_SHOTS").is_some();
            BufReader::new(err)
                .lines()
                .map_while(Result::ok)
                .filter(|_| loud)
                .for_each(|line| eprintln!("{line}"));
        });
        self.daemon = Some(daemon);
        until("the daemon's first look", Duration::from_secs(30), || {
            ask(&self.socket(), "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
        });
        let told = self.env.bead(&["token", "--json"]).expect(0).json();
        self.url = told["url"].as_str().unwrap().to_owned();
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            signal(&daemon, "TERM");
            daemon.wait().unwrap();
        }
    }

    /// Writes on in a run's log, as its process does.
    pub(super) fn print(&self, run: &RunId, text: &str) {
        use std::io::Write as _;
        let (_, path) = self.logs.iter().find(|(id, _)| id == run).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// The journal beside the daemon's, as another process has it.
    pub(super) fn other(&self) -> Journal {
        Journal::open(&self.env.state().join("journal.db"), Arc::new(SystemClock::default())).unwrap()
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.env.state().join("run/daemon.sock")
    }

    /// Logs a browser in by a link, as a person does.
    pub(super) async fn login(&self, browser: &Browser) {
        let link = self.env.bead(&["login", "--json"]).expect(0).json();
        browser.go(link["link"].as_str().unwrap()).await;
        browser.click("#enter").await;
        browser
            .until("the login", "return location.pathname === '/' && !!document.getElementById('needs')")
            .await;
    }

    /// As the tracker has a bead that waits for a person.
    pub(super) fn park(&self, id: &str) {
        self.edit(id, |bead| {
            bead["status"] = json!("blocked");
            bead["labels"] = json!(["parked"]);
        });
    }

    /// Changes a bead behind the back of all commands.
    pub(super) fn edit(&self, id: &str, change: impl Fn(&mut Value)) {
        let path = self.env.repo().join(".beads/issues.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| {
            let mut bead: Value = serde_json::from_str(line).unwrap();
            if bead["id"] == id {
                change(&mut bead);
            }
            format!("{bead}\n")
        });
        std::fs::write(&path, lines.collect::<String>()).unwrap();
    }

    pub(super) fn bead(&self, id: &str) -> String {
        format!("{}/projects/{}/beads/{id}", self.url, self.project)
    }

    pub(super) fn run(&self, run: &RunId) -> String {
        format!("{}/projects/{}/runs/{run}", self.url, self.project)
    }
}

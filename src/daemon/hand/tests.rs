//! The hand on real git, tracker and journal, with agents that listen: paused, told, resumed, ended, given back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::table::{State, Why};
use super::*;
use crate::daemon::engine::{Engine, Failpoint};
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::tests::fixture::{self, git};
use crate::daemon::verify;
use crate::daemon::work::{Ended, WorkRequest};
use crate::domain::event::{Body, Event};
use crate::domain::ids::BeadId;
use crate::domain::run::Outcome;
use crate::executor::Executor as _;
use crate::executor::scripted::{Ending, Scripted, Stage};
use crate::executor::spec::Purpose;
use crate::journal::read::Filter;

mod cut_off;
mod daemon;
mod deeds;
mod links;
mod messages;
mod offers;
mod shell;

pub(super) struct World {
    dir: tempfile::TempDir,
    pub executor: Scripted,
    pub bead: BeadId,
    pub house: Arc<House>,
    pub site: Arc<Site>,
}

fn lifecycle(stage: &Stage, uuid: &str, states: &[&str]) {
    for state in states {
        stage.stdout(format!(
            "{{\"type\":\"command_lifecycle\",\"command_uuid\":\"{uuid}\",\"state\":\"{state}\",\"uuid\":\"l\"}}\n"
        ));
    }
}

fn result(stage: &Stage, words: &str, good: bool) {
    stage.stdout(format!(
        "{{\"type\":\"assistant\",\"message\":{{\"id\":\"m\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[{{\"type\":\"text\",\"text\":\"{words}\"}}],\"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}},\"parent_tool_use_id\":null,\"uuid\":\"2\"}}\n"
    ));
    let (subtype, reason) =
        if good { ("success", "completed") } else { ("error_during_execution", "aborted_tools") };
    stage.stdout(format!(
        "{{\"type\":\"result\",\"subtype\":\"{subtype}\",\"is_error\":{},\"terminal_reason\":\"{reason}\",\"num_turns\":1,\"result\":\"x\",\"total_cost_usd\":0.01,\"queued_turn_count\":0,\"uuid\":\"3\"}}\n",
        !good
    ));
}

/// Writes down what it hears; what it is told decides what it does: `finish`, `ask`, `leave all` (no change),
/// `protected` (a held path); else it waits for more. `wait at the end` keeps it from leaving until a file is there.
pub(super) async fn listener(mut stage: Stage) -> Ending {
    let work = stage.host("/work");
    let note = |text: &str| {
        use std::io::Write as _;
        let mut file =
            std::fs::File::options().create(true).append(true).open(work.join("heard.txt")).unwrap();
        writeln!(file, "{text}").unwrap();
    };
    stage.stdout("{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"claude-opus-5-5\",\"claude_code_version\":\"2.1.329\",\"uuid\":\"1\"}\n");
    let mut quiet = false;
    loop {
        let line = stage.read_line().await;
        if line.is_empty() {
            return Ending::Code(0);
        }
        let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
        match said["request"]["subtype"].as_str() {
            Some("end_session") => {
                while quiet && !work.join("../leave").exists() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                return Ending::Code(0);
            }
            Some("interrupt") => {
                note("interrupt");
                result(&stage, "stopped", false);
                continue;
            }
            _ => {}
        }
        let text = said["message"]["content"].as_str().unwrap_or_default().to_owned();
        lifecycle(&stage, said["uuid"].as_str().unwrap_or_default(), &["queued", "started"]);
        let first = text.contains("Write it");
        let told = |word: &str| text.contains(word);
        if told("LEAVE ALL") {
            std::fs::remove_file(work.join("heard.txt")).ok();
        } else {
            let last = text.lines().rfind(|l| !l.is_empty()).unwrap_or_default();
            note(if first { "task" } else { last });
            if told("blue") {
                note("blue");
            }
            if told("PREFACED") {
                note(&format!(
                    "before: {}",
                    text.find("PREFACED") < text.find("Write it").or(Some(usize::MAX))
                ));
            }
        }
        if told("PROTECTED") {
            std::fs::write(work.join("Dockerfile"), "FROM scratch\n").unwrap();
        }
        if told("NEAR") {
            let limit = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","utilization":0.97},"uuid":"4"}"#;
            stage.stdout(format!("{limit}\n"));
        }
        if told("ASK") {
            result(&stage, "QUESTION: which colour?", true);
        } else if told("FINISH") || told("LEAVE ALL") {
            quiet = told("WAIT");
            result(&stage, "done", true);
        }
    }
}

impl World {
    pub(super) async fn new(description: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("bead-hand-").tempdir().unwrap();
        let repo = dir.path().join("repo");
        let mut bead = fixture::bead("t-1", "Write it");
        bead["description"] = description.into();
        let yaml = "gates: [{ name: good, run: ls }]\nlimits: { attempts: 1 }\n";
        fixture::repository(&repo, yaml, &[bead]);
        let house = fixture::house(dir.path());
        let site = Arc::new(Site::open(&house, &repo).await.unwrap());
        let executor = Scripted::new().on(Purpose::Agent, listener);
        Self { dir, executor, bead: BeadId::new("t-1"), house, site }
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(super) fn engine(&self) -> Engine {
        fixture::engine(&self.house, &self.site, &self.executor)
    }

    pub(super) fn work(&self) -> JoinHandle<Result<Ended, EngineError>> {
        self.work_dying(Arc::new(|_: &str| false))
    }

    pub(super) fn work_dying(&self, failpoint: Failpoint) -> JoinHandle<Result<Ended, EngineError>> {
        let engine = self.engine().with_failpoint(failpoint);
        let request = WorkRequest { unattended: false, ..WorkRequest::unattended(self.bead.clone()) };
        tokio::spawn(async move { engine.work(request).await })
    }

    pub(super) async fn ended(&self, work: JoinHandle<Result<Ended, EngineError>>) -> Ended {
        let limit = Duration::from_secs(40);
        tokio::time::timeout(limit, work).await.expect("it ends in time").unwrap().unwrap()
    }

    pub(super) async fn lay(&self, ask: Ask) -> Result<Done, EngineError> {
        let hand = Hand { house: &self.house, site: &self.site, by: "ann" };
        hand.lay(&self.bead, &ask).await
    }

    pub(super) async fn say(&self, text: &str, now: bool) {
        self.lay(Ask::Send { text: text.to_owned(), now }).await.unwrap();
    }

    pub(super) async fn state(&self) -> State {
        standing::look(&self.house, &self.site, &self.bead).await.unwrap().state
    }

    /// What the newest clone's agent has heard so far.
    pub(super) fn heard(&self) -> String {
        let clones = std::fs::read_dir(self.dir.path().join("state/clones")).into_iter().flatten().flatten();
        let texts =
            clones.map(|clone| std::fs::read_to_string(clone.path().join("heard.txt")).unwrap_or_default());
        texts.collect()
    }

    /// What the newest run has printed, as it is stored.
    pub(super) fn stored(&self) -> String {
        let logs = self.house.journal.runs(&Filter::default(), 1).unwrap();
        let path = logs.first().map(|row| self.house.places.state().join(&row.log).with_extension("jsonl"));
        path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
    }

    pub(super) async fn until(&self, what: &str, mut is: impl FnMut(&Self) -> bool) {
        for _ in 0..1500 {
            if is(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what} did not come; heard: {}; events: {:#?}", self.heard(), self.bodies());
    }

    pub(super) async fn at_work(&self) {
        self.until("the task", |w| w.heard().lines().next_back() == Some("task")).await;
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.house.journal.events(0, &Filter::default(), usize::MAX).unwrap()
    }

    pub(super) fn bodies(&self) -> Vec<Body> {
        self.events().into_iter().map(|event| event.body).collect()
    }

    pub(super) fn delivered(&self) -> usize {
        self.bodies().iter().filter(|b| matches!(b, Body::MessageDelivered { .. })).count()
    }

    pub(super) fn agents(&self) -> usize {
        self.executor.started().iter().filter(|s| s.purpose == Purpose::Agent).count()
    }

    pub(super) fn tracker(&self) -> String {
        std::fs::read_to_string(self.repo().join(".beads/issues.jsonl")).unwrap()
    }

    /// What the last run with work kept of what it heard.
    pub(super) fn kept(&self, ended: &Ended) -> String {
        let run = ended.run.as_ref().unwrap();
        git(&self.repo(), &["show", &format!("refs/bead/{run}:heard.txt")])
    }

    /// Approved, what a person wrote in a shell lands without another agent.
    pub(super) async fn approved_lands_by_hand(&self) {
        self.lay(Ask::Approve).await.unwrap();
        let ended = self.ended(self.work()).await;
        assert_eq!((ended.finish.outcome, self.agents()), (Outcome::Landed, 1), "{}", ended.finish.reason);
        assert_eq!(git(&self.repo(), &["show", "main:mine.txt"]), "by hand");
        self.check().await;
    }

    pub(super) async fn check(&self) {
        let report = verify::check(&self.house, &self.site, Some(&self.executor)).await.unwrap();
        assert_eq!(report.violations, Vec::<String>::new());
        assert_eq!(self.executor.list(&self.house.instance).await.unwrap(), vec![]);
    }
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, EngineError>) -> String {
    match result {
        Err(EngineError::Refused(refusal)) => {
            assert!(!refusal.hints.is_empty(), "{refusal}: what to do instead");
            refusal.message
        }
        other => panic!("not refused: {other:?}"),
    }
}

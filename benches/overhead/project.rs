//! A small project, and `bead work` on one of its beads as a user would start it.
//!
//! Owns the temporary repository, the scripted model of a run and the reading of what `bead work --json` said.
//! It knows nothing of containers. Start with [`Project::new`] and [`Project::work`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use beadwork::clock::SystemClock;
use beadwork::model::script::Script;
use beadwork::model::{ModelServer, ModelServerSpec};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The bench's gate: the smallest program there is.
const CONFIG: &str = "gates:\n  - { name: nothing, run: \"true\", timeout: 2m }\n";

pub(crate) struct Project {
    pub dir: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// What one run of `bead work` gave.
pub(crate) struct Worked {
    pub wall: Duration,
    pub began: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    pub first_request: DateTime<Utc>,
    /// The journal's events of the run, in order.
    pub events: Vec<Value>,
}

/// A scripted model for one run, and the record of what it was asked.
pub(crate) struct Model {
    server: ModelServer,
    record: PathBuf,
}

impl Model {
    /// One tool that writes a file, one last word. `number` makes each run's file another one.
    pub(crate) async fn start(dir: &Path, number: usize) -> anyhow::Result<Self> {
        let script = format!(
            "conversations:\n  - turns:\n      - tools: [{{ name: Write, input: {{ file_path: /work/done-{number}.txt, content: \"done\" }} }}]\n      - text: \"Done.\"\n"
        );
        let record = dir.join(format!("requests-{number}"));
        let spec = ModelServerSpec {
            script: Script::parse(&script)?,
            bind: ([127, 0, 0, 1], 0).into(),
            record: Some(record.clone()),
            clock: Arc::new(SystemClock::default()),
        };
        Ok(Self { server: ModelServer::start(spec).await?, record })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// When the first request was there, and the end of the server.
    pub(crate) async fn first_request(self) -> anyhow::Result<DateTime<Utc>> {
        ensure!(
            self.server.requests().len() == 2,
            "expected two requests, found {:?}",
            self.server.requests()
        );
        self.server.close().await;
        let record = std::fs::read_to_string(&self.record)?;
        let first: Value = serde_json::from_str(record.lines().next().unwrap_or_default())?;
        time(&first)
    }
}

impl Project {
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bead-bench-").tempdir()?;
        let at = |name: &str| dir.path().join(name).into_os_string();
        let mut variables: Vec<(OsString, OsString)> = [
            ("HOME", at("home")),
            ("BEAD_STATE_DIR", at("state")),
            ("BEAD_CONFIG_DIR", at("config")),
            ("GIT_AUTHOR_NAME", "Bench".into()),
            ("GIT_AUTHOR_EMAIL", "bench@localhost".into()),
            ("GIT_COMMITTER_NAME", "Bench".into()),
            ("GIT_COMMITTER_EMAIL", "bench@localhost".into()),
        ]
        .map(|(name, value)| (name.into(), value))
        .to_vec();
        variables.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
        for name in ["home", "repo", "engine"] {
            std::fs::create_dir(dir.path().join(name))?;
        }
        let project = Self { dir, variables };
        std::fs::write(project.repo().join("bead.yaml"), CONFIG)?;
        project.run("git", &["init", "-q", "-b", "main"], &[]).await?;
        project.bead(&["init", "--yes", "--prefix", "b"], &[]).await?;
        project.run("git", &["add", "-A"], &[]).await?;
        project.run("git", &["commit", "-q", "-m", "begin"], &[]).await?;
        Ok(project)
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The environment `bead` and its git run in.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        self.variables.clone()
    }

    async fn bead(&self, args: &[&str], more: &[(&str, String)]) -> anyhow::Result<String> {
        self.run(env!("CARGO_BIN_EXE_bead"), args, more).await
    }

    async fn run(&self, program: &str, args: &[&str], more: &[(&str, String)]) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::new(program);
        command.args(args).current_dir(self.repo()).env_clear().envs(self.variables.iter().cloned());
        let output = command.envs(more.iter().cloned()).stdin(Stdio::null()).output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "`{program} {}`: {}\n{said}{complaint}",
            args.join(" "),
            output.status
        );
        Ok(said)
    }

    /// One new bead, worked on from ready to landed. `host` is the engine's address.
    pub(crate) async fn work(&self, number: usize, host: &str) -> anyhow::Result<Worked> {
        let id = self.bead(&["add", &format!("Write file {number}")], &[]).await?;
        let model = Model::start(self.dir.path(), number).await?;
        let more = [
            ("ANTHROPIC_BASE_URL", model.url()),
            ("ANTHROPIC_API_KEY", "bench-no-key".to_owned()),
            ("DOCKER_HOST", host.to_owned()),
        ];
        let (clock, began) = (Instant::now(), Utc::now());
        let said = self.bead(&["work", id.trim(), "--json"], &more).await?;
        let (wall, ended) = (clock.elapsed(), Utc::now());
        let events: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let events = events.into_iter().filter(|event| event.get("at").is_some()).collect();
        Ok(Worked { wall, began, ended, first_request: model.first_request().await?, events })
    }
}

/// The field `at` of an event or a recorded request.
pub(crate) fn time(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    value["at"].as_str().context("no time in a record")?.parse().context("an unreadable time in a record")
}

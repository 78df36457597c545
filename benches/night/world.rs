//! A state directory of its own, projects in it, a scripted model, and `bead serve` over them.
//!
//! Owns the temporary folders and the daemon's process, which ends with them. Start with [`World::new`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use beadwork::clock::SystemClock;
use beadwork::model::script::Script;
use beadwork::model::{ModelServer, ModelServerSpec};
use tokio::process::{Child, Command};

pub(crate) struct World {
    pub dir: tempfile::TempDir,
    bead: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

/// A model that nobody should ask anything.
pub(crate) const QUIET: &str = "conversations:\n  - turns: [{ text: Done. }]\n";

/// A running `bead serve`.
pub(crate) struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl World {
    pub(crate) async fn new(bead: &Path, config: &str) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bead-bench-").tempdir()?;
        let mut variables = BTreeMap::new();
        for (name, folder) in [("HOME", "home"), ("BEAD_STATE_DIR", "state"), ("BEAD_CONFIG_DIR", "config")] {
            variables.insert(name.into(), dir.path().join(folder).into_os_string());
        }
        for folder in ["home", "config"] {
            std::fs::create_dir(dir.path().join(folder))?;
        }
        for role in ["AUTHOR", "COMMITTER"] {
            variables.insert(format!("GIT_{role}_NAME").into(), "Bench".into());
            variables.insert(format!("GIT_{role}_EMAIL").into(), "bench@localhost".into());
        }
        for name in ["PATH", "DOCKER_HOST", "BEAD_LOG"] {
            variables.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        std::fs::write(dir.path().join("config/config.yaml"), config)?;
        Ok(Self { dir, bead: bead.to_owned(), variables })
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A registered repository with so many beads.
    pub(crate) async fn project(&self, name: &str, beads: usize, more: &str) -> anyhow::Result<()> {
        let repo = self.dir.path().join(name);
        std::fs::create_dir(&repo)?;
        self.run("git", &["init", "-q", "-b", "main"], &repo).await?;
        std::fs::write(
            repo.join("bead.yaml"),
            format!("gates: [{{ name: nothing, run: \"true\" }}]\n{more}"),
        )?;
        let bead = self.bead.to_string_lossy().into_owned();
        self.run(&bead, &["init", "--yes", "--prefix", name], &repo).await?;
        for n in 0..beads {
            self.run(&bead, &["add", &format!("Bead {n}")], &repo).await?;
        }
        self.run("git", &["add", "-A"], &repo).await?;
        self.run("git", &["commit", "-q", "-m", "begin"], &repo).await?;
        self.run(&bead, &["project", "add", &repo.to_string_lossy()], &repo).await?;
        Ok(())
    }

    pub(crate) async fn run(&self, program: &str, args: &[&str], dir: &Path) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(args).current_dir(dir).env_clear().envs(&self.variables).stdin(Stdio::null());
        let output = command.output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{program} {}`:\n{said}{complaint}", args.join(" "));
        Ok(said)
    }

    pub(crate) async fn model(&self, script: &str) -> anyhow::Result<ModelServer> {
        let spec = ModelServerSpec {
            script: Script::parse(script)?,
            bind: ([127, 0, 0, 1], 0).into(),
            record: None,
            clock: Arc::new(SystemClock::default()),
        };
        Ok(ModelServer::start(spec).await?)
    }

    pub(crate) fn serve(&self, model: &str) -> anyhow::Result<Daemon> {
        let log = std::fs::File::create(self.dir.path().join("serve.log"))?;
        let child = Command::new(&self.bead)
            .arg("serve")
            .current_dir(self.dir.path())
            .env_clear()
            .envs(&self.variables)
            .env("ANTHROPIC_API_KEY", "bench-no-key")
            .env("ANTHROPIC_BASE_URL", model)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Daemon { child, socket: self.state().join("run/daemon.sock") })
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("serve.log")).unwrap_or_default()
    }
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Waits until its control socket takes a connection.
    pub(crate) async fn listening(&mut self, limit: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while tokio::net::UnixStream::connect(&self.socket).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`bead serve` ended: {status}");
            }
            ensure!(began.elapsed() < limit, "`bead serve` does not listen at {}", self.socket.display());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(began.elapsed())
    }

    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// One TERM, as a supervisor would send it.
    pub(crate) async fn stop(mut self, limit: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().await?;
        tokio::time::timeout(limit, self.child.wait()).await??;
        Ok(began.elapsed())
    }
}

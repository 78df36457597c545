//! What every subcommand has at hand: the environment, the output, and how to open house and project.
//!
//! Owns the way from a room's error to what the user is told, with the hint that fits. It holds no state of
//! its own. Start with [`Desk`].

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::output::Output;
use super::{CliError, Exit};
use crate::agent::claude::Claude;
use crate::beads::TrackerError;
use crate::clock::{RandomIds, SystemClock};
use crate::config::environment::Environment;
use crate::config::zone::Zone;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::lazy::Lazy;
use crate::daemon::machine::Machine;
use crate::executor::docker::{Access, Docker};
use crate::journal::JournalError;

pub(super) struct Desk {
    pub environment: Environment,
    pub output: Output,
    pub project: Option<PathBuf>,
}

impl Desk {
    pub(super) fn house(&self) -> Result<House, CliError> {
        House::open(self.environment.clone(), Arc::new(SystemClock::default()), Arc::new(RandomIds))
            .map_err(engine_error)
    }

    /// The container engine that `DOCKER_HOST` names, or the local one.
    pub(super) async fn docker(&self, house: &House) -> Result<Docker, CliError> {
        Docker::connect(self.access(house)).await.map_err(|e| engine_error(e.into()))
    }

    fn access(&self, house: &House) -> Access {
        Access {
            host: self.environment.docker_host.clone(),
            runtime_dir: self.environment.xdg_runtime_dir.clone(),
            home: self.environment.home.clone(),
            roots: house.places.mount_roots(),
        }
    }

    /// Everything `bead work` stands on. The engine is asked only after all that can be refused without it.
    pub(super) fn machine(&self, house: &House) -> Result<Machine, CliError> {
        Machine::new(house, Arc::new(Lazy::new(self.access(house))), Arc::new(Claude)).map_err(engine_error)
    }

    pub(super) async fn site_in(&self, house: &House) -> Result<Site, CliError> {
        let path = self.project_path()?;
        Site::open(house, &path).await.map_err(engine_error)
    }

    /// The repository that `--project` names, or the current directory.
    pub(super) fn project_path(&self) -> Result<PathBuf, CliError> {
        match &self.project {
            Some(path) if path.is_dir() => Ok(path.clone()),
            Some(name) if self.registered(name).is_some() => Ok(self.registered(name).unwrap_or_default()),
            Some(path) => {
                let what = if path.exists() { "is not a folder" } else { "does not exist" };
                Err(CliError::refused(format!("`--project {}` {what}", path.display()))
                    .hint("give the folder of a git repository; without `--project` it is the one around you")
                    .hint("`bead project list` shows the names that are registered"))
            }
            None => std::env::current_dir().map_err(|e| CliError::from_error(Exit::Failed, &e)),
        }
    }

    /// The folder that a registered name stands for.
    fn registered(&self, name: &std::path::Path) -> Option<PathBuf> {
        let projects = self.house().ok()?.journal.projects().ok()?;
        projects.into_iter().find(|p| std::path::Path::new(&p.name) == name).map(|p| p.path)
    }

    /// The zone of the clock on the user's wall.
    pub(super) fn zone(&self) -> Zone {
        let inherited = &self.environment.inherited.0;
        let tz = inherited.iter().find(|(name, _)| name == "TZ").and_then(|(_, value)| value.to_str());
        Zone::of_machine(tz, std::fs::read_link("/etc/localtime").ok().as_deref())
    }

    /// House and project in one step.
    pub(super) async fn open(&self) -> Result<(House, Site), CliError> {
        let house = self.house()?;
        let site = self.site_in(&house).await?;
        self.warn_of_problems(&site).await?;
        Ok((house, site))
    }

    /// Who acts when a person types a command.
    pub(super) fn actor(&self) -> String {
        self.environment.user.clone().unwrap_or_else(|| "user".to_owned())
    }

    pub(super) fn read_stdin(&self) -> Result<String, CliError> {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|e| CliError::from_error(Exit::Failed, &e))?;
        Ok(text)
    }

    /// Lines of the tracker that cannot be read are told, every time: they are beads nobody works on. So is what
    /// makes a tracker's answers other than they look.
    async fn warn_of_problems(&self, site: &Site) -> Result<(), CliError> {
        let snapshot = site.tracker.snapshot().await.map_err(tracker_error)?;
        for problem in &snapshot.problems {
            self.output.warn(&format!("tracker {problem}"));
        }
        for note in &snapshot.notes {
            self.output.warn(note);
        }
        Ok(())
    }
}

pub(super) fn tracker_error(error: TrackerError) -> CliError {
    let exit = if error.is_refusal() { Exit::Refused } else { Exit::Failed };
    let shown = CliError::from_error(exit, &error);
    match &error {
        TrackerError::UnknownId { .. } => shown.hint("`bead list --all` lists every bead"),
        TrackerError::Conflict { .. } => shown
            .hint("keep one line for each bead and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`")
            .hint("`bead init --merge-driver` lets git merge the tracker by bead from now on"),
        TrackerError::NoImport => {
            shown.hint("`bead export --form 1.x FILE` in the other project writes what it takes")
        }
        TrackerError::AlreadyClosed { id, .. } => shown.hint(format!("to open it again: `bead reopen {id}`")),
        _ => shown,
    }
}

pub(super) fn journal_error(error: JournalError) -> CliError {
    let shown = CliError::from_error(Exit::Failed, &error);
    match error.hint() {
        Some(hint) => shown.hint(hint),
        None => shown,
    }
}

pub(super) fn engine_error(error: EngineError) -> CliError {
    match error {
        EngineError::Refused(refusal) => {
            let mut shown = CliError::refused(refusal.message);
            shown.hints = refusal.hints;
            shown.can_force = refusal.can_force;
            shown
        }
        EngineError::Tracker(error) => tracker_error(error),
        EngineError::Journal(error) => journal_error(error),
        EngineError::Left => CliError::new(Exit::Interrupted, EngineError::Left.to_string()),
        other => {
            let (exit, hints) = other.advice();
            let mut shown = CliError::from_error(exit_of(exit), &other);
            shown.hints = hints;
            shown
        }
    }
}

fn exit_of(refused: bool) -> Exit {
    if refused { Exit::Refused } else { Exit::Failed }
}

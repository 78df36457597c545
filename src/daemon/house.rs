//! What every command stands on: the state directory, its journal, and one opened project.
//!
//! Owns how a state directory and a repository are opened, and nothing that needs a container engine or a
//! key: reading commands work without either. Start with [`House::open`] and [`Site::open`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::EngineError;
use super::locks::{self, Taken};
use super::outside;
use super::refusal::Refusal;
use super::repository::{GitRepository, Repository};
use crate::beads::{self, Tracker};
use crate::clock::{Clock, Ids};
use crate::config::environment::Environment;
use crate::config::places::Places;
use crate::domain::event::Body;
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::domain::run::RunKind;
use crate::journal::read::RunRow;
use crate::journal::{Entry, Journal};
use crate::workspace::program::Git;
use crate::workspace::quarantine::Quarantine;
use crate::workspace::repo::UserRepo;

/// One state directory, opened.
pub struct House {
    pub environment: Environment,
    pub places: Places,
    /// This state directory's own random id: the label by which we know our containers.
    pub instance: String,
    /// Shared, so that a simulated daemon that dies leaves it to the next.
    pub journal: Arc<Journal>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub uid: u32,
}

/// One project, opened.
pub struct Site {
    pub id: ProjectId,
    pub repo: Arc<dyn Repository>,
    pub tracker: Arc<dyn Tracker>,
}

impl House {
    pub fn open(
        environment: Environment,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, EngineError> {
        let uid = rustix::process::getuid().as_raw();
        let refused = |e: crate::config::places::PlacesError| Refusal::new(e.to_string());
        let mut places = Places::find(&environment, uid).map_err(refused)?;
        let instance = places.prepare(&environment, uid, ids.bytes()).map_err(refused)?;
        let journal = Arc::new(Journal::open(&places.journal(), Arc::clone(&clock))?);
        Ok(Self { environment, places, instance, journal, clock, ids, uid })
    }

    /// Refuses a hand on a bead that a live process works on.
    pub fn refuse_while_worked_on(&self, site: &Site, bead: &BeadId) -> Result<(), EngineError> {
        let dir = self.places.locks();
        match locks::look(&dir, &site.id, bead).map_err(|source| EngineError::Io { path: dir, source })? {
            Taken::Ours(_) => Ok(()),
            Taken::Theirs(pid) => {
                let who = pid.map_or_else(|| "another process".to_owned(), |p| format!("process {p}"));
                Err(Refusal::new(format!("bead `{bead}` is being worked on by {who}"))
                    .hint("stop it first: Ctrl-C in its terminal keeps the work")
                    .into())
            }
        }
    }

    /// Journals a person's own decision about a bead.
    pub fn by_hand(&self, site: &Site, bead: &BeadId, what: &str) -> Result<(), EngineError> {
        self.journal.tell(Entry {
            project: Some(site.id.clone()),
            bead: Some(bead.clone()),
            run: None,
            attempt: None,
            body: Body::ByHand { what: what.to_owned() },
        })?;
        Ok(())
    }

    /// Runs that the journal calls running although no process has them or works on their bead (rules 6.2).
    pub fn mark_interrupted(&self, rows: &mut [RunRow]) {
        for row in rows.iter_mut().filter(|row| row.state == "running") {
            let (Some(project), Some(bead)) = (&row.project, &row.bead) else { continue };
            let Ok(project) = serde_json::from_value(serde_json::Value::String(project.clone())) else {
                continue;
            };
            let taken = locks::look(&self.places.locks(), &project, &BeadId::new(bead.clone()));
            let kinds = [RunKind::Review, RunKind::Gate, RunKind::Shell];
            let kind = kinds.into_iter().find(|kind| kind.as_str() == row.kind);
            let own = kind.zip(RunId::parse(&row.run));
            let held = || own.is_some_and(|(kind, run)| outside::is_held(self, &project, (kind, &run)));
            if matches!(taken, Ok(Taken::Ours(_))) && !held() {
                "interrupted".clone_into(&mut row.state);
            }
        }
    }
}

impl Site {
    /// Opens the repository around `path`, its tracker and its quarantine.
    pub async fn open(house: &House, path: &Path) -> Result<Self, EngineError> {
        let git = Git::new(house.environment.inherited.0.iter().cloned());
        let repo = UserRepo::open(&git, path).await?;
        let id = ProjectId::of_path(repo.root());
        let means = beads::Means {
            environment: &house.environment.inherited.0,
            clock: Arc::clone(&house.clock),
            ids: Arc::clone(&house.ids),
        };
        let tracker = beads::open(repo.root(), &means).await?;
        let quarantine = Quarantine::open(&git, &house.places.quarantine(&id)).await?;
        if house.uid == 0 {
            use std::os::unix::fs::PermissionsExt as _;
            // Gates read it as another user; the state directory above it keeps everybody else out.
            let io = |source| EngineError::Io { path: quarantine.path().to_owned(), source };
            let mut mode = std::fs::metadata(quarantine.path()).map_err(io)?.permissions();
            // Reading goes on where nothing can be written any more (F32).
            if mode.mode() & 0o777 != 0o755 {
                mode.set_mode(0o755);
                std::fs::set_permissions(quarantine.path(), mode).map_err(io)?;
            }
        }
        let repo = Arc::new(GitRepository { user: repo, quarantine });
        Ok(Self { id, repo, tracker })
    }

    /// The project's folder, for messages.
    pub fn root(&self) -> PathBuf {
        self.repo.root().to_owned()
    }
}

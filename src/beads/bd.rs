//! The tracker behind a real `bd`: classic with SQLite, or 1.x with Dolt.
//!
//! Owns the [`Tracker`] over a program: one call at a time, each answer checked against what was asked. `bd` keeps
//! the contract of the trait less strictly than a file does: a write is one or a few calls, done in an order in which
//! a crash leaves a claim standing rather than work lost. The parts: [`program`] (start, bounds), [`version`] (what
//! differs), [`answer`] (what it said), [`asking`] (lock, retry, exact ids), [`reading`], [`claiming`], [`writing`],
//! [`creating`].

mod answer;
mod asking;
mod claiming;
mod creating;
mod error;
mod lock;
mod program;
mod reading;
mod version;
mod writing;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::{Claim, ClaimFrom, Edit, Release, Snapshot, Tracker, TrackerError};
use crate::clock::Clock;
use crate::domain::bead::{Bead, NewBead};
use crate::domain::ids::BeadId;
pub use error::BdError;
use program::{Call, Program};
use reading::Stamp;
use version::{Dialect, Fit, Version};

pub(crate) use version::Store;

/// `bd` has no deadline of its own: a held Dolt lock lets every command wait for ever.
const DEADLINE: Duration = Duration::from_secs(60);
/// As long as a few calls of another Beadwork take.
const TURN: Duration = Duration::from_secs(300);
/// On a `bd` whose claim reads and then writes: by then a rival that read before us has written too.
const SETTLE: Duration = Duration::from_millis(100);

/// A tracker that a `bd` keeps.
pub struct BdTracker {
    program: Program,
    dialect: Dialect,
    /// Where `bd` is started: the project.
    root: PathBuf,
    /// The `.beads` directory, absolute.
    dir: PathBuf,
    /// Classic: the file that clones exchange.
    file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    notes: Vec<String>,
    turn: tokio::sync::Mutex<()>,
    /// The classic file as it was when it was last imported.
    imported: Mutex<Option<Stamp>>,
    deadline: Duration,
}

/// What the machine offers for a store.
pub(crate) enum Offer {
    /// There is no `bd` on PATH.
    Nothing,
    Usable(Box<Ready>),
    /// There is one that cannot serve this store, and why.
    Unusable(String),
}

/// A program that fits, not yet bound to a project.
pub(crate) struct Ready {
    program: Program,
    dialect: Dialect,
}

/// Looks for a `bd` on PATH and asks for its version, once.
pub(crate) async fn offer(
    inherited: &[(OsString, OsString)],
    root: &Path,
    store: Store,
) -> Result<Offer, TrackerError> {
    let Some(program) = Program::find(inherited) else { return Ok(Offer::Nothing) };
    let path = program.path().display().to_string();
    let version = match ask_version(&program, root).await {
        Ok(version) => version,
        Err(error @ BdError::NotBd { .. }) => return Ok(Offer::Unusable(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let wanted = match store {
        Store::Classic => "a classic `bd` (0.47 to 0.50)",
        Store::Dolt => "`bd` 1.0.4 or later",
    };
    Ok(match Dialect::of(version, store) {
        Fit::Good(dialect) => Offer::Usable(Box::new(Ready { program, dialect })),
        Fit::OtherEra => Offer::Unusable(format!(
            "`{path}` is {version}, which keeps beads otherwise; this needs {wanted}"
        )),
        Fit::TooOld => {
            Offer::Unusable(format!("`{path}` is {version}, too old to be driven safely; install {wanted}"))
        }
    })
}

async fn ask_version(program: &Program, root: &Path) -> Result<Version, BdError> {
    #[derive(serde::Deserialize)]
    struct Said {
        version: String,
    }
    let args = [OsString::from("version"), OsString::from("--json")];
    let call =
        Call { name: "version", args: &args, dir: root, beads: None, actor: "beadwork", deadline: DEADLINE };
    let ran = program.run(&call).await?;
    let said = match answer::Answer::of(&ran.stdout) {
        answer::Answer::Values(values) => values.first().and_then(|v| serde_json::from_str::<Said>(v).ok()),
        _ => None,
    };
    said.and_then(|said| Version::parse(&said.version)).ok_or_else(|| BdError::NotBd {
        path: program.path().to_path_buf(),
        found: format!("`{}`", ran.stdout.chars().filter(|c| !c.is_control()).take(60).collect::<String>()),
    })
}

impl Ready {
    /// `dir` is the `.beads` directory, `file` the classic exchange file.
    pub(crate) fn bind(
        self,
        root: &Path,
        dir: PathBuf,
        file: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<BdTracker, TrackerError> {
        let absolute = |path: &Path| {
            path.canonicalize().map_err(|source| TrackerError::Io {
                doing: "find",
                path: path.to_path_buf(),
                source,
            })
        };
        let notes = self.dialect.note.iter().cloned().collect();
        Ok(BdTracker {
            root: absolute(root)?,
            dir: absolute(&dir)?,
            program: self.program,
            dialect: self.dialect,
            file,
            clock,
            notes,
            turn: tokio::sync::Mutex::new(()),
            imported: Mutex::new(None),
            deadline: DEADLINE,
        })
    }
}

impl BdTracker {
    /// What every snapshot shall say about this tracker, besides what its version calls for.
    pub(crate) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.splice(0..0, notes);
        self
    }
}

#[async_trait]
impl Tracker for BdTracker {
    async fn snapshot(&self) -> Result<Snapshot, TrackerError> {
        let _turn = self.reading().await?;
        self.list(None).await
    }

    async fn snapshot_around(&self, id: &BeadId) -> Result<Snapshot, TrackerError> {
        let _turn = self.reading().await?;
        self.list(Some(id)).await
    }

    async fn ready_ids(&self, snapshot: &Snapshot) -> Result<Option<Vec<BeadId>>, TrackerError> {
        let _turn = self.reading().await?;
        self.listed_as_ready(snapshot).await
    }

    async fn show(&self, id: &BeadId) -> Result<Bead, TrackerError> {
        let _turn = self.reading().await?;
        Ok(self.look(id).await?.bead)
    }

    async fn create(&self, new: &NewBead) -> Result<Bead, TrackerError> {
        let _turn = self.writing(&new.actor).await?;
        self.make(new).await
    }

    async fn close(&self, id: &BeadId, reason: &str, actor: &str) -> Result<Bead, TrackerError> {
        let _turn = self.writing(actor).await?;
        self.close_by_hand(id, reason, actor).await
    }

    async fn reopen(&self, id: &BeadId, actor: &str) -> Result<Bead, TrackerError> {
        let _turn = self.writing(actor).await?;
        self.open_again(id, actor).await
    }

    async fn comment(&self, id: &BeadId, author: &str, text: &str) -> Result<Bead, TrackerError> {
        let edit = Edit { comment: Some(text.to_owned()), ..Edit::default() };
        self.update(id, &edit, author).await
    }

    async fn update(&self, id: &BeadId, edit: &Edit, actor: &str) -> Result<Bead, TrackerError> {
        let _turn = self.writing(actor).await?;
        self.edit(id, edit, actor).await
    }

    async fn claim(&self, id: &BeadId, claim: &Claim, from: ClaimFrom) -> Result<Bead, TrackerError> {
        let _turn = self.writing(&claim.actor).await?;
        self.take(id, claim, from).await
    }

    async fn holds(&self, id: &BeadId, claim: &Claim) -> Result<bool, TrackerError> {
        let _turn = self.reading().await?;
        let seen = self.look(id).await?;
        Ok(super::grip::holds(&seen.bead, claim))
    }

    async fn release(&self, id: &BeadId, claim: &Claim, into: &Release) -> Result<Bead, TrackerError> {
        let _turn = self.writing(&claim.actor).await?;
        self.let_go(id, claim, into).await
    }
}

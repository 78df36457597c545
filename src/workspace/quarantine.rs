//! The quarantine: one bare repository per project through which all objects pass.
//!
//! Owns its creation without templates or hooks, the fetch of base commits from the user's repository by
//! object id (rules 2.1, 2.2) and our refs in it: `refs/base/<oid>` keeps a base, `refs/bead/<run>` a run's
//! work. It never checks anything out. Start with [`Quarantine::open`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::git::{ObjectError, Objects};
use super::private::{PlaceError, make_private};
use super::program::{Call, Git, GitError, Verb};
use super::repo::UserRepo;
use crate::domain::ids::{BadOid, Oid, RunId};

/// Long enough for the history of a large project from a slow disk.
const FETCH: Duration = Duration::from_secs(30 * 60);

/// A repository of some gigabytes takes minutes to pack.
const COLLECT: Duration = Duration::from_secs(20 * 60);

/// Our own copy of a project's objects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Quarantine {
    git: Git,
    path: PathBuf,
}

/// Something went wrong with our own repository.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    #[error("commit {0} is not in the user's repository")]
    NoSuchCommit(Oid),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Id(#[from] BadOid),
    #[error("cannot write `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Quarantine {
    /// Opens the repository at `path` (see `Places::quarantine`), creating it where it is missing or half made.
    /// Only its parent is private: the repository itself is readable, because a gate's container sees it
    /// through a read-only mount as another user.
    pub async fn open(git: &Git, path: &Path) -> Result<Self, QuarantineError> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        make_private(parent)?;
        if !path.join("config").exists() || !path.join("HEAD").exists() {
            // Repeating `init` after a crash, or beside another process, changes nothing that is there.
            git.strict(parent, Verb::Init).arg("--").arg(path).ok().await?;
        }
        Ok(Self { git: git.clone(), path: path.to_owned() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    pub(crate) fn call(&self, verb: Verb) -> Call<'_> {
        self.git.ours(&self.path, verb)
    }

    /// Reads its objects. Blocking.
    pub fn objects(&self) -> Result<Objects, QuarantineError> {
        Ok(Objects::open(&self.path)?)
    }

    /// Brings a commit of the user's repository with its history here and keeps it.
    pub async fn fetch(&self, from: &UserRepo, commit: &Oid) -> Result<(), QuarantineError> {
        let keeper = format!("refs/base/{commit}");
        if self.tip(&keeper).await?.is_some() {
            return Ok(());
        }
        let flags = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
        let fetched = self
            .call(Verb::Fetch)
            .config("fetch.unpackLimit=1")
            .config("protocol.file.allow=always")
            .args(flags)
            .args(["--no-recurse-submodules", "--no-prune", "--"])
            .arg(from.common_dir())
            .arg(format!("{commit}:{keeper}"))
            .deadline(FETCH)
            .ok()
            .await;
        match fetched {
            Ok(_) => Ok(()),
            Err(error) if error.stderr().contains("not our ref") => {
                Err(QuarantineError::NoSuchCommit(commit.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The object a ref of ours stands at.
    pub(crate) async fn tip(&self, full: &str) -> Result<Option<Oid>, QuarantineError> {
        let found = self.call(Verb::ShowRef).args(["--hash", "--", full]).run().await?;
        if found.code == 0 { Ok(Some(Oid::parse(&found.line())?)) } else { Ok(None) }
    }

    /// The commit that is kept for a run.
    pub async fn kept(&self, run: &RunId) -> Result<Option<Oid>, QuarantineError> {
        self.tip(&run.ref_name()).await
    }

    /// Keeps a commit under the run's ref, in place of what stood there.
    pub async fn keep(&self, run: &RunId, commit: &Oid) -> Result<(), QuarantineError> {
        self.set(&run.ref_name(), commit).await
    }

    pub(crate) async fn set(&self, full: &str, commit: &Oid) -> Result<(), QuarantineError> {
        self.call(Verb::UpdateRef).args(["--no-deref", "--", full, commit.as_str()]).ok().await?;
        Ok(())
    }

    /// Gives up what is kept for a run.
    pub async fn forget(&self, run: &RunId) -> Result<(), QuarantineError> {
        self.delete(&run.ref_name()).await
    }

    /// Gives up a ref that still stands at `tip`; one that is gone already is success.
    pub async fn release(&self, full: &str, tip: &Oid) -> Result<(), QuarantineError> {
        if self.tip(full).await?.is_some() {
            self.call(Verb::UpdateRef).args(["--no-deref", "-d", "--", full, tip.as_str()]).ok().await?;
        }
        Ok(())
    }

    /// Packs everything and drops what no ref reaches and nobody wrote within a day: an import under way has
    /// its objects before it has its ref.
    pub async fn collect(&self) -> Result<(), QuarantineError> {
        self.call(Verb::CollectGarbage).arg("--prune=1.day.ago").deadline(COLLECT).ok().await?;
        Ok(())
    }

    pub(crate) async fn delete(&self, full: &str) -> Result<(), QuarantineError> {
        if self.tip(full).await?.is_some() {
            self.call(Verb::UpdateRef).args(["--no-deref", "-d", "--", full]).ok().await?;
        }
        Ok(())
    }
}

//! The project's git, as the engine needs it: the user's repository, the quarantine and the clones in one.
//!
//! Owns the contract only. `git` keeps it with real repositories; the simulator has the one double, whose
//! history is a few lists. Every call may be repeated after a crash at any point inside it. Blocking reads
//! are short. Start with [`Repository`].

mod git;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tokio::io::AsyncRead;

use super::error::EngineError;
use crate::config::effective::Effective;
use crate::config::night::LandMode;
use crate::context::project::Summary;
use crate::domain::ids::{Oid, RunId};
use crate::land::{Landing, Steps};
use crate::workspace::clone::CloneRequest;
use crate::workspace::git::patch::Patch;
use crate::workspace::import::{ImportError, ImportLimits, Imported};
use crate::workspace::merge::{MergeRequest, Merged};
use crate::workspace::publish::Pushed;
use crate::workspace::repo::Head;

pub use git::GitRepository;

/// A checkout of a branch with changes of the user in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirt {
    pub root: PathBuf,
    /// Changed paths, as git spells them.
    pub paths: Vec<Vec<u8>>,
}

/// One landing on the user's branch.
#[derive(Debug, Clone, Copy)]
pub struct LandOrder<'a> {
    pub target: &'a str,
    pub old: &'a Oid,
    pub new: &'a Oid,
    pub tree: &'a Oid,
    pub run: &'a RunId,
    pub bead: &'a crate::domain::ids::BeadId,
    pub notes: &'a Path,
    /// `Branch`: the target stays, `bead/<id>` is made at `new` ([`Landing::OnBranch`]).
    pub mode: LandMode,
    /// The intent was journalled before: finish what was begun.
    pub again: bool,
}

#[async_trait::async_trait]
pub trait Repository: Send + Sync {
    /// The folder that the user knows.
    fn root(&self) -> &Path;
    /// What a gate's sandbox mounts read-only.
    fn quarantine_path(&self) -> &Path;

    async fn head(&self) -> Result<Head, EngineError>;
    async fn branch_tip(&self, branch: &str) -> Result<Option<Oid>, EngineError>;
    /// A file of a commit in the user's repository.
    fn file_at(&self, commit: &Oid, path: &str, max: u64) -> Result<Option<Vec<u8>>, EngineError>;
    /// Whether the commit in the quarantine has this file or folder, spelt the same.
    fn has_path(&self, commit: &Oid, path: &str) -> Result<bool, EngineError>;
    /// Names in a folder of a commit, each with whether it is a regular file; the double has no folders.
    fn folder_at(&self, _commit: &Oid, _path: &str) -> Result<Vec<(String, bool)>, EngineError> {
        Ok(Vec::new())
    }
    async fn is_reachable(&self, commit: &Oid, branch: &str) -> Result<bool, EngineError>;
    /// Every checkout of the branch that has changes in it.
    async fn dirt(&self, branch: &str) -> Result<Vec<Dirt>, EngineError>;

    /// Brings a commit of the user's repository into the quarantine.
    async fn fetch(&self, commit: &Oid) -> Result<(), EngineError>;
    /// Makes the private clone anew: what a crash left of one is removed first.
    async fn clone_for(&self, request: &CloneRequest<'_>) -> Result<(), EngineError>;
    fn remove_clone(&self, path: &Path) -> Result<(), EngineError>;
    /// What a prompt says about the project at this commit.
    fn summary(&self, commit: &Oid) -> Result<Summary, EngineError>;

    /// Reads an export into the quarantine, strictly.
    async fn import(
        &self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        limits: ImportLimits,
        base: &Oid,
        run: &RunId,
    ) -> Result<Imported, ImportError>;
    /// Shows what the quarantine keeps for the run under `refs/bead/<run>` of the user's repository.
    async fn publish(&self, run: &RunId) -> Result<(), EngineError>;
    /// Keeps another commit for the run, and publishes it.
    async fn offer(&self, run: &RunId, commit: &Oid) -> Result<(), EngineError>;

    /// Changed paths between two commits that wait for a person, each with why.
    fn held(&self, base: &Oid, tip: &Oid, settings: &Effective) -> Result<Vec<String>, EngineError>;
    /// The change between two commits of the quarantine as a unified diff without context. Files too large to be
    /// read by anybody have no lines in it.
    fn diff(&self, from: &Oid, to: &Oid) -> Result<String, EngineError>;
    async fn merge(&self, request: &MergeRequest<'_>) -> Result<Merged, EngineError>;
    fn tree_of(&self, commit: &Oid) -> Result<Oid, EngineError>;
    async fn land(&self, order: &LandOrder<'_>, steps: &dyn Steps) -> Result<Landing, EngineError>;
    /// Pushes a commit to a branch of a remote that the user's repository knows, never by force. Whatever the
    /// remote says is an answer, and a repetition changes nothing.
    async fn push(&self, remote: &str, commit: &Oid, branch: &str) -> Result<Pushed, EngineError>;

    /// The newest commits reachable from `tip` with their messages, for the checker.
    fn messages(&self, tip: &Oid, max: usize) -> Result<Vec<(Oid, String)>, EngineError>;
    /// What stands under `refs/bead/<run>` in the user's repository.
    fn kept(&self) -> Result<BTreeMap<String, Oid>, EngineError>;
    /// Where two histories of the user's repository parted.
    fn merge_base(&self, one: &Oid, other: &Oid) -> Result<Option<Oid>, EngineError>;
    fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> Result<bool, EngineError>;
    /// Whether the branch stood at this commit once.
    fn has_been_at(&self, branch: &str, commit: &Oid) -> Result<bool, EngineError>;

    /// The change from one commit of the quarantine to another, as people read it.
    fn change(&self, _base: &Oid, _tip: &Oid) -> Result<Patch, EngineError> {
        Ok(Patch::default())
    }

    /// Every ref of the quarantine.
    fn quarantined(&self) -> Result<BTreeMap<String, Oid>, EngineError> {
        Ok(BTreeMap::new())
    }
    /// The commits that the user's branches stand at.
    fn branch_tips(&self) -> Result<BTreeSet<Oid>, EngineError> {
        Ok(BTreeSet::new())
    }
    /// Removes `refs/bead/<run>` from the user's repository if it still stands at `tip`.
    async fn withdraw(&self, _run: &RunId, _tip: &Oid) -> Result<(), EngineError> {
        Ok(())
    }
    /// Removes a ref of the quarantine if it still stands at `tip`.
    async fn release(&self, _name: &str, _tip: &Oid) -> Result<(), EngineError> {
        Ok(())
    }
    /// Packs the quarantine, without old objects that no ref of it needs.
    async fn collect(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

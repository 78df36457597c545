//! The engine's repository on real git: the user's, the quarantine and private clones.
//!
//! Owns nothing but the wiring of the workspace and land rooms, and what is read out of a commit for the
//! prompt and for protected paths. Every rule about objects and refs is theirs. Start with [`GitRepository`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokio::io::AsyncRead;

use super::{Dirt, LandOrder, Repository};
use crate::config::effective::Effective;
use crate::config::night::LandMode;
use crate::context::Files;
use crate::context::project::Summary;
use crate::daemon::error::EngineError;
use crate::domain::ids::{Oid, RunId};
use crate::gate::protected::{self, Changed, Side};
use crate::land::{self, LandRequest, Landing, Steps};
use crate::workspace::clone::{self, CloneRequest};
use crate::workspace::diff::{Bounds, Diff};
use crate::workspace::git::Objects;
use crate::workspace::git::patch::Patch;
use crate::workspace::import::{self, ImportError, ImportLimits, Imported};
use crate::workspace::merge::{self, MergeRequest, Merged};
use crate::workspace::publish::{self, Pushed};
use crate::workspace::quarantine::Quarantine;
use crate::workspace::repo::{Head, UserRepo};

/// Files larger than this say nothing about a project that a prompt could use.
const READ_CAP: u64 = 256 << 10;
/// A tree with more files is summarised from its beginning.
const LISTED: usize = 20_000;
const COMMITS: usize = 10;
/// Manifests larger than this are held anyway: nobody can say what their scripts do.
const MANIFEST_CAP: u64 = 1 << 20;
/// A longer diff is read to here: lines beyond it belong to the change all the same.
const DIFF_CAP: usize = 8 << 20;
const SYMLINK: u32 = 0o120_000;

/// The user's repository and our quarantine of it.
#[derive(Debug, Clone)]
pub struct GitRepository {
    pub user: UserRepo,
    pub quarantine: Quarantine,
}

#[async_trait::async_trait]
impl Repository for GitRepository {
    fn root(&self) -> &Path {
        self.user.root()
    }

    fn quarantine_path(&self) -> &Path {
        self.quarantine.path()
    }

    async fn head(&self) -> Result<Head, EngineError> {
        Ok(self.user.head().await?)
    }

    async fn branch_tip(&self, branch: &str) -> Result<Option<Oid>, EngineError> {
        Ok(self.user.branch_tip(branch).await?)
    }

    fn file_at(&self, commit: &Oid, path: &str, max: u64) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.user.file_at(commit, path, max)?)
    }

    fn has_path(&self, commit: &Oid, path: &str) -> Result<bool, EngineError> {
        Ok(self.quarantine.objects()?.has_path(commit, path)?)
    }

    fn folder_at(&self, commit: &Oid, path: &str) -> Result<Vec<(String, bool)>, EngineError> {
        let entries = self.user.folder_at(commit, path)?;
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(entries.iter().map(|entry| (name(&entry.name), entry.is_file())).collect())
    }

    async fn is_reachable(&self, commit: &Oid, branch: &str) -> Result<bool, EngineError> {
        Ok(self.user.is_reachable(commit, branch).await?)
    }

    async fn dirt(&self, branch: &str) -> Result<Vec<Dirt>, EngineError> {
        let mut all = Vec::new();
        for tree in self.user.checked_out_in(branch).await? {
            let paths = self.user.dirty_in(&tree.root).await?;
            if !paths.is_empty() {
                all.push(Dirt { root: tree.root, paths });
            }
        }
        Ok(all)
    }

    async fn fetch(&self, commit: &Oid) -> Result<(), EngineError> {
        Ok(self.quarantine.fetch(&self.user, commit).await?)
    }

    async fn clone_for(&self, request: &CloneRequest<'_>) -> Result<(), EngineError> {
        clone::remove(request.path)?;
        Ok(clone::make(&self.quarantine, request).await?)
    }

    fn remove_clone(&self, path: &Path) -> Result<(), EngineError> {
        Ok(clone::remove(path)?)
    }

    fn summary(&self, commit: &Oid) -> Result<Summary, EngineError> {
        let objects = self.quarantine.objects()?;
        let commits: Vec<String> = objects.recent(commit, COMMITS)?.into_iter().map(|c| c.subject).collect();
        let files = CommitFiles { listed: objects.list(commit, LISTED)?, objects: &objects, base: commit };
        Ok(Summary::of(&files, &commits))
    }

    async fn import(
        &self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        limits: ImportLimits,
        base: &Oid,
        run: &RunId,
    ) -> Result<Imported, ImportError> {
        import::import(&self.quarantine, reader, limits, base, run).await
    }

    async fn publish(&self, run: &RunId) -> Result<(), EngineError> {
        publish::publish(&self.quarantine, &self.user, run).await?;
        Ok(())
    }

    async fn offer(&self, run: &RunId, commit: &Oid) -> Result<(), EngineError> {
        self.quarantine.keep(run, commit).await?;
        self.publish(run).await
    }

    fn held(&self, base: &Oid, tip: &Oid, settings: &Effective) -> Result<Vec<String>, EngineError> {
        let objects = self.quarantine.objects()?;
        let bounds = Bounds { files: u64::MAX, bytes: u64::MAX };
        let diff = Diff::between(&objects, base, tip, bounds)?;
        Ok(protected_paths(&objects, &diff, (base, tip), settings))
    }

    fn diff(&self, from: &Oid, to: &Oid) -> Result<String, EngineError> {
        let objects = self.quarantine.objects()?;
        let bounds = Bounds { files: u64::MAX, bytes: u64::MAX };
        Ok(Diff::between(&objects, from, to, bounds)?.unified(&objects, DIFF_CAP)?)
    }

    async fn merge(&self, request: &MergeRequest<'_>) -> Result<Merged, EngineError> {
        Ok(merge::merge(&self.quarantine, request).await?)
    }

    fn tree_of(&self, commit: &Oid) -> Result<Oid, EngineError> {
        Ok(self.quarantine.objects()?.tree_of(commit)?)
    }

    async fn land(&self, order: &LandOrder<'_>, steps: &dyn Steps) -> Result<Landing, EngineError> {
        let request = LandRequest {
            repo: &self.user,
            target: order.target,
            old: order.old,
            new: order.new,
            tree: order.tree,
            run: order.run,
            bead: order.bead,
            notes: order.notes,
        };
        Ok(match (order.mode, order.again) {
            (LandMode::Branch, _) => land::leave(&request, steps).await?,
            (LandMode::Merge, true) => land::recover(&request, steps).await?,
            (LandMode::Merge, false) => land::land(&request, steps).await?,
        })
    }

    async fn push(&self, remote: &str, commit: &Oid, branch: &str) -> Result<Pushed, EngineError> {
        Ok(publish::push(&self.user, remote, commit, branch).await?)
    }

    fn messages(&self, tip: &Oid, max: usize) -> Result<Vec<(Oid, String)>, EngineError> {
        Ok(self.user.objects()?.messages(tip, max)?)
    }

    fn kept(&self) -> Result<BTreeMap<String, Oid>, EngineError> {
        Ok(self.user.objects()?.refs_under("refs/bead/")?)
    }

    fn merge_base(&self, one: &Oid, other: &Oid) -> Result<Option<Oid>, EngineError> {
        Ok(self.user.objects()?.merge_base(one, other)?)
    }

    fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> Result<bool, EngineError> {
        Ok(self.user.objects()?.is_ancestor(ancestor, descendant)?)
    }

    fn has_been_at(&self, branch: &str, commit: &Oid) -> Result<bool, EngineError> {
        Ok(self.user.objects()?.has_been_at(branch, commit)?)
    }

    fn change(&self, base: &Oid, tip: &Oid) -> Result<Patch, EngineError> {
        Ok(self.quarantine.objects()?.change(base, tip)?)
    }

    fn quarantined(&self) -> Result<BTreeMap<String, Oid>, EngineError> {
        Ok(self.quarantine.objects()?.refs_under("refs/")?)
    }

    fn branch_tips(&self) -> Result<BTreeSet<Oid>, EngineError> {
        Ok(self.user.objects()?.refs_under("refs/heads/")?.into_values().collect())
    }

    async fn withdraw(&self, run: &RunId, tip: &Oid) -> Result<(), EngineError> {
        Ok(publish::withdraw(&self.user, run, tip).await?)
    }

    async fn release(&self, name: &str, tip: &Oid) -> Result<(), EngineError> {
        Ok(self.quarantine.release(name, tip).await?)
    }

    async fn collect(&self) -> Result<(), EngineError> {
        Ok(self.quarantine.collect().await?)
    }
}

/// The files of a commit, read from the quarantine and never from a work tree.
struct CommitFiles<'a> {
    objects: &'a Objects,
    base: &'a Oid,
    listed: Vec<crate::workspace::git::Listed>,
}

impl Files for CommitFiles<'_> {
    fn list(&self) -> Vec<String> {
        self.listed.iter().map(|f| f.path.clone()).collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.objects.file_at(self.base, path, READ_CAP).ok().flatten()
    }
}

/// Changed paths that wait for a person, each with why. The tracker's own are left out by the landing.
fn protected_paths(
    objects: &Objects,
    diff: &Diff,
    (base, tip): (&Oid, &Oid),
    settings: &Effective,
) -> Vec<String> {
    let shown: Vec<(String, Option<String>)> = diff
        .changes
        .iter()
        .filter(|c| !c.is_tracker())
        .map(|c| {
            let link = c.new.as_ref().filter(|side| side.mode == SYMLINK);
            let target = link.and_then(|side| objects.blob(&side.oid, 4096).ok());
            (c.shown(), target.map(|t| String::from_utf8_lossy(&t).into_owned()))
        })
        .collect();
    let changes: Vec<Changed<'_>> =
        shown.iter().map(|(path, link)| Changed { path, from: None, link: link.as_deref() }).collect();
    let read = |side: Side, path: &str| {
        let commit = match side {
            Side::Base => base,
            Side::Work => tip,
        };
        objects.file_at(commit, path, MANIFEST_CAP).ok().flatten()
    };
    protected::held(&changes, &settings.protected, &read)
        .into_iter()
        .map(|h| format!("{} ({})", h.path, h.why))
        .collect()
}

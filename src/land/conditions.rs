//! A checked-out target: may its files move, and their moving (rules 3.2).
//!
//! Owns every reason not to touch a work tree of the user, each in words, and the one command that changes
//! its files. Landing changes only what is tracked, clean and free of filters. Start with [`Ground`].

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::notes::Notes;
use super::{LandError, LandRequest, Time};
use crate::workspace::diff::{Bounds, Change, Diff};
use crate::workspace::program::{Call, Verb};
use crate::workspace::repo::{Operation, WorkTree};

mod attributes;
mod files;

/// Why a checked-out target stays where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    Dirty(Vec<String>),
    Operation(Operation),
    Sparse,
    /// Files git does not track, ignored ones included, where the landing adds a path.
    InTheWay(Vec<String>),
    /// Changed paths for which the user's git would run a filter or re-encode.
    Filtered(Vec<String>),
    /// Changed paths marked `assume-unchanged` or `skip-worktree`: git would not see the user's edits.
    Flagged(Vec<String>),
    /// The commit changes the tracker's own files.
    Tracker(Vec<String>),
    SeveralWorkTrees,
    WorkTreeGone(PathBuf),
    IndexLocked(PathBuf),
    /// What git itself said.
    Refused(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirty(paths) => write!(f, "uncommitted changes in {}", named(paths)),
            Self::Operation(operation) => write!(f, "a {operation} is in progress"),
            Self::Sparse => f.write_str("the checkout is sparse"),
            Self::InTheWay(paths) => {
                write!(f, "files that git does not track are in the way: {}", named(paths))
            }
            Self::Filtered(paths) => write!(f, "a filter or encoding is set for {}", named(paths)),
            Self::Flagged(paths) => {
                write!(f, "marked assume-unchanged or skip-worktree: {}", named(paths))
            }
            Self::Tracker(paths) => write!(f, "the commit changes the tracker's files {}", named(paths)),
            Self::SeveralWorkTrees => f.write_str("the target is checked out in several work trees"),
            Self::WorkTreeGone(path) => write!(
                f,
                "the work tree `{}` that has the target checked out is gone (`git worktree prune` forgets it)",
                path.display()
            ),
            Self::IndexLocked(path) => write!(f, "another git holds `{}`", path.display()),
            Self::Refused(words) => write!(f, "git refused: {words}"),
        }
    }
}

fn named(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().take(5).map(|p| format!("`{p}`")).collect();
    let more = paths.len().saturating_sub(5);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn shown<P: AsRef<[u8]>>(paths: impl IntoIterator<Item = P>) -> Vec<String> {
    paths.into_iter().map(|p| String::from_utf8_lossy(p.as_ref()).into_owned()).collect()
}

/// The one work tree in which the target is checked out, and what the landing would change there.
pub(super) struct Ground<'a> {
    request: &'a LandRequest<'a>,
    tree: &'a WorkTree,
    changes: Vec<Change>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(request: &'a LandRequest<'a>, tree: &'a WorkTree) -> Result<Self, LandError> {
        let bounds = Bounds { files: u64::MAX, bytes: u64::MAX };
        let diff = Diff::between(&request.repo.objects()?, request.old, request.new, bounds)?;
        Ok(Self { request, tree, changes: diff.changes })
    }

    pub(super) fn root(&self) -> &Path {
        // A folder that is gone is an obstacle found before anything runs in it.
        &self.tree.root
    }

    fn call(&self, verb: Verb) -> Call<'_> {
        self.request.repo.git.users(&self.tree.root, verb)
    }

    /// Whether the index already is the new commit's on every path the landing changes: the crash came
    /// between files and ref, and only the ref is to do.
    pub(super) async fn is_moved(&self) -> Result<bool, LandError> {
        if self.tree.git_dir.is_none() || self.changes.is_empty() {
            return Ok(false);
        }
        let differs = self.call(Verb::DiffIndex).args([self.request.new.as_str(), "--"]).ok().await?;
        let differs: BTreeSet<&[u8]> = differs.fields().collect();
        Ok(!self.changes.iter().any(|change| differs.contains(change.path.as_slice())))
    }

    /// The first reason not to move the files, cheapest questions first.
    pub(super) async fn obstacle(&self, time: Time) -> Result<Option<Obstacle>, LandError> {
        let Some(git_dir) = &self.tree.git_dir else {
            return Ok(Some(Obstacle::WorkTreeGone(self.tree.root.clone())));
        };
        if let Some(operation) = Operation::in_git_dir(git_dir) {
            return Ok(Some(Obstacle::Operation(operation)));
        }
        let tracker: Vec<&Change> = self.changes.iter().filter(|c| c.is_tracker()).collect();
        if !tracker.is_empty() {
            return Ok(Some(Obstacle::Tracker(shown(tracker.iter().map(|c| &c.path)))));
        }
        if let Some(lock) = self.index_lock(git_dir).await {
            return Ok(Some(Obstacle::IndexLocked(lock)));
        }
        if self.is_sparse().await? {
            return Ok(Some(Obstacle::Sparse));
        }
        let dirty = self.request.repo.dirty_in(&self.tree.root).await?;
        let half = if time == Time::Again { self.half_written(&dirty)? } else { BTreeSet::new() };
        let foreign: Vec<&Vec<u8>> = dirty.iter().filter(|path| !half.contains(*path)).collect();
        let in_the_way = files::in_the_way(&self.tree.root, &self.changes, &half);
        let foreign_too = !foreign.is_empty() || !in_the_way.is_empty();
        if !half.is_empty() && foreign_too {
            let paths = shown(foreign.into_iter().chain(&in_the_way));
            return Err(LandError::HalfMoved { root: self.tree.root.clone(), paths });
        }
        if !foreign.is_empty() {
            return Ok(Some(Obstacle::Dirty(shown(foreign))));
        }
        if !in_the_way.is_empty() {
            return Ok(Some(Obstacle::InTheWay(shown(in_the_way))));
        }
        let flagged = self.flagged().await?;
        if !flagged.is_empty() {
            return Ok(Some(Obstacle::Flagged(shown(flagged))));
        }
        let filtered = self.filtered().await?;
        Ok((!filtered.is_empty()).then(|| Obstacle::Filtered(shown(filtered))))
    }

    /// Another git of the user's gets a moment to finish.
    async fn index_lock(&self, git_dir: &Path) -> Option<PathBuf> {
        let lock = git_dir.join("index.lock");
        for _ in 0..10 {
            if lock.symlink_metadata().is_err() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(lock)
    }

    async fn is_sparse(&self) -> Result<bool, LandError> {
        let found = self.call(Verb::ConfigGet).arg(r"^core\.sparsecheckout$").run().await?;
        let last = found.fields().last().map(|f| String::from_utf8_lossy(f).to_lowercase());
        let value = last.as_deref().map(|text| text.split_once('\n').map_or("true", |(_, value)| value));
        Ok(value.is_some_and(|value| !matches!(value, "false" | "no" | "off" | "0" | "")))
    }

    /// `ls-files -v` writes `S` for skip-worktree and a small letter for assume-unchanged.
    async fn flagged(&self) -> Result<Vec<Vec<u8>>, LandError> {
        let listed = self.call(Verb::LsFiles).arg("-v").ok().await?;
        let changed: BTreeSet<&[u8]> = self.changes.iter().map(|c| c.path.as_slice()).collect();
        Ok(listed
            .fields()
            .filter(|f| f.len() > 2 && (f[0] == b'S' || f[0].is_ascii_lowercase()))
            .filter(|f| changed.contains(&f[2..]))
            .map(|f| f[2..].to_vec())
            .collect())
    }

    /// Files of ours from a read-tree that was cut off: changed paths whose bytes are the new commit's, or
    /// the beginning of them, or that are missing. Nothing of the user's is in them.
    fn half_written(&self, dirty: &[Vec<u8>]) -> Result<BTreeSet<Vec<u8>>, LandError> {
        let dirty: BTreeSet<&Vec<u8>> = dirty.iter().collect();
        let objects = self.request.repo.objects()?;
        let mut half = BTreeSet::new();
        for change in &self.changes {
            let path = self.tree.root.join(OsStr::from_bytes(&change.path));
            let exists = path.symlink_metadata().is_ok();
            let suspect = dirty.contains(&change.path) || (change.old.is_none() && exists);
            let ours = match &change.new {
                _ if !exists => true,
                Some(new) => files::is_beginning_of(&path, &objects.blob(&new.oid, u64::MAX)?),
                None => false,
            };
            if suspect && ours {
                half.insert(change.path.clone());
            }
        }
        Ok(half)
    }

    /// Index and files become the new commit's. Git checks every path before it changes the first.
    pub(super) async fn move_files(&self, time: Time) -> Result<Option<Obstacle>, LandError> {
        if time == Time::Again {
            let dirty = self.request.repo.dirty_in(&self.tree.root).await?;
            for path in self.half_written(&dirty)? {
                // Every byte of it is in the new commit, which is written here next.
                let _ = std::fs::remove_file(self.tree.root.join(OsStr::from_bytes(&path)));
            }
        }
        // Touched but unchanged files would make read-tree refuse; this rewrites times in the index only.
        self.call(Verb::RefreshIndex).run().await?;
        let (old, new) = (self.request.old.as_str(), self.request.new.as_str());
        let moved = self.read_tree(old, new).await?;
        if moved.code == 0 {
            return Ok(None);
        }
        Ok(Some(Obstacle::Refused(moved.stderr.trim_end().to_owned())))
    }

    /// The files go back to the old commit's: nobody could change them while the ref was locked and clean.
    pub(super) async fn move_back(&self) -> Result<(), LandError> {
        if !self.is_moved().await? {
            return Ok(());
        }
        let (old, new) = (self.request.old.as_str(), self.request.new.as_str());
        let moved = self.read_tree(new, old).await?;
        if moved.code == 0 {
            return Ok(());
        }
        Err(LandError::Git(moved.failed("read-tree", self.tree.root.clone())))
    }

    async fn read_tree(&self, from: &str, to: &str) -> Result<crate::workspace::program::Output, LandError> {
        let notes = Notes::at(self.request.notes);
        // The note is for the next process; failing to write it does not make moving files less safe.
        let note = move |who| drop(notes.add(&who));
        let call = self.call(Verb::ReadTree).args(["-m", "-u", from, to]);
        Ok(call.deadline(Duration::from_secs(10 * 60)).noting(note).run().await?)
    }
}

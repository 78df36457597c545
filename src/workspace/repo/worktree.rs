//! Work trees of the user: which there are, what is checked out in them, what is under way there.
//!
//! Owns the reading of `git worktree list` and of the marker files in a work tree's git directory. A branch
//! under a rebase or bisect counts as checked out: git itself refuses to move it. Start with [`WorkTree`].

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{RepoError, UserRepo};
use crate::workspace::diff::is_tracker_path;
use crate::workspace::program::Verb;

/// One work tree in which a branch is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree {
    pub root: PathBuf,
    /// Its own git directory; `None` when the work tree's folder is gone.
    pub git_dir: Option<PathBuf>,
}

/// Something the user began in a work tree and has not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Merge,
    Rebase,
    CherryPick,
    Revert,
    Bisect,
}

impl Operation {
    pub(crate) fn in_git_dir(git_dir: &Path) -> Option<Self> {
        let marks = [
            ("MERGE_HEAD", Self::Merge),
            ("rebase-merge", Self::Rebase),
            ("rebase-apply", Self::Rebase),
            ("CHERRY_PICK_HEAD", Self::CherryPick),
            ("REVERT_HEAD", Self::Revert),
            ("sequencer", Self::CherryPick),
            ("BISECT_LOG", Self::Bisect),
        ];
        marks.into_iter().find(|(name, _)| git_dir.join(name).symlink_metadata().is_ok()).map(|(_, op)| op)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        })
    }
}

impl UserRepo {
    /// Every work tree that has the branch checked out, or is rebasing or bisecting it.
    pub async fn checked_out_in(&self, branch: &str) -> Result<Vec<WorkTree>, RepoError> {
        let listed = self.call(Verb::WorktreeList).ok().await?;
        let full = format!("refs/heads/{branch}");
        let mut found = Vec::new();
        let mut root = None;
        let mut holds = false;
        // An empty field ends each work tree's list of fields.
        for field in listed.stdout.split(|b| *b == 0) {
            if let Some(path) = field.strip_prefix(b"worktree ") {
                root = Some(PathBuf::from(OsStr::from_bytes(path)));
                holds = false;
            } else if field.strip_prefix(b"branch ") == Some(full.as_bytes()) {
                holds = true;
            } else if field.is_empty()
                && let Some(root) = root.take()
            {
                let git_dir = self.git_dir_of(&root).await?;
                if holds || git_dir.as_deref().is_some_and(|dir| is_at_work_on(dir, branch, &full)) {
                    found.push(WorkTree { root, git_dir });
                }
            }
        }
        Ok(found)
    }

    async fn git_dir_of(&self, root: &Path) -> Result<Option<PathBuf>, RepoError> {
        if root == self.root() {
            return Ok(Some(self.git_dir().to_owned()));
        }
        if !root.is_dir() {
            return Ok(None);
        }
        let asked = self.git.users(root, Verb::RevParse).arg("--absolute-git-dir").run().await?;
        Ok((asked.code == 0).then(|| PathBuf::from(asked.line())))
    }

    /// Dirty paths of one of its work trees, see [`UserRepo::dirty_paths`].
    pub(crate) async fn dirty_in(&self, root: &Path) -> Result<Vec<Vec<u8>>, RepoError> {
        let status = self.git.users(root, Verb::Status).arg("--ignore-submodules=dirty").ok().await?;
        Ok(status
            .fields()
            .filter_map(|field| field.get(3..))
            .filter(|path| !is_tracker_path(path))
            .map(<[u8]>::to_vec)
            .collect())
    }
}

/// Whether a rebase or bisect there has taken its head off this branch.
fn is_at_work_on(git_dir: &Path, branch: &str, full: &str) -> bool {
    let marks = ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];
    marks.iter().any(|mark| {
        std::fs::read_to_string(git_dir.join(mark))
            .is_ok_and(|text| text.trim() == full || text.trim() == branch)
    })
}

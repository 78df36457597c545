//! The user's repository, seen without changing it.
//!
//! Owns what makes a repository usable for us (rules 2.2) and the questions asked before work and landing:
//! head, branch tips, dirty paths, operations in progress, who has a branch checked out. It moves nothing:
//! `land` does. Start with [`UserRepo::open`].

use std::path::{Path, PathBuf};

use super::git::{Entry, ObjectError, Objects};
use super::program::{Call, Git, GitError, Verb};
use crate::domain::ids::{BadOid, Oid};

mod driver;
mod worktree;

pub use driver::DRIVER;
pub use worktree::{Operation, WorkTree};

/// A repository of the user with a work tree.
#[derive(Debug, Clone)]
pub struct UserRepo {
    pub(crate) git: Git,
    root: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

/// What the user has checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    Branch {
        name: String,
        tip: Oid,
    },
    Detached(Oid),
    /// A branch without any commit.
    Unborn {
        name: String,
    },
}

/// Why a repository cannot be used, or a question about it not be answered.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    #[error("`{}` is not in a git repository: run `git init` there, or give `--project`", .0.display())]
    NotARepository(PathBuf),
    #[error("`{}` is a bare repository: run bead where its files are checked out", .0.display())]
    Bare(PathBuf),
    #[error("`{}` is a shallow clone: run `git fetch --unshallow` first", .0.display())]
    Shallow(PathBuf),
    #[error("`{}` is a partial clone, its objects are not all here: clone it without `--filter`", .0.display())]
    Partial(PathBuf),
    #[error("`{}` belongs to another user, so git will not trust it: run bead as its owner, or `chown -R` it", .0.display())]
    ForeignOwner(PathBuf),
    #[error("`{}` keeps its {what} in a format that bead cannot read", path.display())]
    Format { path: PathBuf, what: &'static str },
    #[error("`{}` cannot be used: its path holds a line break", .0.display())]
    OddPath(PathBuf),
    #[error("`{0}` is not a branch name that git takes")]
    BadBranch(String),
    #[error("branch `{0}` is a symbolic ref: give the branch it stands for as the target")]
    SymbolicBranch(String),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Id(#[from] BadOid),
}

impl UserRepo {
    /// Finds the repository that `path` lies in.
    pub async fn open(git: &Git, path: &Path) -> Result<Self, RepoError> {
        let asked = ["--path-format=absolute", "--is-bare-repository", "--is-shallow-repository"];
        let places = ["--show-object-format", "--absolute-git-dir", "--git-common-dir"];
        // By our own rules, so that the user's `safe.directory` does not hide a foreign owner.
        let found = git.strict(path, Verb::RevParse).args(asked).args(places).run().await?;
        if found.code != 0 {
            return Err(refusal(path, found));
        }
        let text = found.line();
        let lines: Vec<&str> = text.lines().collect();
        let [bare, shallow, format, git_dir, common_dir] = lines[..] else {
            return Err(RepoError::OddPath(path.to_owned()));
        };
        if bare == "true" {
            return Err(RepoError::Bare(git_dir.into()));
        }
        let top = git.strict(path, Verb::RevParse).arg("--show-toplevel").run().await?;
        if top.code != 0 {
            return Err(refusal(path, top));
        }
        let root = PathBuf::from(top.line());
        if shallow == "true" {
            return Err(RepoError::Shallow(root));
        }
        if format != "sha1" {
            return Err(RepoError::Format { path: root, what: "objects" });
        }
        let repo = Self { git: git.clone(), root, git_dir: git_dir.into(), common_dir: common_dir.into() };
        let partial = r"^(remote\..*\.(promisor|partialclonefilter)|extensions\.partialclone)$";
        if repo.call(Verb::ConfigGet).arg(partial).yes().await? {
            return Err(RepoError::Partial(repo.root));
        }
        // Locks, and what a crash leaves of them, are files only in git's classic ref format.
        if repo.call(Verb::ConfigGet).args([r"^extensions\.refstorage$", "reftable"]).yes().await? {
            return Err(RepoError::Format { path: repo.root, what: "refs" });
        }
        Ok(repo)
    }

    /// The top of the work tree this was opened in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// This work tree's own git directory.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all its work trees share; the same for every linked work tree.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    pub(crate) fn call(&self, verb: Verb) -> Call<'_> {
        self.git.users(&self.root, verb)
    }

    /// Reads its objects. Blocking.
    pub fn objects(&self) -> Result<Objects, RepoError> {
        Ok(Objects::open(&self.common_dir)?)
    }

    pub async fn head(&self) -> Result<Head, RepoError> {
        let symbolic = self.call(Verb::SymbolicRefRead).arg("HEAD").run().await?;
        if symbolic.code != 0 {
            let tip = self.call(Verb::RevParse).args(["--verify", "HEAD^{commit}"]).ok().await?;
            return Ok(Head::Detached(Oid::parse(&tip.line())?));
        }
        let name = symbolic.line();
        let name = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
        match self.branch_tip(&name).await? {
            Some(tip) => Ok(Head::Branch { name, tip }),
            None => Ok(Head::Unborn { name }),
        }
    }

    /// The commit a local branch stands at; `None` where there is no such branch.
    pub async fn branch_tip(&self, name: &str) -> Result<Option<Oid>, RepoError> {
        self.ref_tip(&format!("refs/heads/{name}")).await
    }

    pub(crate) async fn ref_tip(&self, full: &str) -> Result<Option<Oid>, RepoError> {
        // show-ref takes the name as it is: `main~1` or `main@{1}` is no branch.
        let found = self.call(Verb::ShowRef).args(["--hash", "--", full]).run().await?;
        if found.code != 0 {
            return Ok(None);
        }
        Ok(Some(Oid::parse(&found.line())?))
    }

    /// Refuses what git would not take as a branch, and branches that only point at another ref.
    pub async fn check_branch(&self, name: &str) -> Result<(), RepoError> {
        let full = format!("refs/heads/{name}");
        let plain = !name.is_empty() && !name.contains(['\n', '\0']) && name != "HEAD";
        if !plain || self.call(Verb::CheckRefFormat).arg(&full).run().await?.code != 0 {
            return Err(RepoError::BadBranch(name.to_owned()));
        }
        if self.call(Verb::SymbolicRefRead).arg(&full).run().await?.code == 0 {
            return Err(RepoError::SymbolicBranch(name.to_owned()));
        }
        Ok(())
    }

    /// Tracked files outside `.beads/` that differ from the commit checked out here, staged or not. Files
    /// git does not track are not among them: they matter only where a landing would add their path.
    pub async fn dirty_paths(&self) -> Result<Vec<String>, RepoError> {
        let dirty = self.dirty_in(&self.root).await?;
        Ok(dirty.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// A regular file of a commit, `max` bytes at most.
    pub fn file_at(&self, commit: &Oid, path: &str, max: u64) -> Result<Option<Vec<u8>>, RepoError> {
        Ok(self.objects()?.file_at(commit, path, max)?)
    }

    /// What lies in a folder of a commit.
    pub fn folder_at(&self, commit: &Oid, path: &str) -> Result<Vec<Entry>, RepoError> {
        Ok(self.objects()?.folder_at(commit, path)?)
    }

    /// Whether the branch holds the commit. A commit or branch that is not there is not reachable.
    pub async fn is_reachable(&self, commit: &Oid, branch: &str) -> Result<bool, RepoError> {
        let Some(tip) = self.branch_tip(branch).await? else { return Ok(false) };
        let objects = self.objects()?;
        Ok(objects.is_commit(commit) && objects.is_ancestor(commit, &tip)?)
    }
}

fn refusal(path: &Path, found: super::program::Output) -> RepoError {
    let path = path.to_owned();
    if found.stderr.contains("dubious ownership") {
        RepoError::ForeignOwner(path)
    } else if found.stderr.contains("not a git repository") {
        RepoError::NotARepository(path)
    } else if found.stderr.contains("must be run in a work tree") {
        RepoError::Bare(path)
    } else {
        RepoError::Git(found.failed("rev-parse", path))
    }
}

#[cfg(test)]
mod tests;

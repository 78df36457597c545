//! Landing: the target branch moves to exactly the gated commit, or a branch beside it is made.
//!
//! Owns rules 3 to the letter: compare-and-swap, a checked-out target's files and ref moved together inside
//! one prepared ref transaction, and the end of a landing that a crash cut off. It makes no commits, closes
//! no beads and never resets, stashes or cleans. Start with [`land`] and [`LandRequest`].

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::domain::ids::{BeadId, Oid, RunId};
use crate::workspace::git::ObjectError;
use crate::workspace::program::GitError;
use crate::workspace::repo::{RepoError, UserRepo};

mod beside;
mod conditions;
mod notes;
mod recovery;
mod transaction;

pub use conditions::Obstacle;

use conditions::Ground;
use notes::Notes;
use transaction::{Prepared, Tried};

/// One landing. The same request, given again, finishes what it began.
#[derive(Debug, Clone, Copy)]
pub struct LandRequest<'a> {
    pub repo: &'a UserRepo,
    /// A local branch, without `refs/heads/`.
    pub target: &'a str,
    /// Where the target stood when the gates ran.
    pub old: &'a Oid,
    /// The gated merge commit; its objects are in the user's repository already (`publish`).
    pub new: &'a Oid,
    /// The tree that the gates passed.
    pub tree: &'a Oid,
    pub run: &'a RunId,
    pub bead: &'a BeadId,
    /// `Places::landing(run)`: where this landing notes which git processes it started.
    pub notes: &'a Path,
}

/// How a landing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// The target holds the commit.
    Advanced,
    /// The target could not be moved without touching what is the user's: the commit stands on `branch`.
    Beside { branch: String, why: Obstacle },
    /// The commit stands on a branch of its own, as the project wishes; the target was not touched.
    OnBranch { branch: String },
    /// The target stands elsewhere (or is gone): merge and gate again.
    Moved { tip: Option<Oid> },
}

/// The steps of a landing, each reached once it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Nothing stands in the way so far.
    Checked,
    /// The branch is locked: `commit`s of the user fail until the end.
    Prepared,
    /// Still nothing stands in the way.
    Rechecked,
    /// Index and files of the work tree are the new commit's.
    FilesMoved,
    /// The branch is the new commit's.
    Committed,
    /// The branch beside the target is made.
    BranchMade,
}

/// Someone who watches a landing. `Break` abandons it on the spot, as a crash would: for tests of recovery.
pub trait Steps: Send + Sync {
    fn reached(&self, step: Step) -> ControlFlow<()>;
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Steps for Unwatched {
    fn reached(&self, _: Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A landing without a result. All but `WrongTree` may be tried again with [`recover`].
#[derive(Debug, thiserror::Error)]
pub enum LandError {
    #[error(
        "commit {commit} has tree {found}, the gates passed {gated}: nothing more lands until this is understood"
    )]
    WrongTree { commit: Oid, found: Oid, gated: Oid },
    #[error("`{}` is in the way and is not ours to remove: if no git is running, delete it", .0.display())]
    Locked(PathBuf),
    #[error("git process {pid} of an earlier landing still runs")]
    StillRunning { pid: u32 },
    #[error("a crash left files of the landing in `{}`, and other changes came since: commit or undo those, then retry ({})", root.display(), paths.join(", "))]
    HalfMoved { root: PathBuf, paths: Vec<String> },
    #[error("neither `{first}` nor `{second}` can be made: both stand at other commits")]
    NoBranch { first: String, second: String },
    #[error("the landing was abandoned after step {0:?}")]
    Abandoned(Step),
    #[error("the target was checked out and left again too often while landing")]
    Restless,
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("cannot write `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Whether an earlier try of this landing may have left traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    First,
    Again,
}

/// Lands. The caller has journalled its intent.
pub async fn land(request: &LandRequest<'_>, steps: &dyn Steps) -> Result<Landing, LandError> {
    Lander { request: *request, steps, time: Time::First }.go().await
}

/// Finishes a landing that a crash cut off at any step; repeating it changes nothing (rules 3.3). Call it
/// only while the journalled intent is open.
pub async fn recover(request: &LandRequest<'_>, steps: &dyn Steps) -> Result<Landing, LandError> {
    recovery::clear_the_way(request).await?;
    Lander { request: *request, steps, time: Time::Again }.go().await
}

/// Leaves the commit on a branch of its own for the user to merge; may be repeated.
pub async fn leave(request: &LandRequest<'_>, steps: &dyn Steps) -> Result<Landing, LandError> {
    let lander = Lander { request: *request, steps, time: Time::First };
    lander.check_tree()?;
    let branch = beside::make(request).await?;
    lander.reached(Step::BranchMade)?;
    Ok(Landing::OnBranch { branch })
}

struct Lander<'a> {
    request: LandRequest<'a>,
    steps: &'a dyn Steps,
    time: Time,
}

impl Lander<'_> {
    async fn go(&self) -> Result<Landing, LandError> {
        let LandRequest { repo, target, old, new, .. } = self.request;
        repo.check_branch(target).await?;
        self.check_tree()?;
        // The target may be checked out, or left, between a look and the lock.
        for _ in 0..3 {
            let tip = repo.branch_tip(target).await?;
            if let Some(tip) = &tip
                && repo.objects()?.is_ancestor(new, tip)?
            {
                Notes::at(self.request.notes).remove()?;
                return Ok(Landing::Advanced);
            }
            if tip.as_ref() != Some(old) {
                return self.end(Landing::Moved { tip }).await;
            }
            if let Some(landing) = self.try_once().await? {
                return self.end(landing).await;
            }
        }
        Err(LandError::Restless)
    }

    /// `None`: look again, the target was checked out or left meanwhile.
    async fn try_once(&self) -> Result<Option<Landing>, LandError> {
        let request = &self.request;
        let trees = request.repo.checked_out_in(request.target).await?;
        let ground = match &trees[..] {
            [] => None,
            [one] => Some(Ground::new(request, one)?),
            [_, ..] => return self.beside(Obstacle::SeveralWorkTrees).await.map(Some),
        };
        let moved = match &ground {
            Some(ground) => self.time == Time::Again && ground.is_moved().await?,
            None => false,
        };
        if let (Some(ground), false) = (&ground, moved)
            && let Some(why) = ground.obstacle(self.time).await?
        {
            return self.beside(why).await.map(Some);
        }
        self.reached(Step::Checked)?;
        let root = ground.as_ref().map_or(request.repo.root(), Ground::root);
        let prepared = match Prepared::take(request, root).await? {
            Tried::Prepared(prepared) => prepared,
            Tried::Moved(tip) => return Ok(Some(Landing::Moved { tip })),
        };
        self.reached(Step::Prepared)?;
        if request.repo.checked_out_in(request.target).await? != trees {
            prepared.give_up().await;
            return Ok(None);
        }
        if let (Some(ground), false) = (&ground, moved)
            && let Some(why) = self.move_files(ground).await?
        {
            prepared.give_up().await;
            return self.beside(why).await.map(Some);
        }
        if let Err(error) = prepared.commit().await {
            return self.undo(ground.as_ref(), error).await;
        }
        self.reached(Step::Committed)?;
        Ok(Some(Landing::Advanced))
    }

    async fn move_files(&self, ground: &Ground<'_>) -> Result<Option<Obstacle>, LandError> {
        if let Some(why) = ground.obstacle(self.time).await? {
            return Ok(Some(why));
        }
        self.reached(Step::Rechecked)?;
        if let Some(why) = ground.move_files(self.time).await? {
            return Ok(Some(why));
        }
        self.reached(Step::FilesMoved)?;
        Ok(None)
    }

    /// The ref would not move: files go back, unless it did move after all.
    async fn undo(&self, ground: Option<&Ground<'_>>, error: GitError) -> Result<Option<Landing>, LandError> {
        let tip = self.request.repo.branch_tip(self.request.target).await?;
        if tip.as_ref() == Some(self.request.new) {
            return Ok(Some(Landing::Advanced));
        }
        if let Some(ground) = ground {
            ground.move_back().await?;
        }
        Err(error.into())
    }

    async fn beside(&self, why: Obstacle) -> Result<Landing, LandError> {
        let branch = beside::make(&self.request).await?;
        self.reached(Step::BranchMade)?;
        Ok(Landing::Beside { branch, why })
    }

    /// Believes the branch alone: what stands there now holds the gated tree, or it is another story.
    async fn end(&self, landing: Landing) -> Result<Landing, LandError> {
        let LandRequest { repo, target, new, notes, .. } = self.request;
        Notes::at(notes).remove()?;
        if landing != Landing::Advanced {
            return Ok(landing);
        }
        self.check_tree()?;
        match repo.branch_tip(target).await? {
            Some(tip) if repo.objects()?.is_ancestor(new, &tip)? => Ok(landing),
            tip => Ok(Landing::Moved { tip }),
        }
    }

    /// What lands is what was gated (T28).
    fn check_tree(&self) -> Result<(), LandError> {
        let LandRequest { repo, new, tree, .. } = self.request;
        let found = repo.objects()?.tree_of(new)?;
        if found == *tree {
            return Ok(());
        }
        Err(LandError::WrongTree { commit: new.clone(), found, gated: tree.clone() })
    }

    fn reached(&self, step: Step) -> Result<(), LandError> {
        match self.steps.reached(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(LandError::Abandoned(step)),
        }
    }
}

#[cfg(test)]
mod tests;

//! The engine's repository on the virtual git: the one double of [`Repository`].
//!
//! Owns the contract's order of things (what is fetched, kept, published, landed) and a landing whose steps can
//! be died at; what the history is made of stands in `forge`. A handle of a killed daemon does nothing any
//! more. Start with [`VirtualRepository`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::forge::{Forge, State, Union, commit_of};
use super::world::Blindness;
use crate::config::effective::Effective;
use crate::config::night::LandMode;
use crate::context::project::Summary;
use crate::daemon::effects::clean_up::remove_dir;
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::daemon::repository::{Dirt, LandOrder, Repository};
use crate::domain::ids::{Oid, RunId};
use crate::land::{LandError, Landing, Obstacle, Step, Steps};
use crate::workspace::clone::CloneRequest;
use crate::workspace::diff::{Change, Side};
use crate::workspace::import::{Import, ImportError, ImportLimits, Imported};
use crate::workspace::merge::{MergeRequest, Merged, Purpose};
use crate::workspace::publish::Pushed;
use crate::workspace::repo::Head;

/// An export is a line; more is somebody's game.
const EXPORT_CAP: usize = 4096;
/// Git takes its time: between these steps a user may do something.
const STEP: Duration = Duration::from_millis(40);

/// A project as one daemon sees it.
pub(super) struct VirtualRepository {
    pub(super) forge: Arc<Forge>,
    /// The bare repository that gates mount.
    pub(super) quarantine: PathBuf,
    pub(super) blind: Blindness,
}

fn gone(what: &str) -> EngineError {
    Refusal::new(format!("the virtual repository has no {what}")).into()
}

impl VirtualRepository {
    fn known<'a>(state: &'a State, commit: &Oid) -> Result<&'a super::forge::Commit, EngineError> {
        state.commit(commit).ok_or_else(|| gone(&format!("commit {commit}")))
    }

    fn take_exported(&self, line: &str, base: &Oid, run: &RunId) -> Result<Imported, ImportError> {
        let refused = |why: &str| ImportError::Rejected { check: "stream".into(), why: why.into() };
        let mut words = line.trim_end().split(' ');
        match words.next() {
            Some("unchanged") => return Ok(Imported::Unchanged),
            Some("work") => {}
            _ => return Err(refused("it is no export")),
        }
        let tip = words.next().and_then(|word| Oid::parse(word).ok()).ok_or_else(|| refused("no tip"))?;
        let mut state = self.forge.state();
        if let Some(commit) = state.exported.remove(&tip) {
            state.add(commit);
        }
        if state.commit(&tip).is_none() {
            return Err(refused("its objects are missing"));
        }
        if !state.is_ancestor(base, &tip) {
            return Err(refused("it does not descend from its base"));
        }
        let changes = state.changed(base, &tip);
        let commits = state.history(&tip, 200).iter().position(|id| id == base).unwrap_or(1);
        let side = |size: usize| Side { mode: 0o100_644, oid: tip.clone(), size: size as u64 };
        let changes: Vec<Change> = changes
            .into_iter()
            .map(|(path, size)| Change {
                path: path.into_bytes(),
                old: None,
                new: size.map(side),
                added: 1,
                removed: 0,
            })
            .collect();
        let tracker_touched = changes.iter().filter(|c| c.is_tracker()).map(Change::shown).collect();
        state.kept.insert(run.ref_name(), tip.clone());
        let commits = u32::try_from(commits.max(1)).unwrap_or(1);
        Ok(Imported::Work(Import { tip, commits, wip: true, changes, tracker_touched }))
    }

    fn beside(&self, order: &LandOrder<'_>, why: Obstacle) -> Result<Landing, EngineError> {
        let slug = order.bead.slug();
        let names = [format!("bead/{slug}"), format!("bead-{slug}-{}", order.run)];
        let mut state = self.forge.state();
        for branch in &names {
            match state.branches.get(branch) {
                Some(tip) if tip == order.new => {}
                Some(_) => continue,
                None => state.set_branch(branch, order.new.clone()),
            }
            return Ok(Landing::Beside { branch: branch.clone(), why });
        }
        let [first, second] = names;
        Err(LandError::NoBranch { first, second }.into())
    }
}

fn reached(steps: &dyn Steps, step: Step) -> Result<(), EngineError> {
    match steps.reached(step) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(LandError::Abandoned(step).into()),
    }
}

#[async_trait::async_trait]
impl Repository for VirtualRepository {
    fn root(&self) -> &Path {
        &self.forge.root
    }

    fn quarantine_path(&self) -> &Path {
        &self.quarantine
    }

    async fn head(&self) -> Result<Head, EngineError> {
        let state = self.forge.state();
        let name = state.head.clone();
        Ok(match state.branches.get(&name) {
            Some(tip) => Head::Branch { tip: tip.clone(), name },
            None => Head::Unborn { name },
        })
    }

    async fn branch_tip(&self, branch: &str) -> Result<Option<Oid>, EngineError> {
        Ok(self.forge.state().branches.get(branch).cloned())
    }

    fn file_at(&self, commit: &Oid, path: &str, max: u64) -> Result<Option<Vec<u8>>, EngineError> {
        let state = self.forge.state();
        let found = Self::known(&state, commit)?.tree.get(path);
        Ok(found.map(|text| text.as_bytes().to_vec()).filter(|bytes| bytes.len() as u64 <= max))
    }

    fn has_path(&self, commit: &Oid, path: &str) -> Result<bool, EngineError> {
        let state = self.forge.state();
        let mut known = Self::known(&state, commit)?.tree.keys();
        Ok(known
            .any(|file| file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))))
    }

    async fn is_reachable(&self, commit: &Oid, branch: &str) -> Result<bool, EngineError> {
        let state = self.forge.state();
        Ok(state.branches.get(branch).is_some_and(|tip| state.is_ancestor(commit, tip)))
    }

    async fn dirt(&self, branch: &str) -> Result<Vec<Dirt>, EngineError> {
        let state = self.forge.state();
        if state.head != branch || state.dirty.is_empty() {
            return Ok(Vec::new());
        }
        let paths = state.dirty.iter().map(|path| path.clone().into_bytes()).collect();
        Ok(vec![Dirt { root: self.forge.root.clone(), paths }])
    }

    async fn fetch(&self, commit: &Oid) -> Result<(), EngineError> {
        Self::known(&self.forge.state(), commit).map(|_| ())
    }

    async fn clone_for(&self, request: &CloneRequest<'_>) -> Result<(), EngineError> {
        let io = |source| EngineError::Io { path: request.path.to_owned(), source };
        std::fs::create_dir_all(request.path).map_err(io)?;
        let mut state = self.forge.state();
        let files = (*Self::known(&state, request.tip)?.tree).clone();
        let clone = super::forge::CloneState { from: request.tip.clone(), files };
        state.clones.insert(request.path.to_owned(), clone);
        Ok(())
    }

    fn remove_clone(&self, path: &Path) -> Result<(), EngineError> {
        self.forge.state().clones.remove(path);
        remove_dir(path)
    }

    fn summary(&self, commit: &Oid) -> Result<Summary, EngineError> {
        let commit = Self::known(&self.forge.state(), commit)?.message.clone();
        Ok(Summary { commits: vec![commit], ..Summary::default() })
    }

    async fn import(
        &self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        limits: ImportLimits,
        base: &Oid,
        run: &RunId,
    ) -> Result<Imported, ImportError> {
        let refused = |why: &str| ImportError::Rejected { check: "stream".into(), why: why.into() };
        let mut bytes = Vec::new();
        let mut whole = reader.take(EXPORT_CAP as u64);
        let read = tokio::time::timeout(limits.deadline, whole.read_to_end(&mut bytes)).await;
        read.map_err(|_| refused("it took too long"))?.map_err(ImportError::Read)?;
        match std::str::from_utf8(&bytes) {
            Ok("") => Err(ImportError::Silent),
            Ok(line) if line.ends_with('\n') => self.take_exported(line, base, run),
            _ => Err(refused("it broke off")),
        }
    }

    async fn publish(&self, run: &RunId) -> Result<(), EngineError> {
        let mut state = self.forge.state();
        let name = run.ref_name();
        let tip = state.kept.get(&name).cloned().ok_or_else(|| gone(&name))?;
        state.published.insert(name, tip);
        Ok(())
    }

    async fn offer(&self, run: &RunId, commit: &Oid) -> Result<(), EngineError> {
        self.forge.state().kept.insert(run.ref_name(), commit.clone());
        self.publish(run).await
    }

    fn held(&self, base: &Oid, tip: &Oid, settings: &Effective) -> Result<Vec<String>, EngineError> {
        let changed = self.forge.state().changed(base, tip);
        let held = changed.into_iter().filter_map(|(path, _)| {
            let pattern = settings.protected.matching(&path)?;
            Some(format!("{path} (`protected: {pattern}`)"))
        });
        Ok(held.collect())
    }

    fn diff(&self, from: &Oid, to: &Oid) -> Result<String, EngineError> {
        let changed = self.forge.state().changed(from, to);
        let hunk =
            |(path, _): (String, _)| format!("--- a/{path}\n+++ b/{path}\n@@ -1,1 +1,1 @@\n-old\n+new\n");
        Ok(changed.into_iter().map(hunk).collect())
    }

    async fn merge(&self, request: &MergeRequest<'_>) -> Result<Merged, EngineError> {
        let mut state = self.forge.state();
        let union = state.unite(request.target, request.tip).ok_or_else(|| gone("common ancestor"))?;
        Ok(match union {
            Union::Conflict(paths, tree) => {
                let parents = vec![request.tip.clone(), request.target.clone()];
                let commit = state.add(commit_of(tree, parents, "Unite work and target"));
                Merged::Conflict { paths, commit }
            }
            Union::Clean(tree) => {
                let date = request.date.timestamp();
                let message = match request.purpose {
                    Purpose::Landing => format!(
                        "{}\n\nDate: {date}\nBead: {}\nBead-Run: {}\n",
                        request.title, request.bead, request.run
                    ),
                    Purpose::Union => format!("Take the target's changes in\n\nDate: {date}\n"),
                };
                let parents = vec![request.target.clone(), request.tip.clone()];
                let made = commit_of(tree, parents, &message);
                let tree = made.tree_id.clone();
                Merged::Clean { commit: state.add(made), tree }
            }
        })
    }

    fn tree_of(&self, commit: &Oid) -> Result<Oid, EngineError> {
        Ok(Self::known(&self.forge.state(), commit)?.tree_id.clone())
    }

    async fn land(&self, order: &LandOrder<'_>, steps: &dyn Steps) -> Result<Landing, EngineError> {
        tokio::time::sleep(STEP).await;
        if order.mode == LandMode::Branch {
            let Landing::Beside { branch, .. } = self.beside(order, Obstacle::Refused(String::new()))? else {
                return Err(gone("branch"));
            };
            reached(steps, Step::BranchMade)?;
            return Ok(Landing::OnBranch { branch });
        }
        {
            let state = self.forge.state();
            if state.locked {
                let lock = self.forge.root.join(".git/refs/heads").join(order.target).with_extension("lock");
                return Err(LandError::Locked(lock).into());
            }
            let tip = state.branches.get(order.target);
            if order.again && tip.is_some_and(|tip| state.is_ancestor(order.new, tip)) {
                return Ok(Landing::Advanced);
            }
            if tip != Some(order.old) && self.blind != Blindness::NoCompareAndSwap {
                return Ok(Landing::Moved { tip: tip.cloned() });
            }
            let found = &Self::known(&state, order.new)?.tree_id;
            if found != order.tree {
                let (commit, found, gated) = (order.new.clone(), found.clone(), order.tree.clone());
                return Err(LandError::WrongTree { commit, found, gated }.into());
            }
        }
        reached(steps, Step::Checked)?;
        tokio::time::sleep(STEP).await;
        let dirty = {
            let state = self.forge.state();
            (state.head == order.target && !state.dirty.is_empty())
                .then(|| state.dirty.iter().cloned().collect())
        };
        if let Some(paths) = dirty {
            let landing = self.beside(order, Obstacle::Dirty(paths))?;
            reached(steps, Step::BranchMade)?;
            return Ok(landing);
        }
        reached(steps, Step::Prepared)?;
        tokio::time::sleep(STEP).await;
        reached(steps, Step::Rechecked)?;
        {
            let mut state = self.forge.state();
            let tip = state.branches.get(order.target).cloned();
            if tip.as_ref() != Some(order.old) && self.blind != Blindness::NoCompareAndSwap {
                return Ok(Landing::Moved { tip });
            }
            state.moved_files = Some(order.new.clone());
        }
        reached(steps, Step::FilesMoved)?;
        {
            let mut state = self.forge.state();
            state.set_branch(order.target, order.new.clone());
            state.landings.push((order.target.to_owned(), order.new.clone()));
        }
        reached(steps, Step::Committed)?;
        Ok(Landing::Advanced)
    }

    async fn push(&self, remote: &str, commit: &Oid, branch: &str) -> Result<Pushed, EngineError> {
        tokio::time::sleep(STEP).await;
        self.forge.state().branches.insert(format!("{remote}/{branch}"), commit.clone());
        Ok(Pushed::Done)
    }

    fn messages(&self, tip: &Oid, max: usize) -> Result<Vec<(Oid, String)>, EngineError> {
        let state = self.forge.state();
        let all = state.history(tip, max);
        Ok(all
            .into_iter()
            .filter_map(|id| state.commit(&id).map(|c| (id.clone(), c.message.clone())))
            .collect())
    }

    fn kept(&self) -> Result<BTreeMap<String, Oid>, EngineError> {
        Ok(self.forge.state().published.clone())
    }

    fn merge_base(&self, one: &Oid, other: &Oid) -> Result<Option<Oid>, EngineError> {
        let state = self.forge.state();
        Ok(state.history(one, 1000).into_iter().find(|commit| state.is_ancestor(commit, other)))
    }

    fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> Result<bool, EngineError> {
        Ok(self.forge.state().is_ancestor(ancestor, descendant))
    }

    fn has_been_at(&self, branch: &str, commit: &Oid) -> Result<bool, EngineError> {
        Ok(self.forge.state().has_been_at(branch, commit))
    }
}

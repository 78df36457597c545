//! The virtual git of one project: commits as small records, trees as maps, branches, clones.
//!
//! Owns history, three-way merges and what the user does to the repository during a night. It survives every
//! daemon. How the engine sees it stands in `repository`; no real git is near. Start with [`Forge`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest, Sha256};

use crate::domain::ids::Oid;

/// How a conflict begins in a file.
pub(super) const MARKER: &str = "<<<<<<<";

/// Path to content.
pub(super) type Tree = Arc<BTreeMap<String, String>>;

#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub(super) tree: Tree,
    pub(super) tree_id: Oid,
    pub(super) parents: Vec<Oid>,
    pub(super) message: String,
}

/// One attempt's private clone.
#[derive(Debug, Clone)]
pub(super) struct CloneState {
    pub(super) from: Oid,
    pub(super) files: BTreeMap<String, String>,
}

/// Everything that is in the repository, the quarantine and the clones.
#[derive(Debug, Default)]
pub(super) struct State {
    commits: HashMap<Oid, Commit>,
    pub(super) branches: BTreeMap<String, Oid>,
    /// Every commit a branch stood at, as a reflog would tell.
    been: BTreeMap<String, HashSet<Oid>>,
    pub(super) head: String,
    /// Tracked files with changes of the user.
    pub(super) dirty: BTreeSet<String>,
    /// What the quarantine keeps, by ref.
    pub(super) kept: BTreeMap<String, Oid>,
    /// `refs/bead/*` of the user's repository.
    pub(super) published: BTreeMap<String, Oid>,
    pub(super) clones: BTreeMap<PathBuf, CloneState>,
    /// Commits an export made, until an import takes them.
    pub(super) exported: HashMap<Oid, Commit>,
    /// A lock that some git left behind (F38).
    pub(super) locked: bool,
    /// Files of the checkout were moved to this commit, the ref perhaps not yet.
    pub(super) moved_files: Option<Oid>,
    /// Commits that a landing of ours put onto a branch, in order.
    pub(super) landings: Vec<(String, Oid)>,
}

/// A project's repository. Shared by all who know it.
#[derive(Debug)]
pub(super) struct Forge {
    pub(super) root: PathBuf,
    state: Mutex<State>,
}

/// What a merge of two commits gave.
pub(super) enum Union {
    Clean(Tree),
    /// The paths, and a tree with markers in them.
    Conflict(Vec<String>, Tree),
}

impl Forge {
    pub(super) fn new(root: &str, target: &str, files: BTreeMap<String, String>) -> Self {
        let mut state = State { head: target.to_owned(), ..State::default() };
        let first = state.add(commit_of(Arc::new(files), Vec::new(), "begin"));
        state.set_branch(target, first);
        Self { root: PathBuf::from(root), state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// Changes a file in a clone, as an agent does. A clone that is gone takes no edit.
    pub(super) fn edit(&self, clone: &Path, path: &str, content: &str) {
        if let Some(clone) = self.state().clones.get_mut(clone) {
            clone.files.insert(path.to_owned(), content.to_owned());
        }
    }

    /// Files of a clone in which a conflict stands.
    pub(super) fn conflicts(&self, clone: &Path) -> Vec<String> {
        let state = self.state();
        let files = state.clones.get(clone).into_iter().flat_map(|clone| &clone.files);
        files.filter(|(_, content)| content.contains(MARKER)).map(|(path, _)| path.clone()).collect()
    }

    pub(super) fn content(&self, clone: &Path, path: &str) -> Option<String> {
        self.state().clones.get(clone)?.files.get(path).cloned()
    }

    /// The user commits a change on a branch that is there.
    pub(super) fn user_commits(&self, branch: &str, path: &str, content: &str) -> Option<Oid> {
        let mut state = self.state();
        let tip = state.branches.get(branch).cloned()?;
        let mut files = (*state.commits.get(&tip)?.tree).clone();
        files.insert(path.to_owned(), content.to_owned());
        let new = state.add(commit_of(Arc::new(files), vec![tip], &format!("change {path}")));
        state.set_branch(branch, new.clone());
        Some(new)
    }

    /// The user rewrites a branch: its tip's first parent, with a change of theirs on top (F39).
    pub(super) fn user_rewrites(&self, branch: &str) {
        let mut state = self.state();
        let Some(tip) = state.branches.get(branch).cloned() else { return };
        let Some(old) = state.commits.get(&tip).and_then(|c| c.parents.first().cloned()) else { return };
        let Some(tree) = state.commits.get(&old).map(|c| (*c.tree).clone()) else { return };
        let mut files = tree;
        files.insert("rewritten.txt".to_owned(), tip.short().to_owned());
        let new = state.add(commit_of(Arc::new(files), vec![old], "rewrite"));
        state.set_branch(branch, new);
    }
}

impl State {
    pub(super) fn commit(&self, id: &Oid) -> Option<&Commit> {
        self.commits.get(id)
    }

    pub(super) fn add(&mut self, commit: Commit) -> Oid {
        let id = id_of(&commit);
        self.commits.insert(id.clone(), commit);
        id
    }

    pub(super) fn set_branch(&mut self, name: &str, tip: Oid) {
        self.been.entry(name.to_owned()).or_default().insert(tip.clone());
        if self.head == name {
            self.moved_files = Some(tip.clone());
        }
        self.branches.insert(name.to_owned(), tip);
    }

    pub(super) fn has_been_at(&self, branch: &str, commit: &Oid) -> bool {
        self.been.get(branch).is_some_and(|all| all.contains(commit))
            || self.been.get(branch).is_some_and(|all| all.iter().any(|tip| self.is_ancestor(commit, tip)))
    }

    /// A commit is its own ancestor.
    pub(super) fn is_ancestor(&self, old: &Oid, new: &Oid) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![new];
        while let Some(id) = open.pop() {
            if id == old {
                return true;
            }
            if seen.insert(id) {
                open.extend(self.commits.get(id).into_iter().flat_map(|c| &c.parents));
            }
        }
        false
    }

    /// Everything reachable, nearest first.
    pub(super) fn history(&self, tip: &Oid, max: usize) -> Vec<Oid> {
        let mut seen = HashSet::new();
        let mut open = std::collections::VecDeque::from([tip.clone()]);
        let mut all = Vec::new();
        while let Some(id) = open.pop_front() {
            if all.len() >= max || !seen.insert(id.clone()) {
                continue;
            }
            open.extend(self.commits.get(&id).into_iter().flat_map(|c| c.parents.iter().cloned()));
            all.push(id);
        }
        all
    }

    /// Unites two commits over their nearest common ancestor.
    pub(super) fn unite(&self, ours: &Oid, theirs: &Oid) -> Option<Union> {
        let known: HashSet<Oid> = self.history(ours, usize::MAX).into_iter().collect();
        let base = self.history(theirs, usize::MAX).into_iter().find(|id| known.contains(id))?;
        let (base, ours, theirs) =
            (&self.commit(&base)?.tree, &self.commit(ours)?.tree, &self.commit(theirs)?.tree);
        let mut files = (**ours).clone();
        let mut conflicts = Vec::new();
        let paths: BTreeSet<&String> = base.keys().chain(theirs.keys()).collect();
        for path in paths {
            let (b, o, t) = (base.get(path), ours.get(path), theirs.get(path));
            if o == t || b == t {
                continue;
            }
            if b != o {
                let [o, t] = [o, t].map(|side| side.map_or("", String::as_str));
                let both = format!("{MARKER} target\n{o}=======\n{t}>>>>>>> work\n");
                files.insert(path.clone(), both);
                conflicts.push(path.clone());
            } else if let Some(content) = t {
                files.insert(path.clone(), content.clone());
            } else {
                files.remove(path);
            }
        }
        Some(match conflicts.is_empty() {
            true => Union::Clean(Arc::new(files)),
            false => Union::Conflict(conflicts, Arc::new(files)),
        })
    }

    /// Paths in which two commits differ, with the size of the new side.
    pub(super) fn changed(&self, old: &Oid, new: &Oid) -> Vec<(String, Option<usize>)> {
        let (Some(old), Some(new)) = (self.commit(old), self.commit(new)) else { return Vec::new() };
        let paths: BTreeSet<&String> = old.tree.keys().chain(new.tree.keys()).collect();
        let differing = paths.into_iter().filter(|path| old.tree.get(*path) != new.tree.get(*path));
        differing.map(|path| (path.clone(), new.tree.get(path).map(String::len))).collect()
    }
}

pub(super) fn commit_of(tree: Tree, parents: Vec<Oid>, message: &str) -> Commit {
    Commit { tree_id: tree_id(&tree), tree, parents, message: message.to_owned() }
}

pub(super) fn tree_id(tree: &Tree) -> Oid {
    let parts = tree.iter().flat_map(|(path, content)| [path.as_str(), content.as_str()]);
    oid("tree", parts)
}

pub(super) fn id_of(commit: &Commit) -> Oid {
    let parents = commit.parents.iter().map(Oid::as_str);
    oid("commit", parents.chain([commit.tree_id.as_str(), commit.message.as_str()]))
}

/// Forty hex digits of a hash over texts that cannot run into one another.
fn oid<'a>(kind: &str, parts: impl Iterator<Item = &'a str>) -> Oid {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let hex: String = hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    Oid::parse(&hex).expect("twenty bytes are forty hex digits")
}

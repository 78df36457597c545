//! What a change touches: base tree against tip tree.
//!
//! Owns a tree walk that visits only what differs and stops at a bound, so a tree that unfolds to billions
//! of files costs no more than a small one. It judges nothing: `scan` does. Start with [`Diff::between`].

use std::collections::BTreeMap;

use super::git::{Entry, ObjectError, Objects, join};
use crate::domain::ids::Oid;

/// The biggest file whose lines are counted.
const LINES_UP_TO: u64 = 1 << 20;

/// One side of a changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub mode: u32,
    pub oid: Oid,
    /// Bytes; 0 for submodules.
    pub size: u64,
}

/// One changed path: added where `old` is missing, removed where `new` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path's own bytes.
    pub path: Vec<u8>,
    pub old: Option<Side>,
    pub new: Option<Side>,
    /// Lines; 0 for binary and very large files.
    pub added: u64,
    pub removed: u64,
}

impl Change {
    /// The path for people and patterns: lossy UTF-8.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// The tracker's own directory (rules 1), in any spelling a case-folding disk would take for it.
    pub fn is_tracker(&self) -> bool {
        is_tracker_path(&self.path)
    }
}

pub(crate) fn is_tracker_path(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').next().is_some_and(|first| first.eq_ignore_ascii_case(b".beads"))
}

/// How much of a difference is looked at before it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub files: u64,
    /// Unpacked bytes of all new sides together.
    pub bytes: u64,
}

/// All changed paths, and the names a case-folding disk would take for one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    pub changes: Vec<Change>,
    /// New paths whose name differs from a neighbour's by case only.
    pub collisions: Vec<Vec<u8>>,
}

impl Diff {
    /// Compares two commits.
    pub fn between(objects: &Objects, base: &Oid, tip: &Oid, bounds: Bounds) -> Result<Self, ObjectError> {
        let mut walk = Walk { objects, bounds, files: 0, bytes: 0, diff: Self::default() };
        let (old, new) = (objects.tree_of(base)?, objects.tree_of(tip)?);
        if old != new {
            walk.folder(&[], Some(&old), Some(&new), 0)?;
        }
        Ok(walk.diff)
    }

    /// Counts lines of every change that is small enough.
    pub fn count_lines(&mut self, objects: &Objects) -> Result<(), ObjectError> {
        for change in &mut self.changes {
            let sides = [&change.old, &change.new];
            if sides.iter().any(|s| s.as_ref().is_some_and(|s| s.size > LINES_UP_TO || s.mode == 0o160_000)) {
                continue;
            }
            let read = |side: &Option<Side>| match side {
                Some(side) => objects.blob(&side.oid, LINES_UP_TO),
                None => Ok(Vec::new()),
            };
            (change.added, change.removed) = objects.line_stat(&read(&change.old)?, &read(&change.new)?)?;
        }
        Ok(())
    }

    /// All of it as one unified diff without context, at most about `cap` bytes.
    pub fn unified(&self, objects: &Objects, cap: usize) -> Result<String, ObjectError> {
        let mut text = String::new();
        for change in &self.changes {
            let sides = [&change.old, &change.new];
            let readable =
                |s: &&Option<Side>| s.as_ref().is_none_or(|s| s.size <= LINES_UP_TO && s.mode != 0o160_000);
            if change.is_tracker() || !sides.iter().all(readable) {
                continue;
            }
            let read = |side: &Option<Side>| match side {
                Some(side) => objects.blob(&side.oid, LINES_UP_TO),
                None => Ok(Vec::new()),
            };
            let patch = objects.patch(&change.path, &read(&change.old)?, &read(&change.new)?)?;
            text.push_str(&String::from_utf8_lossy(&patch));
            if text.len() > cap {
                break;
            }
        }
        Ok(text)
    }
}

struct Walk<'a> {
    objects: &'a Objects,
    bounds: Bounds,
    files: u64,
    bytes: u64,
    diff: Diff,
}

/// Deeper than any path a file system takes (4096 bytes), shallow enough for the stack.
const DEEPEST: u32 = 500;

impl Walk<'_> {
    fn folder(
        &mut self,
        at: &[u8],
        old: Option<&Oid>,
        new: Option<&Oid>,
        depth: u32,
    ) -> Result<(), ObjectError> {
        if depth > DEEPEST {
            return Err(ObjectError::TooMany { what: "nested folders", max: DEEPEST.into() });
        }
        let read = |tree: Option<&Oid>| tree.map_or(Ok(Vec::new()), |t| self.objects.tree(t));
        let (old, new) = (read(old)?, read(new)?);
        self.collide(at, &old, &new);
        let mut pairs: BTreeMap<&[u8], (Option<&Entry>, Option<&Entry>)> = BTreeMap::new();
        for entry in &old {
            pairs.entry(&entry.name).or_default().0 = Some(entry);
        }
        for entry in &new {
            pairs.entry(&entry.name).or_default().1 = Some(entry);
        }
        for (name, (old, new)) in pairs {
            if old.map(|e| (e.mode, &e.oid)) == new.map(|e| (e.mode, &e.oid)) {
                continue;
            }
            let path = join(at, name);
            let tree = |e: Option<&Entry>| e.filter(|e| e.is_tree()).map(|e| e.oid.clone());
            let (old_tree, new_tree) = (tree(old), tree(new));
            let file = |e: Option<&Entry>| e.filter(|e| !e.is_tree()).cloned();
            self.file(&path, file(old), file(new))?;
            if old_tree.is_some() || new_tree.is_some() {
                self.folder(&path, old_tree.as_ref(), new_tree.as_ref(), depth + 1)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &[u8], old: Option<Entry>, new: Option<Entry>) -> Result<(), ObjectError> {
        if old.is_none() && new.is_none() {
            return Ok(());
        }
        self.files += 1;
        if self.files > self.bounds.files {
            return Err(ObjectError::TooMany { what: "changed files", max: self.bounds.files });
        }
        let side = |entry: Option<Entry>| -> Result<Option<Side>, ObjectError> {
            let Some(entry) = entry else { return Ok(None) };
            let size = if entry.mode == 0o160_000 { 0 } else { self.objects.size(&entry.oid)? };
            Ok(Some(Side { mode: entry.mode, oid: entry.oid, size }))
        };
        let (old, new) = (side(old)?, side(new)?);
        self.bytes = self.bytes.saturating_add(new.as_ref().map_or(0, |s| s.size));
        if self.bytes > self.bounds.bytes {
            return Err(ObjectError::TooMany { what: "bytes in changed files", max: self.bounds.bytes });
        }
        self.diff.changes.push(Change { path: path.to_vec(), old, new, added: 0, removed: 0 });
        Ok(())
    }

    fn collide(&mut self, at: &[u8], old: &[Entry], new: &[Entry]) {
        let fold = |name: &[u8]| String::from_utf8_lossy(name).to_lowercase();
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for entry in new {
            *seen.entry(fold(&entry.name)).or_default() += 1;
        }
        let known: std::collections::BTreeSet<&[u8]> = old.iter().map(|e| e.name.as_slice()).collect();
        for entry in new {
            if seen[&fold(&entry.name)] > 1 && !known.contains(entry.name.as_slice()) {
                self.diff.collisions.push(join(at, &entry.name));
            }
        }
    }
}

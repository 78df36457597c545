//! A change as people read it: lines with a sign, file by file.
//!
//! Owns the bounds that keep a hostile change from costing more than a page is worth. What is larger is named and not
//! shown. Start with [`Objects::change`].

use super::{ObjectError, Objects};
use crate::domain::ids::Oid;
use crate::workspace::diff::{Bounds, Change, Diff};

/// Files of a patch, and the largest side of one that is compared.
const FILES: usize = 60;
const BYTES: u64 = 256 << 10;
/// A change with more than this is not walked to its end.
const BOUNDS: Bounds = Bounds { files: 5_000, bytes: 1 << 30 };

/// What changed between two commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    pub files: Vec<Patched>,
    /// How many files changed, shown or not.
    pub total: usize,
}

/// One file. Bytes are lossy UTF-8 and untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    pub path: String,
    pub how: How,
    pub added: u64,
    pub removed: u64,
    /// `+`, `-`, ` ` or `@` (a place in the file), and the line without its end.
    pub lines: Vec<(char, String)>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    New,
    Gone,
    Changed,
    /// A symbolic link or a submodule, before or after.
    Special,
    Binary,
    TooLarge,
}

impl Objects {
    /// The change from one commit to another, as far as a page shows it.
    pub fn change(&self, base: &Oid, tip: &Oid) -> Result<Patch, ObjectError> {
        let diff = Diff::between(self, base, tip, BOUNDS)?;
        let total = diff.changes.len();
        let files = diff.changes.iter().take(FILES).map(|change| self.patched(change));
        Ok(Patch { files: files.collect::<Result<_, _>>()?, total })
    }

    fn patched(&self, change: &Change) -> Result<Patched, ObjectError> {
        let sides = [&change.old, &change.new];
        let bare = |how| Patched { path: change.shown(), how, added: 0, removed: 0, lines: Vec::new() };
        let special = |mode: u32| mode == 0o160_000;
        if sides.iter().any(|side| side.as_ref().is_some_and(|side| special(side.mode))) {
            return Ok(bare(How::Special));
        }
        if sides.iter().any(|side| side.as_ref().is_some_and(|side| side.size > BYTES)) {
            return Ok(bare(How::TooLarge));
        }
        let read = |side: &Option<crate::workspace::diff::Side>| match side {
            Some(side) => self.blob(&side.oid, BYTES),
            None => Ok(Vec::new()),
        };
        let (old, new) = (read(&change.old)?, read(&change.new)?);
        if old.contains(&0) || new.contains(&0) {
            return Ok(bare(How::Binary));
        }
        let link = |side: &Option<crate::workspace::diff::Side>| {
            side.as_ref().is_some_and(|side| side.mode == 0o120_000)
        };
        let how = match (&change.old, &change.new) {
            (old, new) if link(old) || link(new) => How::Special,
            (None, _) => How::New,
            (_, None) => How::Gone,
            _ => How::Changed,
        };
        let lines = self.lines(&old, &new)?;
        let count = |sign| lines.iter().filter(|(s, _)| *s == sign).count() as u64;
        let (added, removed) = (count('+'), count('-'));
        Ok(Patched { path: change.shown(), how, added, removed, lines })
    }

    fn lines(&self, old: &[u8], new: &[u8]) -> Result<Vec<(char, String)>, ObjectError> {
        self.at(|_| {
            let patch = git2::Patch::from_buffers(old, None, new, None, None)?;
            let mut lines = Vec::new();
            for hunk in 0..patch.num_hunks() {
                let (head, count) = patch.hunk(hunk)?;
                lines.push(('@', text(head.header())));
                for at in 0..count {
                    let line = patch.line_in_hunk(hunk, at)?;
                    if matches!(line.origin(), '+' | '-' | ' ') {
                        lines.push((line.origin(), text(line.content())));
                    }
                }
            }
            Ok(lines)
        })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
mod tests;

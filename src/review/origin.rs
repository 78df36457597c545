//! Which change a line belongs to: the work, one of its fixes, or what was there before (rules 16.2).
//!
//! Owns the lines that a diff changed, by path, and how they move when a later fix adds or removes lines above them.
//! It runs no git: a diff is text to it (`diff` reads it), and hostile text too. Start with
//! [`Changed::from_diffs`] and [`Changed::origin`].

mod diff;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::domain::finding::{Finding, Origin};
use diff::{Block, Diff};

/// Reviewers name the line above or below: so near to the work, it is the work's. A fix answers only for its very
/// lines, because what a fix caused ends the rounds.
const NEAR: u32 = 3;

/// Changed lines of the new side, by path. A path without lines was changed without any (renamed, a mode).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines(BTreeMap<String, Vec<RangeInclusive<u32>>>);

/// What a claim's work changed, in the line numbers of its newest tip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    pub work: Lines,
    /// `fixes[n - 1]` is what fix `n` changed by itself; 1 answers the first review.
    pub fixes: Vec<Lines>,
    /// Of the places that a reply names, those that the base has, spelt the same: only there can something have been
    /// before.
    pub before: BTreeSet<String>,
    /// In what an earlier claim left, something changed since its last review.
    pub taken_up: bool,
}

/// What answered a review, as diffs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fix {
    /// From the tip that the review saw to the tip that answered it.
    pub change: String,
    /// Where the work was united with its target in between: from the target's commit to the same tip. The lines that
    /// came with the target are in the other diff and not in this one, and nobody's fix.
    pub on_new_base: Option<String>,
}

impl Lines {
    /// Reads a unified diff (`git diff BASE TIP`, with any number of context lines).
    pub fn from_diff(diff: &str) -> Self {
        Self::of(&Diff::read(diff))
    }

    pub fn add(&mut self, path: &str, lines: RangeInclusive<u32>) {
        self.0.entry(path.to_owned()).or_default().push(lines);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(diff: &Diff) -> Self {
        let mut lines = Self::default();
        for (path, blocks) in &diff.files {
            lines.0.entry(path.clone()).or_default().extend(blocks.iter().map(Block::changed));
        }
        lines
    }

    /// The same lines after a later change; those that it replaced are its own now.
    fn moved_by(&self, later: &Diff) -> Self {
        let mut moved = Self::default();
        for (path, ranges) in &self.0 {
            let path_now = later.renamed.get(path).unwrap_or(path);
            let blocks = later.files.get(path_now).map_or(&[][..], Vec::as_slice);
            let kept = ranges.iter().flat_map(|range| diff::moved(range, blocks));
            moved.0.entry(path_now.clone()).or_default().extend(kept);
        }
        moved
    }

    /// What both changed, in the line numbers of the same tip.
    fn and(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for (path, ranges) in &self.0 {
            let Some(others) = other.0.get(path) else { continue };
            let met = ranges.iter().flat_map(|range| {
                others.iter().map(|other| *range.start().max(other.start())..=*range.end().min(other.end()))
            });
            let met: Vec<_> = met.filter(|range| !range.is_empty()).collect();
            // Changed without any lines (a mode), or in the same ones.
            if !met.is_empty() || ranges.is_empty() && others.is_empty() {
                both.0.entry(path.clone()).or_default().extend(met);
            }
        }
        both
    }

    /// `None`: this change does not touch the file, or anything in the folder.
    fn of_file(&self, file: &str) -> Option<Vec<&RangeInclusive<u32>>> {
        let is_in = |path: &str| path.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'));
        let mut known = self.0.iter().filter(|(path, _)| is_same_file(path, file) || is_in(path)).peekable();
        known.peek()?;
        Some(known.flat_map(|(_, ranges)| ranges).collect())
    }

    fn touches(&self, file: &str, line: Option<u32>, near: u32) -> bool {
        match (self.of_file(file), line) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(ranges), Some(line)) => ranges.iter().any(|range| {
                (range.start().saturating_sub(near)..=range.end().saturating_add(near)).contains(&line)
            }),
        }
    }
}

impl Changed {
    /// `work` is the diff from the base to the newest tip, `fixes[n - 1]` what answered review `n`.
    pub fn from_diffs(work: &str, fixes: &[Fix]) -> Self {
        let diffs: Vec<Diff> = fixes.iter().map(|fix| Diff::read(&fix.change)).collect();
        let at_the_tip = |n: usize| {
            let own = fixes[n].lines_of(&diffs[n]);
            diffs[n + 1..].iter().fold(own, |lines, later| lines.moved_by(later))
        };
        let fixes = (0..fixes.len()).map(at_the_tip).collect();
        Self { work: Lines::from_diff(work), fixes, ..Self::default() }
    }

    /// Whether anything of the work changed after this round's review; round 0 was an earlier claim's.
    pub fn since(&self, round: u32) -> bool {
        let fixes = self.fixes.iter().skip(round.saturating_sub(1) as usize);
        (round == 0 && self.taken_up) || fixes.into_iter().any(|fix| !fix.is_empty())
    }

    /// By its lines: a fix's (the newest first), the work's, else it was there before. What names no file is about
    /// the work as a whole, and what names no line about all that was changed in the file. So is what names a place
    /// that the base does not have: nothing can have been there before.
    pub fn origin(&self, finding: &Finding) -> Origin {
        let Some(file) = &finding.file else { return Origin::ThisChange };
        if finding.line.is_some() {
            let by_fix = self.fixes.iter().rposition(|fix| fix.touches(file, finding.line, 0));
            if let Some(fix) = by_fix {
                return Origin::Fix(u32::try_from(fix + 1).unwrap_or(u32::MAX));
            }
        }
        let is_new = || !self.before.contains(file);
        if self.work.touches(file, finding.line, NEAR) || is_new() {
            Origin::ThisChange
        } else {
            Origin::PreExisting
        }
    }
}

impl Fix {
    /// Whether it changed anything of its own.
    pub fn is_any(&self) -> bool {
        !self.lines_of(&Diff::read(&self.change)).is_empty()
    }

    fn lines_of(&self, change: &Diff) -> Lines {
        let all = Lines::of(change);
        match &self.on_new_base {
            None => all,
            Some(diff) => all.and(&Lines::from_diff(diff)),
        }
    }
}

/// Whether two paths may be the same file: equal, or one is the end of the other (`totals.py`).
pub(crate) fn is_same_file(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    long == short || (!short.is_empty() && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/')))
}

#[cfg(test)]
mod tests;

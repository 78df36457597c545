//! A change to files, as coloured lines of a page.
//!
//! Owns the bounds (a page is for reading, git has the whole) and the summary above it. It compares nothing: whoever
//! has the objects hands in hunks. Start with [`Change`].

use crate::domain::clean::{clean, clean_line};
use crate::feed::tell::count;

/// A page shows so many files, and so many lines of all of them together.
pub const MOST_FILES: usize = 60;
pub const MOST_LINES: usize = 4000;
/// Columns after which a line is cut.
const MOST_COLUMNS: usize = 2000;

/// All that a run changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    pub files: Vec<File>,
    pub summary: String,
    /// Why not all of it is here.
    pub cut: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub added: u64,
    pub removed: u64,
    /// `new`, `removed`, `binary`, ..: nothing where it is an ordinary change.
    pub note: &'static str,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub sign: Sign,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Added,
    Removed,
    Same,
    /// Where the next lines stand in the file.
    Place,
}

impl Sign {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Same => "same",
            Self::Place => "at",
        }
    }

    pub const fn mark(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "−",
            Self::Same | Self::Place => " ",
        }
    }
}

impl Change {
    /// Bounded and cleaned. `total` counts the files that changed, shown or not.
    pub fn of(mut files: Vec<File>, total: usize) -> Self {
        let (added, removed) = files.iter().fold((0, 0), |(a, r), f| (a + f.added, r + f.removed));
        let number = u32::try_from(total).unwrap_or(u32::MAX);
        let summary = format!("{}, {added} added, {removed} removed", count(number, "file"));
        let mut cut = (total > MOST_FILES).then(|| format!("{MOST_FILES} of {total} files are shown"));
        files.truncate(MOST_FILES);
        let mut left = MOST_LINES;
        for file in &mut files {
            file.path = clean_line(&file.path);
            if file.lines.len() > left {
                cut.get_or_insert_with(|| format!("only the first {MOST_LINES} lines are shown"));
            }
            file.lines.truncate(left);
            left -= file.lines.len();
            for line in &mut file.lines {
                line.text = clean(&line.text).replace('\n', " ").chars().take(MOST_COLUMNS).collect();
            }
        }
        Self { files, summary, cut }
    }
}

#[cfg(test)]
mod tests;

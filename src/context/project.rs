//! What a project looks like from outside, in a few kilobytes: tests, README, tree, commits.
//!
//! Owns the bounds of that summary. It reads through [`Files`] and knows no git. Everything in it may have been
//! written by anybody, so unseen characters are made visible. Start with [`Summary::of`].

use std::collections::BTreeMap;

use super::Files;
use super::stack::{self, Stack};
use crate::domain::text::{clip, one_line, visible};

const README_BYTES: usize = 4 << 10;
const TREE_ENTRIES: usize = 150;
const TREE_DEPTH: usize = 3;
const COMMITS: usize = 10;

/// A project in a few kilobytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    pub stacks: Vec<Stack>,
    /// Path and beginning.
    pub readme: Option<(String, String)>,
    pub tree: Listing,
    /// Subjects, newest first.
    pub commits: Vec<String>,
}

/// A bounded listing of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub lines: Vec<String>,
    pub files: usize,
    /// Something was left out.
    pub cut: bool,
}

impl Summary {
    /// `commits` are subjects, newest first.
    pub fn of(files: &dyn Files, commits: &[String]) -> Self {
        let paths = files.list();
        let readme = readme_path(&paths).and_then(|path| {
            let bytes = files.read(&path)?;
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(README_BYTES * 2)]).into_owned();
            let text = clip(visible(&text).trim(), README_BYTES);
            (!text.is_empty()).then(|| (one_line(&path, 100), text))
        });
        Self {
            stacks: stack::detect(files),
            readme,
            tree: listing(&paths),
            commits: commits.iter().take(COMMITS).map(|subject| one_line(subject, 120)).collect(),
        }
    }
}

fn readme_path(paths: &[String]) -> Option<String> {
    let is_readme = |path: &&String| {
        let name = path.to_lowercase();
        name == "readme" || ["readme.md", "readme.rst", "readme.txt", "readme.adoc"].contains(&name.as_str())
    };
    paths.iter().filter(is_readme).min().cloned()
}

/// Files down to a depth; a folder below it, or one too many, is one line with its number of files.
fn listing(paths: &[String]) -> Listing {
    for depth in (1..=TREE_DEPTH).rev() {
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        for path in paths {
            let parts: Vec<&str> = path.split('/').collect();
            let line =
                if parts.len() > depth { format!("{}/", parts[..depth].join("/")) } else { path.clone() };
            *lines.entry(line).or_default() += 1;
        }
        if lines.len() > TREE_ENTRIES && depth > 1 {
            continue;
        }
        let cut = lines.len() > TREE_ENTRIES || lines.keys().any(|line| line.ends_with('/'));
        let show = |(line, files): (&String, &usize)| {
            let line_text = one_line(line, 200);
            if line.ends_with('/') { format!("{line_text} ({files} files)") } else { line_text }
        };
        let lines = lines.iter().take(TREE_ENTRIES).map(show).collect();
        return Listing { lines, files: paths.len(), cut };
    }
    Listing::default()
}

#[cfg(test)]
mod tests;

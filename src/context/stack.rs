//! Which languages and tools a tree uses, and how its tests are run.
//!
//! Owns the signs (a manifest, a test directory, a script) and the command each leads to. It guesses nothing
//! without a sign and runs nothing. Looks at the root, and where that holds no manifest, one folder below.
//! Start with [`detect`].

mod languages;

use std::collections::BTreeSet;

use super::Files;

/// One language or tool found in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// As people call it: `Rust`, `Node (pnpm)`.
    pub name: String,
    pub tests: Option<TestCommand>,
}

/// How a project's tests are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCommand {
    /// For `sh -c` in the root of the tree.
    pub run: String,
    /// The sign it was read from.
    pub because: String,
}

/// At most this many bytes of a manifest are looked at.
const MANIFEST_BYTES: usize = 256 << 10;

/// A tree as detection sees it: the files below one folder.
pub(crate) struct Tree<'a> {
    files: &'a dyn Files,
    folder: String,
    paths: BTreeSet<String>,
}

impl Tree<'_> {
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    pub(crate) fn any(&self, test: impl Fn(&str) -> bool) -> bool {
        self.paths.iter().any(|path| test(path))
    }

    pub(crate) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find(|name| self.has(name)).map(|name| (*name).to_owned())
    }

    /// A file's text, cut; empty where there is none.
    pub(crate) fn text(&self, path: &str) -> String {
        if !self.has(path) {
            return String::new();
        }
        let bytes = self.files.read(&format!("{}{path}", self.folder)).unwrap_or_default();
        String::from_utf8_lossy(&bytes[..bytes.len().min(MANIFEST_BYTES)]).into_owned()
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

/// Everything found, the project's own entry points (`make test`, `just test`) last.
pub fn detect(files: &dyn Files) -> Vec<Stack> {
    let all: Vec<String> = files.list();
    let found = in_folder(files, &all, "");
    if !found.is_empty() {
        return found;
    }
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let folders: BTreeSet<&str> =
        all.iter().filter_map(|path| path.split_once('/')).map(|(dir, _)| dir).collect();
    let folders = folders.into_iter().filter(|dir| plain(dir) && !dir.starts_with(['.', '-'])).take(20);
    folders.flat_map(|dir| in_folder(files, &all, &format!("{dir}/"))).collect()
}

fn in_folder(files: &dyn Files, all: &[String], folder: &str) -> Vec<Stack> {
    let paths = all.iter().filter_map(|path| path.strip_prefix(folder)).map(str::to_owned).collect();
    let tree = Tree { files, folder: folder.to_owned(), paths };
    let mut found = languages::all(&tree);
    for stack in &mut found {
        if let Some(tests) = stack.tests.as_mut().filter(|_| !folder.is_empty()) {
            tests.run = format!("cd {} && {}", folder.trim_end_matches('/'), tests.run);
            tests.because = format!("{folder}{}", tests.because);
        }
    }
    found
}

/// The command that stands for the project's tests: what the project itself calls its tests wins.
pub fn main_tests(stacks: &[Stack]) -> Option<&TestCommand> {
    let own = |stack: &&Stack| matches!(stack.name.as_str(), "just" | "Make") && stack.tests.is_some();
    let own = stacks.iter().rev().find(own).and_then(|stack| stack.tests.as_ref());
    own.or_else(|| stacks.iter().find_map(|stack| stack.tests.as_ref()))
}

#[cfg(test)]
mod tests;

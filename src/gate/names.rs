//! Which tests failed and which passed, by name, as known runners print them.
//!
//! Owns one reader of names over all runners; how many there are is `recognise`'s to count, and only where
//! both agree is a list of failures believed (rules 17.1). Printed by code under test: bounded, and never a
//! proof of success. Start with [`Names`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// More names than this are not kept; the list is then not believed.
const MOST: usize = 20_000;
const NAME_BYTES: usize = 400;

/// Tests by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Names {
    pub failed: BTreeSet<String>,
    /// Only what runners name, which most do on request alone.
    pub passed: BTreeSet<String>,
    /// There were more than are kept.
    #[serde(default)]
    pub cut: bool,
}

/// Reads names line by line.
#[derive(Debug, Default)]
pub(super) struct Reader {
    names: Names,
    /// Go names the package after its tests.
    go: Vec<(bool, String)>,
}

impl Reader {
    /// One trimmed line without escapes.
    pub(super) fn line(&mut self, line: &str) {
        if self.go(line) {
            return;
        }
        if let Some((passed, name)) = named(line) {
            self.add(passed, name);
        }
    }

    pub(super) fn finish(mut self) -> Names {
        for (passed, name) in std::mem::take(&mut self.go) {
            self.add(passed, &name);
        }
        // Whoever names it both ways ran it twice, and once it failed.
        let Names { failed, passed, .. } = &mut self.names;
        passed.retain(|name| !failed.contains(name));
        self.names
    }

    fn add(&mut self, passed: bool, name: &str) {
        let name = name.trim();
        if name.is_empty() {
            return;
        }
        if name.len() > NAME_BYTES || self.names.failed.len() + self.names.passed.len() >= MOST {
            self.names.cut = true;
            return;
        }
        let list = if passed { &mut self.names.passed } else { &mut self.names.failed };
        list.insert(name.to_owned());
    }

    fn go(&mut self, line: &str) -> bool {
        for (mark, passed) in [("--- FAIL: ", false), ("--- PASS: ", true)] {
            if let Some(rest) = line.strip_prefix(mark) {
                let name = rest.split(" (").next().unwrap_or(rest);
                if self.go.len() < MOST {
                    self.go.push((passed, name.to_owned()));
                }
                return true;
            }
        }
        let package = |mark: &str| {
            let rest = line.strip_prefix(mark)?.trim_start_matches(' ').strip_prefix('\t')?;
            rest.split(['\t', ' ']).next().map(str::to_owned)
        };
        let Some((passed, package)) =
            package("FAIL").map(|p| (false, p)).or_else(|| package("ok").map(|p| (true, p)))
        else {
            return false;
        };
        for (passed, test) in std::mem::take(&mut self.go) {
            self.add(passed, &format!("{package} {test}"));
        }
        self.add(passed, &package);
        true
    }
}

/// A name on a line of its own, and whether it passed.
fn named(line: &str) -> Option<(bool, &str)> {
    marked(line).or_else(|| closed(line))
}

/// Lines that begin with the verdict.
fn marked(line: &str) -> Option<(bool, &str)> {
    // unittest, with a class in brackets; pytest's summary; nextest; vitest; rspec; googletest; bun.
    for mark in ["FAIL: ", "ERROR: "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return rest.ends_with(')').then_some((false, rest));
        }
    }
    for mark in ["FAILED ", "ERROR "] {
        if let Some(rest) = line.strip_prefix(mark) {
            let name = rest.split(" - ").next().unwrap_or(rest);
            return (name.contains("::") || name.ends_with(".py")).then_some((false, name));
        }
    }
    for (mark, passed) in [("FAIL [", false), ("PASS [", true)] {
        if let Some((_, name)) = line.strip_prefix(mark).and_then(|rest| rest.split_once("] ")) {
            let name = name.trim_start();
            let counted = name.starts_with('(').then(|| name.split_once(") ")).flatten();
            return Some((passed, counted.map_or(name, |(_, name)| name)));
        }
    }
    if let Some(rest) = line.strip_prefix("FAIL  ") {
        return rest.contains(" > ").then_some((false, rest));
    }
    if let Some((_, name)) = line.strip_prefix("rspec ").and_then(|rest| rest.split_once(" # ")) {
        return Some((false, name));
    }
    for (mark, passed) in [("[  FAILED  ] ", false), ("[       OK ] ", true)] {
        if let Some(rest) = line.strip_prefix(mark) {
            let name = rest.split([' ', ',']).next().unwrap_or(rest);
            return (name.contains('.') && !rest.contains("listed below")).then_some((passed, name));
        }
    }
    for (mark, passed) in [("(fail) ", false), ("(pass) ", true), ("● ", false)] {
        if let Some(rest) = line.strip_prefix(mark) {
            let name =
                if mark == "● " { rest } else { rest.rsplit_once(" [").map_or(rest, |(name, _)| name) };
            return (mark != "● " || rest.contains(" › ")).then_some((passed, name));
        }
    }
    tap(line)
}

/// `not ok 3 - name`, without a directive (`# ...`) behind it.
fn tap(line: &str) -> Option<(bool, &str)> {
    let (passed, rest) = match line.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok ")?),
    };
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(" - ")?;
    (!name.contains(" # ")).then_some((passed, name))
}

/// Lines that end with the verdict: cargo test, unittest -v, pytest -v, deno, ctest.
fn closed(line: &str) -> Option<(bool, &str)> {
    if let Some((name, verdict)) = line.rsplit_once(" ... ") {
        let name = name.strip_prefix("test ").unwrap_or(name);
        let first = verdict.split(' ').next().unwrap_or_default();
        return match first {
            "ok" => Some((true, name)),
            "FAILED" | "FAIL" | "ERROR" => Some((false, name)),
            _ => None,
        };
    }
    for (mark, passed) in [(" PASSED", true), (" FAILED", false), (" ERROR", false)] {
        let name = line.split(mark).next().filter(|name| name.len() < line.len() && name.contains("::"));
        if let Some(name) = name.filter(|name| !name.contains(' ')) {
            return Some((passed, name));
        }
    }
    let name = line.strip_suffix(" (Failed)")?;
    let (number, name) = name.split_once(" - ")?;
    number.trim().parse::<u32>().ok().map(|_| (false, name))
}

#[cfg(test)]
mod tests;

//! Reads along with a test run and learns how many tests really ran (T16).
//!
//! Owns the closing lines of known runners and the hints that a line can give. Skipped tests did not run. What
//! it reads was printed by code under test, so a number proves nothing by itself: it can only turn a pass into
//! a failure. Start with [`Recogniser`].

mod runners;

use std::collections::BTreeMap;

use super::names::{self, Names};

/// What one runner said, summed over all its runs in one gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Tests it knew of, skipped ones among them.
    pub total: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Some ran, but the runner does not say how many.
    pub uncounted: bool,
}

impl Count {
    /// Tests that ran, whether they passed or failed.
    pub fn ran(&self) -> u64 {
        self.total.saturating_sub(self.skipped)
    }

    fn add(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.uncounted |= other.uncounted;
    }
}

/// Known test runners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runner {
    Unittest,
    Pytest,
    CargoTest,
    Nextest,
    Go,
    NodeTest,
    Jest,
    Vitest,
    Mocha,
    Bun,
    Deno,
    Surefire,
    Gradle,
    Ctest,
    GoogleTest,
    Catch2,
    Rspec,
    Minitest,
    Tap,
    Phpunit,
    Dotnet,
    ExUnit,
}

impl Runner {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unittest => "unittest",
            Self::Pytest => "pytest",
            Self::CargoTest => "cargo test",
            Self::Nextest => "nextest",
            Self::Go => "go test",
            Self::NodeTest => "node --test",
            Self::Jest => "jest",
            Self::Vitest => "vitest",
            Self::Mocha => "mocha",
            Self::Bun => "bun test",
            Self::Deno => "deno test",
            Self::Surefire => "surefire",
            Self::Gradle => "gradle",
            Self::Ctest => "ctest",
            Self::GoogleTest => "googletest",
            Self::Catch2 => "catch2",
            Self::Rspec => "rspec",
            Self::Minitest => "minitest",
            Self::Tap => "TAP",
            Self::Phpunit => "phpunit",
            Self::Dotnet => "dotnet test",
            Self::ExUnit => "ExUnit",
        }
    }
}

/// What was recognised in one gate's output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recognised {
    pub counts: BTreeMap<Runner, Count>,
    /// Something tried to reach the network.
    pub wanted_network: bool,
    /// A program that is not in the image.
    pub missing_program: Option<String>,
    /// Tests by name, as far as their runner names them.
    pub names: Names,
}

/// Fed line by line.
#[derive(Debug, Default)]
pub struct Recogniser {
    seen: Recognised,
    memory: runners::Memory,
    names: names::Reader,
}

impl Recogniser {
    /// One line without escapes.
    pub fn line(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if let Some((runner, found)) = runners::read(line, &mut self.memory) {
            self.seen.counts.entry(runner).or_default().add(found);
        }
        self.names.line(line);
        self.seen.wanted_network |= wants_network(line);
        if self.seen.missing_program.is_none() {
            self.seen.missing_program = missing_program(line);
        }
    }

    pub fn finish(mut self) -> Recognised {
        runners::settle(&self.memory, &mut self.seen.counts);
        self.seen.names = self.names.finish();
        self.seen
    }
}

impl Recognised {
    /// A runner that was there and ran nothing at all.
    pub fn ran_nothing(&self) -> Option<Runner> {
        self.counts.iter().find(|(_, count)| count.ran() == 0 && !count.uncounted).map(|(runner, _)| *runner)
    }

    /// Every failure that a runner counted has a name: only then is the list the whole truth (rules 17.1).
    pub fn lists_failures(&self) -> bool {
        let counted: u64 = self.counts.values().map(|count| count.failed).sum();
        let named = self.names.failed.len() as u64;
        // Go counts packages and names their tests as well.
        let whole = if self.counts.contains_key(&Runner::Go) { named >= counted } else { named == counted };
        counted > 0 && whole && !self.names.cut
    }

    /// `pytest: 12 tests, 1 failed, 2 skipped`; empty where nothing was recognised.
    pub fn summary(&self) -> String {
        let one = |(runner, count): (&Runner, &Count)| {
            let mut text = match (count.ran(), count.uncounted) {
                (0, true) => format!("{}: tests ran", runner.as_str()),
                (1, _) => format!("{}: 1 test", runner.as_str()),
                (ran, _) => format!("{}: {ran} tests", runner.as_str()),
            };
            for (number, word) in [(count.failed, "failed"), (count.skipped, "skipped")] {
                if number > 0 {
                    text.push_str(&format!(", {number} {word}"));
                }
            }
            text
        };
        self.counts.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// What resolvers, package managers and compilers print when there is no network.
fn wants_network(line: &str) -> bool {
    const SIGNS: &[&str] = &[
        "could not resolve host",
        "couldn't resolve host",
        "temporary failure in name resolution",
        "temporary failure resolving",
        "name or service not known",
        "getaddrinfo eai_again",
        "getaddrinfo enotfound",
        "eai_again",
        "network is unreachable",
        "enetunreach",
        "dial tcp: lookup",
        "failed to lookup address information",
        "nodename nor servname provided",
        "no such host is known",
        "unknownhostexception",
        "could not transfer artifact",
        "err_pnpm_meta_fetch_fail",
        "nxdomain",
    ];
    let line = line.to_lowercase();
    SIGNS.iter().any(|sign| line.contains(sign))
}

/// `sh: 1: pytest: not found`, `bash: pytest: command not found`, `python3: No module named pytest`.
fn missing_program(line: &str) -> Option<String> {
    let word = |text: &str| {
        let word = text.rsplit([' ', ':', '/']).next()?.trim_matches(['\'', '"', '`']);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
        ((1..=60).contains(&word.len()) && word.bytes().all(plain)).then(|| word.to_owned())
    };
    if let Some(before) = line.strip_suffix(": command not found") {
        return word(before);
    }
    let shell = line.starts_with("sh: ") || line.starts_with("/bin/sh: ") || line.starts_with("dash: ");
    if let Some(before) = line.strip_suffix(": not found").filter(|_| shell) {
        return word(before);
    }
    let (_, module) = line.split_once("No module named ")?;
    line.contains("python").then(|| word(module))?
}

#[cfg(test)]
mod tests;

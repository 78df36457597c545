//! The closing lines of each runner, one small reader each.
//!
//! Owns nothing but these readers and what little has to be remembered from line to line. A line belongs to
//! the first reader that knows it. Start with [`read`].

use std::collections::BTreeMap;

use super::{Count, Runner};

/// What must be known of earlier lines.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// unittest: its verdict tells the skipped ones, a line below `Ran N tests`.
    after_ran: bool,
    /// bun: passed, failed and skipped stand above the line that ends a run.
    bun: Count,
    /// TAP lines count only where no runner's own summary speaks for them.
    tap: Count,
    tap_plan: bool,
}

type Found = Option<(Runner, Count)>;

const READERS: &[fn(&str, &mut Memory) -> Found] = &[
    unittest,
    bun,
    |line, _| pytest(line),
    |line, _| cargo(line),
    |line, _| go(line),
    |line, _| node(line),
    |line, _| jest(line),
    |line, _| vitest(line),
    |line, _| mocha(line),
    |line, _| deno(line),
    |line, _| java(line),
    |line, _| cpp(line),
    |line, _| dotnet(line),
    |line, _| phpunit(line),
    |line, _| ruby(line),
    |line, _| exunit(line),
    tap,
];

pub(super) fn read(line: &str, memory: &mut Memory) -> Found {
    READERS.iter().find_map(|reader| reader(line, memory))
}

/// Adds what could only be told at the end.
pub(super) fn settle(memory: &Memory, counts: &mut BTreeMap<Runner, Count>) {
    let spoken_for = [Runner::NodeTest, Runner::Tap].iter().any(|runner| counts.contains_key(runner));
    if memory.tap_plan && !spoken_for {
        counts.insert(Runner::Tap, memory.tap);
    }
}

const NONE: Count = Count { total: 0, failed: 0, skipped: 0, uncounted: false };

fn count(total: u64, failed: u64, skipped: u64) -> Count {
    Count { total, failed, skipped, uncounted: false }
}

/// The number that stands directly before one of the words: `3 passed`.
fn before(line: &str, words: &[&str]) -> Option<u64> {
    let mut last: Option<u64> = None;
    for token in line.split(|c: char| c.is_whitespace() || ",;:|()[]=.".contains(c)).filter(|t| !t.is_empty())
    {
        if words.contains(&token) && last.is_some() {
            return last;
        }
        last = token.parse().ok();
    }
    None
}

fn number(line: &str, words: &[&str]) -> u64 {
    before(line, words).unwrap_or(0)
}

/// The number directly behind `key`: `Tests run: 5`.
fn behind(line: &str, key: &str) -> Option<u64> {
    let (_, rest) = line.split_once(key)?;
    let rest = rest.trim_start_matches([' ', ':', '=']);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn after(line: &str, key: &str) -> u64 {
    behind(line, key).unwrap_or(0)
}

/// `3 word` and nothing else but a time in brackets.
fn alone(line: &str, word: &str) -> Option<u64> {
    let mut parts = line.split_whitespace();
    let number = parts.next()?.parse().ok()?;
    let fits = parts.next() == Some(word) && parts.next().is_none_or(|rest| rest.starts_with('('));
    fits.then_some(number)
}

fn unittest(line: &str, memory: &mut Memory) -> Found {
    if line.starts_with("Ran ") && (line.contains(" test in ") || line.contains(" tests in ")) {
        memory.after_ran = true;
        return Some((Runner::Unittest, count(before(line, &["test", "tests"])?, 0, 0)));
    }
    let closing =
        line == "OK" || line.starts_with("OK (") || line.starts_with("FAILED (") || line == "NO TESTS RAN";
    if !closing || !memory.after_ran {
        return None;
    }
    memory.after_ran = false;
    let failed = after(line, "failures=") + after(line, "errors=");
    let skipped = behind(line, "skipped=").unwrap_or(0);
    Some((Runner::Unittest, count(0, failed, skipped)))
}

fn pytest(line: &str) -> Found {
    let line = line.trim_matches(['=', ' ']);
    let (counts, time) = line.rsplit_once(" in ")?;
    let seconds = time.split_once('s')?.0;
    if seconds.parse::<f64>().is_err() {
        return None;
    }
    if counts == "no tests ran" {
        return Some((Runner::Pytest, NONE));
    }
    let words = [
        "passed",
        "failed",
        "error",
        "errors",
        "skipped",
        "deselected",
        "xfailed",
        "xpassed",
        "warning",
        "warnings",
    ];
    let known = counts.split(", ").all(|part| words.iter().any(|word| alone(part, word).is_some()));
    known.then(|| {
        let failed = number(counts, &["failed"]) + number(counts, &["error", "errors"]);
        let skipped = number(counts, &["skipped"]);
        let passed =
            number(counts, &["passed"]) + number(counts, &["xfailed"]) + number(counts, &["xpassed"]);
        (Runner::Pytest, count(passed + failed + skipped, failed, skipped))
    })
}

fn cargo(line: &str) -> Found {
    if line.starts_with("test result: ") {
        let (passed, failed, ignored) =
            (number(line, &["passed"]), number(line, &["failed"]), number(line, &["ignored"]));
        let total = passed + failed + ignored + number(line, &["measured"]);
        return Some((Runner::CargoTest, count(total, failed, ignored)));
    }
    if line.starts_with("Summary [") && line.contains(" run: ") {
        let total = before(line, &["tests", "test"])?;
        return Some((Runner::Nextest, count(total, number(line, &["failed"]), 0)));
    }
    (line == "error: no tests to run").then_some((Runner::Nextest, NONE))
}

fn go(line: &str) -> Found {
    let package = |mark: &str| {
        line.strip_prefix(mark).is_some_and(|rest| rest.trim_start_matches(' ').starts_with('\t'))
    };
    if package("ok") {
        let some = !line.ends_with("[no tests to run]");
        return Some((Runner::Go, Count { uncounted: some, ..NONE }));
    }
    if package("FAIL") {
        return Some((Runner::Go, Count { failed: 1, uncounted: true, ..NONE }));
    }
    let bare = package("?") && line.ends_with("[no test files]")
        || line.contains("\t\tcoverage: 0.0% of statements");
    bare.then_some((Runner::Go, NONE))
}

fn node(line: &str) -> Found {
    let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    let (word, number) = rest.split_once(' ')?;
    let number = number.parse().ok()?;
    let found = match word {
        "tests" => count(number, 0, 0),
        "fail" => count(0, number, 0),
        "skipped" | "cancelled" => count(0, 0, number),
        _ => return None,
    };
    Some((Runner::NodeTest, found))
}

fn jest(line: &str) -> Found {
    if line.starts_with("No tests found, exiting with code") {
        return Some((Runner::Jest, NONE));
    }
    let rest = line.strip_prefix("Tests:")?;
    let total = before(rest, &["total"])?;
    Some((
        Runner::Jest,
        count(total, number(rest, &["failed"]), number(rest, &["skipped"]) + number(rest, &["todo"])),
    ))
}

fn vitest(line: &str) -> Found {
    if line.starts_with("No test files found") || line == "Tests  no tests" {
        return Some((Runner::Vitest, NONE));
    }
    let rest = line.strip_prefix("Tests  ")?;
    let (counts, total) = rest.strip_suffix(')')?.rsplit_once('(')?;
    let skipped = number(counts, &["skipped"]) + number(counts, &["todo"]);
    Some((Runner::Vitest, count(total.parse().ok()?, number(counts, &["failed"]), skipped)))
}

fn mocha(line: &str) -> Found {
    let found = if let Some(n) = alone(line, "passing") {
        count(n, 0, 0)
    } else if let Some(n) = alone(line, "failing") {
        count(n, n, 0)
    } else {
        let n = alone(line, "pending")?;
        count(n, 0, n)
    };
    Some((Runner::Mocha, found))
}

fn bun(line: &str, memory: &mut Memory) -> Found {
    if let Some(n) = alone(line, "pass") {
        memory.bun = count(n, 0, 0);
    } else if let Some(n) = alone(line, "skip") {
        memory.bun = count(memory.bun.total.saturating_add(n), memory.bun.failed, n);
    } else if let Some(n) = alone(line, "fail") {
        memory.bun = count(memory.bun.total.saturating_add(n), n, memory.bun.skipped);
    }
    let end = line.starts_with("Ran ") && line.contains(" across ");
    end.then(|| (Runner::Bun, std::mem::take(&mut memory.bun)))
}

fn deno(line: &str) -> Found {
    if line == "error: No test modules found" {
        return Some((Runner::Deno, NONE));
    }
    let rest = line.strip_prefix("ok | ").or_else(|| line.strip_prefix("FAILED | "))?;
    let passed = before(rest, &["passed"])?;
    let (failed, ignored) = (number(rest, &["failed"]), number(rest, &["ignored"]));
    Some((Runner::Deno, count(passed + failed + ignored, failed, ignored)))
}

fn java(line: &str) -> Found {
    let bare =
        line.trim_start_matches("[INFO] ").trim_start_matches("[ERROR] ").trim_start_matches("[WARNING] ");
    if bare == "No tests to run." {
        return Some((Runner::Surefire, NONE));
    }
    // A line with a time is one class; the sum follows without one.
    if bare.starts_with("Tests run: ") && !bare.contains("Time elapsed") {
        let failed = after(bare, "Failures: ") + after(bare, "Errors: ");
        return Some((
            Runner::Surefire,
            count(behind(bare, "Tests run: ")?, failed, after(bare, "Skipped: ")),
        ));
    }
    if let Some(total) = before(bare, &["tests", "test"]).filter(|_| bare.contains(" completed, ")) {
        return Some((Runner::Gradle, count(total, number(bare, &["failed"]), number(bare, &["skipped"]))));
    }
    let task = bare.strip_prefix("> Task :")?;
    let mut words = task.split(' ');
    let name = words.next()?.rsplit(':').next()?;
    if name != "test" && !name.ends_with("Test") {
        return None;
    }
    let some = !matches!(words.next(), Some("NO-SOURCE" | "SKIPPED"));
    Some((Runner::Gradle, Count { uncounted: some, ..NONE }))
}

fn cpp(line: &str) -> Found {
    if line == "No tests were found!!!" {
        return Some((Runner::Ctest, NONE));
    }
    if line.contains("% tests passed, ") {
        return Some((Runner::Ctest, count(behind(line, "out of")?, after(line, "passed, "), 0)));
    }
    if line.starts_with("[==========]") && line.contains(" ran.") {
        return Some((Runner::GoogleTest, count(before(line, &["tests", "test"])?, 0, 0)));
    }
    if line.ends_with(", listed below:") {
        let n = before(line, &["tests", "test"])?;
        let found = if line.starts_with("[  FAILED") { count(0, n, 0) } else { count(0, 0, n) };
        return Some((Runner::GoogleTest, found));
    }
    if line == "No tests ran" || line.starts_with("No test cases matched") {
        return Some((Runner::Catch2, NONE));
    }
    if line.starts_with("All tests passed (") {
        // The number stands before two words: `in 2 test cases`.
        let cases = line.split_once(" in ")?.1.split(' ').next()?.parse().ok()?;
        return Some((Runner::Catch2, count(cases, 0, 0)));
    }
    let rest = line.strip_prefix("test cases:")?;
    let total = rest.trim().split(' ').next()?.parse().ok()?;
    Some((Runner::Catch2, count(total, number(rest, &["failed"]), number(rest, &["skipped"]))))
}

fn dotnet(line: &str) -> Found {
    if line.starts_with("No test is available in") || line.starts_with("No test matches") {
        return Some((Runner::Dotnet, NONE));
    }
    let verdict = ["Passed!", "Failed!", "Skipped!"].iter().any(|word| line.starts_with(word));
    if verdict && let Some(total) = behind(line, "Total:") {
        return Some((Runner::Dotnet, count(total, after(line, "Failed:"), after(line, "Skipped:"))));
    }
    let rest = line.strip_prefix("Test summary: ")?;
    Some((Runner::Dotnet, count(behind(rest, "total:")?, after(rest, "failed:"), after(rest, "skipped:"))))
}

fn phpunit(line: &str) -> Found {
    if line == "No tests executed!" {
        return Some((Runner::Phpunit, NONE));
    }
    if line.starts_with("OK (") && line.contains(" assertion") {
        return Some((Runner::Phpunit, count(before(line, &["tests", "test"])?, 0, 0)));
    }
    if !line.starts_with("Tests: ") || !line.contains("Assertions: ") {
        return None;
    }
    let failed = after(line, "Failures: ") + after(line, "Errors: ");
    let skipped = after(line, "Skipped: ") + after(line, "Incomplete: ");
    Some((Runner::Phpunit, count(after(line, "Tests: "), failed, skipped)))
}

fn ruby(line: &str) -> Found {
    if line.contains(" example") && line.contains(" failure") {
        let total = before(line, &["examples", "example"])?;
        return Some((
            Runner::Rspec,
            count(total, number(line, &["failures", "failure"]), number(line, &["pending"])),
        ));
    }
    if !line.contains(" assertions, ") {
        return None;
    }
    let total = before(line, &["runs", "tests"])?;
    let failed = number(line, &["failures"]) + number(line, &["errors"]);
    let skipped = number(line, &["skips"]) + number(line, &["pendings"]) + number(line, &["omissions"]);
    Some((Runner::Minitest, count(total, failed, skipped)))
}

fn exunit(line: &str) -> Found {
    if line == "There are no tests to run" {
        return Some((Runner::ExUnit, NONE));
    }
    if !line.starts_with(|c: char| c.is_ascii_digit())
        || !(line.contains(" failures") || line.contains(" failure"))
    {
        return None;
    }
    let kinds = [["tests", "test"], ["doctests", "doctest"], ["properties", "property"]];
    let found: Vec<u64> = kinds.iter().filter_map(|words| before(line, words)).collect();
    let (failed, skipped) =
        (number(line, &["failures", "failure"]), number(line, &["skipped"]) + number(line, &["excluded"]));
    (!found.is_empty()).then(|| (Runner::ExUnit, count(found.iter().sum(), failed, skipped)))
}

fn tap(line: &str, memory: &mut Memory) -> Found {
    if line.starts_with("Files=") && line.contains(", Tests=") {
        return Some((Runner::Tap, count(behind(line, "Tests=")?, 0, 0)));
    }
    if line == "Result: NOTESTS" {
        return Some((Runner::Tap, NONE));
    }
    if let Some(plan) = line.strip_prefix("1..") {
        memory.tap_plan |= plan.split(' ').next().is_some_and(|n| n.parse::<u64>().is_ok());
        return None;
    }
    let (failed, rest) = match line.strip_prefix("not ok ") {
        Some(rest) => (1, rest),
        None => (0, line.strip_prefix("ok ")?),
    };
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        let skipped = u64::from(rest.to_lowercase().contains("# skip"));
        memory.tap.total += 1;
        memory.tap.failed += failed;
        memory.tap.skipped += skipped;
    }
    None
}

//! A scenario out of YAML, strictly: every error names its line and key.
//!
//! Owns the keys and their bounds (docs/simulator.md explains them). It simulates nothing. Start with
//! [`Scenario::parse`].

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Bound, Expectation, Scenario, Timed};
use crate::config::ConfigError;
use crate::config::duration::Span;
use crate::config::table::{Document, Table};
use crate::daemon::simulate::fault::{Fault, KINDS, Kind};
use crate::daemon::simulate::nature::{NATURES, Nature};

const KEYS: &[&str] = &[
    "about",
    "seed",
    "start",
    "hours",
    "slots",
    "projects",
    "beads",
    "edges",
    "agents",
    "gates",
    "allowance",
    "config",
    "project",
    "faults",
    "dies_at",
    "expect",
];
/// What an expectation may be about.
pub(in crate::daemon::simulate) const FIGURES: &[&str] = &[
    "landed",
    "parked",
    "no_change",
    "failed",
    "timeout",
    "cancelled",
    "suspended",
    "open",
    "claims",
    "attempts",
    "crashes",
    "requests",
    "refused",
    "burst",
    "notices",
    "beside",
];
const MOST_BEADS: u32 = 5000;
const MOST_FAULTS: usize = 500;

impl Scenario {
    /// Reads the bytes of a scenario; `file` is how messages call it.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(bytes, file)?;
        let root = document.root();
        root.only(KEYS)?;
        let plain = Self::default();
        let text = |key: &str| Ok::<_, ConfigError>(root.text(key)?.unwrap_or_default().to_owned());
        let gates = root.table("gates")?;
        let share = |table: Option<&Table<'_>>, key: &str| match table {
            Some(table) => table.part(key).map(Option::unwrap_or_default),
            None => Ok(0.0),
        };
        if let Some(table) = &gates {
            table.only(&["flaky", "out_of_memory"])?;
        }
        Ok(Self {
            about: text("about")?,
            seed: root.big("seed")?.unwrap_or(plain.seed),
            start: start(&root)?.unwrap_or(plain.start),
            length: root
                .count("hours", 1, 24 * 14)?
                .map_or(plain.length, |h| Duration::from_secs(u64::from(h) * 3600)),
            slots: root.count("slots", 1, 64)?.unwrap_or(plain.slots),
            projects: root.count("projects", 1, 20)?.unwrap_or(plain.projects),
            beads: root.count("beads", 0, MOST_BEADS)?.unwrap_or(plain.beads),
            edges: root.part("edges")?.unwrap_or(plain.edges),
            agents: agents(&root)?.unwrap_or(plain.agents),
            gate_flaky: share(gates.as_ref(), "flaky")?,
            gate_out_of_memory: share(gates.as_ref(), "out_of_memory")?,
            allowance: root.big("allowance")?.unwrap_or_default(),
            config: text("config")?,
            project: text("project")?,
            faults: faults(&root)?,
            dies_at: dies_at(&root)?,
            expect: expect(&root)?,
        })
    }
}

fn start(root: &Table<'_>) -> Result<Option<DateTime<Utc>>, ConfigError> {
    let Some(text) = root.text("start")? else { return Ok(None) };
    let expected = "a moment such as `2026-11-21T22:00:00Z`";
    let read = DateTime::parse_from_rfc3339(text).map_err(|_| root.bad("start", expected, &quoted(text)))?;
    Ok(Some(read.with_timezone(&Utc)))
}

fn agents(root: &Table<'_>) -> Result<Option<Vec<(Nature, u32)>>, ConfigError> {
    let Some(table) = root.table("agents")? else { return Ok(None) };
    let known: Vec<&str> = NATURES.iter().map(|(name, _)| *name).collect();
    table.only(&known)?;
    let mut weights = Vec::new();
    for (name, nature) in NATURES {
        if let Some(weight) = table.count(name, 0, 1000)?.filter(|weight| *weight > 0) {
            weights.push((*nature, weight));
        }
    }
    if weights.is_empty() {
        return Err(root.bad("agents", "at least one kind of agent with a weight above 0", "none"));
    }
    Ok(Some(weights))
}

fn faults(root: &Table<'_>) -> Result<Vec<Timed>, ConfigError> {
    let mut all = Vec::new();
    for table in root.tables("faults", MOST_FAULTS)?.unwrap_or_default() {
        table.only(&["at", "fault", "for", "by"])?;
        let name = table.text("fault")?.ok_or_else(|| table.missing("fault", "the name of a fault"))?;
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name) else {
            let near = KINDS.iter().map(|(known, _)| *known);
            let near = near.min_by_key(|known| strsim::osa_distance(known, name)).unwrap_or_default();
            return Err(table.bad("fault", &format!("a fault such as `{near}`"), &quoted(name)));
        };
        let at = span(&table, "at")?.ok_or_else(|| table.missing("at", "a time such as `2h10m`"))?;
        let lasts = span(&table, "for")?.unwrap_or_else(|| usual(*kind));
        let by = by(&table)?;
        all.push(Timed { at, fault: Fault { kind: *kind, lasts, by } });
    }
    all.sort_by_key(|timed| timed.at);
    Ok(all)
}

/// How long a fault lasts that does not say.
fn usual(kind: Kind) -> Duration {
    Duration::from_secs(match kind {
        Kind::KillDaemon | Kind::StopDaemon | Kind::DockerdRestart => 10,
        Kind::UsageLimit | Kind::UsageLimitMillis => 3 * 3600,
        _ => 600,
    })
}

/// A number, or a span with a sign in front: `-1h`.
fn by(table: &Table<'_>) -> Result<i64, ConfigError> {
    if let Ok(number) = table.big("by") {
        return Ok(number.map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX)));
    }
    let text = table.text("by")?.unwrap_or_default();
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let span =
        parse_span(rest).ok_or_else(|| table.bad("by", "a number or a span such as `-1h`", &quoted(text)))?;
    Ok(sign * i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
}

fn span(table: &Table<'_>, key: &str) -> Result<Option<Duration>, ConfigError> {
    let Some(text) = table.text(key)? else { return Ok(None) };
    let read = parse_span(text);
    read.map(Some).ok_or_else(|| table.bad(key, "a time such as `2h10m` or `90s`", &quoted(text)))
}

/// Several spans in a row, as a person says them.
fn parse_span(text: &str) -> Option<Duration> {
    if text == "0s" {
        return Some(Duration::ZERO);
    }
    let mut whole = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())? + 1;
        let part: Span = rest.get(..end)?.parse().ok()?;
        whole = whole.checked_add(part.get())?;
        rest = &rest[end..];
    }
    (whole > Duration::ZERO).then_some(whole)
}

fn dies_at(root: &Table<'_>) -> Result<Vec<u64>, ConfigError> {
    let text = root.text("dies_at")?.unwrap_or_default();
    let expected = "numbers of points with spaces between, such as `12 40`";
    text.split_whitespace()
        .map(|word| word.parse().map_err(|_| root.bad("dies_at", expected, &quoted(word))))
        .collect()
}

fn expect(root: &Table<'_>) -> Result<Vec<Expectation>, ConfigError> {
    let Some(table) = root.table("expect")? else { return Ok(Vec::new()) };
    table.only(FIGURES)?;
    let mut all = Vec::new();
    for of in table.keys().collect::<Vec<_>>() {
        let bound = match table.big(&of) {
            Ok(number) => number.map(Bound::Exactly),
            Err(_) => table.text(&of)?.and_then(parse_bound),
        };
        let expected = "`at least 40`, `at most 3` or a number";
        let bound = bound.ok_or_else(|| table.bad(&of, expected, "something else"))?;
        all.push(Expectation { of, bound });
    }
    Ok(all)
}

fn parse_bound(text: &str) -> Option<Bound> {
    let number = |rest: &str| rest.trim().parse().ok();
    if let Some(rest) = text.strip_prefix("at least ") {
        return number(rest).map(Bound::Least);
    }
    if let Some(rest) = text.strip_prefix("at most ") {
        return number(rest).map(Bound::Most);
    }
    number(text).map(Bound::Exactly)
}

fn quoted(text: &str) -> String {
    format!("`{}`", crate::domain::text::one_line(text, 60))
}

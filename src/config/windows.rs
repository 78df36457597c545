//! When the night may work: `windows` and `blackout` of the user's own config.
//!
//! Owns their grammar. A window's `start` is a cron expression that names at most one time a day (a second
//! time is a second window); its `stop` is a time of day (`07:00`, the next one after the start), a duration
//! (`8h`, by the clock that never jumps) or a cron expression. What follows from them is for
//! `scheduler::window`. Start with [`Window`].

use chrono::{NaiveDate, NaiveTime};

use super::cron::Cron;
use super::duration::Span;
use super::error::ConfigError;
use super::table::Table;
use super::zone::Zone;

/// No window is longer, whatever its `stop` says.
pub const LONGEST: Span = Span::from_secs(7 * 86_400);

/// A repeated stretch of time in which beads may be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub start: Cron,
    pub stop: Stop,
    /// `None`: the machine's own.
    pub zone: Option<Zone>,
    /// This long before the end nothing is started any more, whatever the forecast says.
    pub drain: Option<Span>,
    pub catch_up: CatchUp,
    /// Names of projects; empty: all.
    pub projects: Vec<String>,
}

/// How a window ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    Cron(Box<Cron>),
    /// The next such time on the wall after the start.
    At(NaiveTime),
    /// Real time after the start.
    After(Span),
}

/// What happens when nobody was there at the start of a window that is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// What is left of it is used. Windows that are over are never made up for.
    #[default]
    Once,
    /// It stays shut until its next start.
    Skip,
}

/// Local dates on which no window starts. A night belongs to the date on which it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blackout {
    /// First and last day, both included.
    pub ranges: Vec<(NaiveDate, NaiveDate)>,
}

impl Blackout {
    pub fn covers(&self, date: NaiveDate) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&date))
    }
}

const START: &str = "a cron expression of five fields such as `0 22 * * 1-5`";
const STOP: &str = "a time such as `07:00`, a duration such as `8h` or a cron expression such as `0 7 * * *`";
const ZONE: &str = "a time zone such as `Europe/Berlin`";
const DATES: &str = "a date such as `2026-12-24` or dates such as `2026-12-24..2027-01-01`";

pub(super) fn windows(root: &Table<'_>) -> Result<Vec<Window>, ConfigError> {
    root.tables("windows", 50)?.unwrap_or_default().iter().map(window).collect()
}

fn window(table: &Table<'_>) -> Result<Window, ConfigError> {
    table.only(&["start", "stop", "zone", "drain", "catch_up", "projects"])?;
    let start = table.text("start")?.ok_or_else(|| table.missing("start", START))?;
    let start = cron(table, "start", start, START)?;
    if !start.at_most_daily() {
        let expected =
            "a cron expression that names one time a day, such as `0 22 * * *`, and a window for each";
        return Err(table.bad("start", expected, &format!("`{start}`")));
    }
    let zone = match table.text("zone")? {
        None => None,
        Some(name) => Some(Zone::parse(name).ok_or_else(|| table.bad("zone", ZONE, &found(name)))?),
    };
    let catch_up = match table.text("catch_up")? {
        None | Some("once") => CatchUp::Once,
        Some("skip") => CatchUp::Skip,
        Some(other) => return Err(table.bad("catch_up", "`once` or `skip`", &found(other))),
    };
    let projects = table.texts("projects", 200)?.unwrap_or_default();
    Ok(Window {
        start,
        stop: stop(table)?,
        zone,
        drain: table.span("drain")?,
        catch_up,
        projects: projects.into_iter().map(str::to_owned).collect(),
    })
}

fn stop(table: &Table<'_>) -> Result<Stop, ConfigError> {
    let text = table.text("stop")?.ok_or_else(|| table.missing("stop", STOP))?;
    if let Some(time) = time_of_day(text) {
        return Ok(Stop::At(time));
    }
    if let Ok(span) = text.parse::<Span>() {
        if span > LONGEST {
            return Err(table.bad("stop", "a duration of at most `7d`", &found(text)));
        }
        return Ok(Stop::After(span));
    }
    Ok(Stop::Cron(Box::new(cron(table, "stop", text, STOP)?)))
}

/// `07:00` or `7:00`; `24:00` is no time of day.
pub fn time_of_day(text: &str) -> Option<NaiveTime> {
    let (hours, minutes) = text.split_once(':')?;
    let plain = |part: &str, least: usize| {
        (least..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let whole = plain(hours, 1) && plain(minutes, 2);
    whole.then(|| NaiveTime::from_hms_opt(hours.parse().ok()?, minutes.parse().ok()?, 0))?
}

fn cron(table: &Table<'_>, key: &str, text: &str, expected: &str) -> Result<Cron, ConfigError> {
    Cron::parse(text).map_err(|why| table.bad(key, expected, &format!("{} ({why})", found(text))))
}

pub(super) fn blackout(root: &Table<'_>) -> Result<Blackout, ConfigError> {
    let mut ranges = Vec::new();
    for text in root.texts("blackout", 1000)?.unwrap_or_default() {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let date = |text: &str| NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
        match (date(first), date(last)) {
            (Some(first), Some(last)) if first <= last => ranges.push((first, last)),
            _ => return Err(root.bad("blackout", DATES, &found(text))),
        }
    }
    Ok(Blackout { ranges })
}

fn found(text: &str) -> String {
    format!("`{}`", crate::domain::text::one_line(text, 60))
}

#[cfg(test)]
mod tests;

//! Cron expressions of five fields, on the clock on the wall.
//!
//! Owns the only use of the cron library, which is asked without any zone: what clock changes do to a time is
//! decided in one place, by `zone`. An expression that never comes true is refused when it is read, because
//! the search for it takes long. Start with [`Cron::parse`].

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use cron::parser::{CronParser, Seconds, Year};

/// Minute, hour, day of month, month, day of week, as written.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    parsed: cron::Cron,
}

/// What is wrong with a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    #[error("expected five fields (minute, hour, day, month, weekday), found {0}")]
    Fields(usize),
    #[error("{0}")]
    Syntax(String),
    #[error("it names no day that ever comes")]
    Never,
}

impl Cron {
    pub fn parse(text: &str) -> Result<Self, BadCron> {
        let text = text.trim();
        let fields = text.split_whitespace().count();
        if fields != 5 || text.len() > 200 {
            return Err(BadCron::Fields(fields));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let parsed = parser.parse(text).map_err(|error| {
            let why = error.to_string();
            BadCron::Syntax(why.trim_end_matches('.').to_lowercase())
        })?;
        let cron = Self { text: text.to_owned(), parsed };
        cron.next(reference(), true).map(|_| cron).ok_or(BadCron::Never)
    }

    /// The first time it names after `from`, or at it where `inclusive`.
    pub fn next(&self, from: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        self.parsed.find_next_occurrence(&wall(from), inclusive).ok().map(|at| at.naive_utc())
    }

    /// The last time it names before `from`, or at it where `inclusive`.
    pub fn previous(&self, from: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        self.parsed.find_previous_occurrence(&wall(from), inclusive).ok().map(|at| at.naive_utc())
    }

    /// Whether no day has more than one of its times.
    pub fn at_most_daily(&self) -> bool {
        // Minutes and hours do not depend on the day, so one day stands for all.
        let first = self.next(reference(), true);
        let second = first.and_then(|at| self.next(at, false));
        !matches!((first, second), (Some(a), Some(b)) if a.date() == b.date())
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The library takes moments; in UTC every time of every clock exists once.
fn wall(local: NaiveDateTime) -> DateTime<Utc> {
    local.and_utc()
}

fn reference() -> NaiveDateTime {
    let day = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day of the calendar");
    day.and_hms_opt(0, 0, 0).expect("midnight is a time of day")
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.text)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;

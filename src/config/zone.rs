//! An IANA time zone, and the way between its clock on the wall and UTC.
//!
//! Owns the only use of the zone database. A time that a clock change skips means the first minute after the
//! gap, a time that comes twice means its first coming (F42). It reads neither clock nor environment: the
//! machine's own zone is worked out of what the caller read. Start with [`Zone::parse`] and [`Zone::instant`].

use std::fmt;
use std::path::Path;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A zone of the database, such as `Europe/Berlin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Zone {
    pub const UTC: Self = Self(Tz::UTC);

    /// Exactly as the database spells it; `None` for every other text.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The machine's zone out of the variable `TZ` (`Europe/Berlin`, `:Europe/Berlin`) or the target of the link
    /// `/etc/localtime`; UTC where neither names a zone.
    pub fn of_machine(tz: Option<&str>, localtime: Option<&Path>) -> Self {
        let linked = || {
            let (_, name) = localtime?.to_str()?.split_once("zoneinfo/")?;
            Self::parse(name.trim_start_matches("posix/").trim_start_matches("right/"))
        };
        let asked = tz.map(|text| text.trim_start_matches(':')).filter(|text| !text.is_empty());
        asked.map_or_else(linked, Self::parse).unwrap_or(Self::UTC)
    }

    /// What the clock on the wall shows.
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The moment at which the clock on the wall first shows this time or, where it never does, the first minute
    /// after the gap. `None` only at the ends of the calendar.
    pub fn instant(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        if let Some(at) = self.0.from_local_datetime(&local).earliest() {
            return Some(at.with_timezone(&Utc));
        }
        self.after_gap(local)
    }

    /// Whether the date exists here: Apia had no 30 December 2011.
    pub fn has_date(self, date: NaiveDate) -> bool {
        let noon = date.and_hms_opt(12, 0, 0).expect("noon is a time of day");
        let around = [Duration::zero(), Duration::hours(-11), Duration::hours(11)];
        around.iter().any(|by| self.0.from_local_datetime(&(noon + *by)).earliest().is_some())
    }

    /// Gaps begin and end on whole minutes since standard time; one of a whole day is the longest there was.
    fn after_gap(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let exists = |at: NaiveDateTime| self.0.from_local_datetime(&at).earliest();
        // From a time that surely exists before the gap, UTC runs on evenly: the gap ends where the wall clock passes it.
        let mut before = local;
        for _ in 0..52 {
            before = before.checked_sub_signed(Duration::minutes(30))?;
            if let Some(start) = exists(before) {
                let start = start.with_timezone(&Utc);
                let (mut low, mut high) = (0, 26 * 60 * 60);
                while low < high {
                    let middle = (low + high) / 2;
                    if self.local(start + Duration::seconds(middle)) >= local {
                        high = middle;
                    } else {
                        low = middle + 1;
                    }
                }
                return Some(start + Duration::seconds(low));
            }
        }
        None
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;

//! Hours in which a person sleeps, by the clock on their wall.
//!
//! Owns whether a moment is quiet and when that ends, over midnight and over changes of the clock (F42). Start
//! with [`QuietHours::cover`].

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::config::notify::Quiet;
use crate::config::zone::Zone;

#[derive(Debug, Clone, PartialEq)]
pub struct QuietHours {
    start: NaiveTime,
    stop: NaiveTime,
    zone: Zone,
    /// What needs a person breaks them.
    pub needs_you: bool,
}

impl QuietHours {
    /// As configured; `zone` is the machine's own.
    pub fn new(quiet: &Quiet, zone: Zone) -> Self {
        let zone = quiet.zone.unwrap_or(zone);
        Self { start: quiet.start, stop: quiet.stop, zone, needs_you: quiet.needs_you }
    }

    pub fn cover(&self, at: DateTime<Utc>) -> bool {
        let time = self.zone.local(at).time();
        if self.start < self.stop {
            (self.start..self.stop).contains(&time)
        } else {
            time >= self.start || time < self.stop
        }
    }

    /// The first moment after `at` that is not quiet; at most two days later.
    pub fn end(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let today = self.zone.local(at).date();
        let stops = (0..=2).filter_map(|days| {
            let date = today.checked_add_signed(TimeDelta::days(days))?;
            self.zone.instant(date.and_time(self.stop))
        });
        // A stop in the hour that a clock shows twice may still be quiet the second time: a look later says so.
        stops.into_iter().find(|stop| *stop > at).unwrap_or(at + TimeDelta::minutes(1))
    }
}

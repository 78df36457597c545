//! When the night may start beads: a pure calendar of windows.
//!
//! A window opens at most once per local date: a start in the gap of a clock change opens at the first minute
//! after it, the repeated hour opens nothing again, and dates that never were have no night (F42). Windows that
//! overlap or touch unite. A missed start is caught up by using what is left of the window, never by a run
//! outside of one. It reads no clock. Start with [`Calendar::at`].

use std::fmt;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};

use crate::config::windows::{Blackout, CatchUp, LONGEST, Stop, Window, time_of_day};
use crate::config::zone::Zone;

/// A restart shorter than this misses no start.
const GRACE: Duration = Duration::minutes(5);
/// How many occurrences are looked at before a calendar counts as empty: two years of a daily window.
const MOST_STEPS: usize = 750;
/// Windows without any pause are united to an end no further away than about this.
const HORIZON: Duration = Duration::days(8);

/// Which night: the local date of its start and the window that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct NightKey {
    pub date: NaiveDate,
    /// Position in the config's list; `None`: a person began it (`bead night`).
    pub window: Option<u16>,
}

impl fmt::Display for NightKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window {
            Some(window) => write!(f, "{}-{window}", self.date),
            None => write!(f, "{}", self.date),
        }
    }
}

/// Whether beads may be started now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Open(Open),
    /// `next`: the next opening; `None` where no window is configured or none ever opens again.
    Closed {
        next: Option<DateTime<Utc>>,
    },
}

/// An open window, or several in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub night: NightKey,
    pub since: DateTime<Utc>,
    /// `None`: a person began the night and set no end.
    pub until: Option<DateTime<Utc>>,
    /// From here on nothing is started any more, whatever the forecast says.
    pub drain_from: Option<DateTime<Utc>>,
}

impl Open {
    /// A night that a person began.
    pub fn by_hand(now: DateTime<Utc>, until: Option<DateTime<Utc>>, zone: Zone) -> Self {
        let night = NightKey { date: zone.local(now).date(), window: None };
        Self { night, since: now, until, drain_from: until }
    }

    /// How long beads may still work; `None`: without end.
    pub fn left(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.until.map(|until| (until - now).max(Duration::zero()))
    }
}

/// Since when the daemon has been looking without interruption, for windows with `catch_up: skip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Its start, or the end of the machine's last sleep.
    pub awake_since: DateTime<Utc>,
    /// The last night that was opened: after a restart it goes on.
    pub opened: Option<NightKey>,
}

impl Presence {
    /// Was always there: for plans and previews.
    pub const ALWAYS: Self = Self { awake_since: DateTime::<Utc>::MIN_UTC, opened: None };
}

/// The windows of the user's config with the zone they mean.
#[derive(Debug, Clone)]
pub struct Calendar {
    windows: Vec<Window>,
    blackout: Blackout,
    machine: Zone,
}

/// One opening of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Opening {
    key: NightKey,
    start: DateTime<Utc>,
    stop: DateTime<Utc>,
    drain: Duration,
}

impl Calendar {
    /// `machine`: the zone of windows that name none.
    pub fn new(windows: &[Window], blackout: &Blackout, machine: Zone) -> Self {
        Self { windows: windows.to_vec(), blackout: blackout.clone(), machine }
    }

    /// Whether no window is configured at all.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// How things stand for a project, by its name.
    pub fn at(&self, now: DateTime<Utc>, project: &str, presence: &Presence) -> State {
        self.state(now, presence, |window| {
            window.projects.is_empty() || window.projects.iter().any(|p| p == project)
        })
    }

    /// How things stand for any project.
    pub fn any(&self, now: DateTime<Utc>, presence: &Presence) -> State {
        self.state(now, presence, |_| true)
    }

    fn state(&self, now: DateTime<Utc>, presence: &Presence, applies: impl Fn(&Window) -> bool) -> State {
        let indexed = (0u16..).zip(&self.windows).filter(|(_, window)| applies(window));
        let windows: Vec<(u16, &Window)> = indexed.collect();
        let here = |opening: &Opening, window: &Window| {
            let missed = opening.start + GRACE < presence.awake_since && presence.opened != Some(opening.key);
            window.catch_up == CatchUp::Once || !missed
        };
        let latest = |at: DateTime<Utc>| {
            let each = windows.iter().filter_map(move |(index, window)| {
                self.latest(*index, window, at).filter(|opening| here(opening, window))
            });
            each.collect::<Vec<_>>()
        };
        let begun = latest(now);
        let Some(first) = begun.iter().filter(|o| o.stop > now).min_by_key(|o| o.start) else {
            let next = windows.iter().filter_map(|(index, window)| self.following(*index, window, now));
            return State::Closed { next: next.min() };
        };
        let first = beginning(*first, &begun);
        let mut last = *begun.iter().max_by_key(|o| o.stop).expect("one of them is open");
        while last.stop < now + HORIZON {
            let longer = latest(last.stop).into_iter().filter(|o| o.stop > last.stop).max_by_key(|o| o.stop);
            let Some(longer) = longer else { break };
            last = longer;
        }
        State::Open(Open {
            night: first.key,
            since: first.start,
            until: Some(last.stop),
            drain_from: Some(last.stop - last.drain),
        })
    }

    /// The last opening of a window that began at or before `now`, over or not. None of more than nine days ago:
    /// it is over.
    fn latest(&self, index: u16, window: &Window, now: DateTime<Utc>) -> Option<Opening> {
        let wall = window.zone.unwrap_or(self.machine).local(now);
        // In a repeated hour the wall may show less than a start that has already been.
        let mut at = wall.checked_add_signed(Duration::days(2))?;
        let oldest = wall.checked_sub_signed(Duration::days(9))?;
        loop {
            at = window.start.previous(at, false)?;
            if at < oldest {
                return None;
            }
            if let Some(opening) = self.opening(index, window, at).filter(|o| o.start <= now) {
                return Some(opening);
            }
        }
    }

    /// The next start of a window after `now`.
    fn following(&self, index: u16, window: &Window, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut at = window.zone.unwrap_or(self.machine).local(now).checked_sub_signed(Duration::days(2))?;
        for _ in 0..MOST_STEPS {
            at = window.start.next(at, false)?;
            if let Some(opening) = self.opening(index, window, at).filter(|o| o.start > now) {
                return Some(opening.start);
            }
        }
        None
    }

    /// What a start on the wall means; `None` on days without a night and where a gap swallows the whole window.
    fn opening(&self, index: u16, window: &Window, wall: NaiveDateTime) -> Option<Opening> {
        let zone = window.zone.unwrap_or(self.machine);
        let date = wall.date();
        if self.blackout.covers(date) || !zone.has_date(date) {
            return None;
        }
        let start = zone.instant(wall)?;
        let stop = match &window.stop {
            Stop::After(span) => start.checked_add_signed(Duration::from_std(span.get()).ok()?)?,
            Stop::At(time) => {
                let today = date.and_time(*time);
                zone.instant(if today > wall {
                    today
                } else {
                    today.checked_add_signed(Duration::days(1))?
                })?
            }
            Stop::Cron(cron) => zone.instant(cron.next(wall, false)?)?,
        };
        let longest = Duration::from_std(LONGEST.get()).ok()?;
        let stop = stop.min(start.checked_add_signed(longest)?);
        let drain = window.drain.and_then(|span| Duration::from_std(span.get()).ok());
        let key = NightKey { date, window: Some(index) };
        let drain = drain.unwrap_or(Duration::zero()).min(stop - start);
        (stop > start).then_some(Opening { key, start, stop, drain })
    }
}

/// The opening that began the night: goes back through openings that overlap or touch. Each window counts with
/// its last opening alone, so that windows without a pause between them still make a new night every day.
fn beginning(open: Opening, begun: &[Opening]) -> Opening {
    let mut first = open;
    while let Some(earlier) =
        begun.iter().filter(|o| o.start < first.start && o.stop >= first.start).min_by_key(|o| o.start)
    {
        first = *earlier;
    }
    first
}

/// `bead night --until 07:00`: the next such time on the wall. `None` where the text is no time of day.
pub fn until(text: &str, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
    let time = time_of_day(text.trim())?;
    let today = zone.local(now).date();
    let days = (0..3).filter_map(|add| today.checked_add_signed(Duration::days(add)));
    days.filter_map(|day| zone.instant(day.and_time(time))).find(|at| *at > now)
}

#[cfg(test)]
mod tests;

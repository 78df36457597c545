//! Why a bead is not started now, as one closed list with one true sentence each.
//!
//! Sentences are fragments that follow on "`id` waits: ", name figures and show times on the clock of the wall.
//! Nothing is decided here: `plan` does. Start with [`Reason::sentence`].

use chrono::{DateTime, Duration, Utc};

use super::budget::Tight;
use super::filter::Excluded;
use super::forecast::Expected;
use crate::config::zone::Zone;
use crate::domain::ids::BeadId;
use crate::domain::run::Cause;
use crate::domain::text::one_line;

/// What keeps a bead from being started.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// The project's filter or the night's own rules.
    Excluded(Excluded),
    /// A run works on it already.
    Running,
    /// Its project was not in the snapshot.
    UnknownProject,
    /// Suspended by a person, who alone goes on.
    PausedByUser,
    /// Suspended until a time that has not come.
    Until {
        cause: Cause,
        until: When,
    },
    /// The whole night is paused by a person.
    NightPaused,
    /// The night ended itself: billing or credentials.
    NightStopped {
        why: String,
    },
    WindowClosed {
        next: Option<When>,
    },
    Draining {
        until: When,
    },
    /// It would not be done before the window closes.
    RunsOut {
        until: When,
        expected: Expected,
    },
    /// The upstream does not answer.
    Outage {
        until: When,
    },
    /// One other run asks first whether the upstream is back.
    Probe {
        by: Option<BeadId>,
    },
    /// Too much of the usage limit is used.
    Utilization {
        used: f64,
        limit: f64,
        resets: Option<When>,
    },
    Budget(Tight),
    Slots {
        most: u32,
        by: Users,
    },
    ProjectSlots {
        most: u32,
        by: Users,
    },
    ModelSlots {
        model: String,
        most: u32,
        by: Users,
    },
    Image {
        name: String,
    },
    Disk {
        free: u64,
        least: u64,
    },
    Inodes {
        free: u64,
        least: u64,
    },
    Memory {
        needs: u64,
        free: u64,
    },
    /// Free memory is kept for a bead that has waited long for it.
    MemoryKept {
        by: BeadId,
        needs: u64,
    },
}

/// Who uses slots: a few by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Users {
    pub count: u32,
    pub some: Vec<BeadId>,
}

/// A time as people read it: with its date unless it is near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    pub at: DateTime<Utc>,
    pub now: DateTime<Utc>,
    pub zone: Zone,
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let local = self.zone.local(self.at);
        let near = (self.at - self.now).abs() < Duration::hours(20);
        write!(f, "{}", local.format(if near { "%H:%M" } else { "%Y-%m-%d %H:%M" }))
    }
}

impl std::fmt::Display for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.some.iter().map(shown).collect();
        f.write_str(&names.join(", "))?;
        match usize::try_from(self.count).unwrap_or(usize::MAX).saturating_sub(self.some.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn shown(id: &BeadId) -> String {
    format!("`{}`", one_line(id.as_str(), 60))
}

/// `1.2 GiB`, `300 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let n = n as f64;
    match n / f64::from(1 << 30) {
        gib if gib >= 1.0 => format!("{gib:.1} GiB"),
        gib => format!("{:.0} MiB", gib * 1024.0),
    }
}

/// `40 min`, `2 h 10 min`.
pub(crate) fn span(length: Duration) -> String {
    let minutes = (length.num_seconds().max(0) + 59) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl Reason {
    /// One word for machines, as `causes` are.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Excluded(_) => "excluded",
            Self::Running => "running",
            Self::UnknownProject => "project",
            Self::PausedByUser | Self::NightPaused => "paused",
            Self::Until { .. } => "suspended",
            Self::NightStopped { .. } => "stopped",
            Self::WindowClosed { .. } | Self::Draining { .. } | Self::RunsOut { .. } => "window",
            Self::Outage { .. } | Self::Probe { .. } => "outage",
            Self::Utilization { .. } => "usage_limit",
            Self::Budget(_) => "budget",
            Self::Slots { .. } | Self::ProjectSlots { .. } | Self::ModelSlots { .. } => "slot",
            Self::Image { .. } => "image",
            Self::Disk { .. } | Self::Inodes { .. } => "disk",
            Self::Memory { .. } | Self::MemoryKept { .. } => "memory",
        }
    }

    /// Whether nothing but room is missing: the night takes the bead as soon as a run ends.
    pub fn is_room(&self) -> bool {
        match self {
            Self::Slots { .. }
            | Self::ProjectSlots { .. }
            | Self::Memory { .. }
            | Self::MemoryKept { .. } => true,
            Self::ModelSlots { most, .. } => *most > 0,
            _ => false,
        }
    }

    /// Whether the night leaves the bead whatever comes: its filter, its rules or a person keep it out.
    pub fn is_for_good(&self) -> bool {
        matches!(self, Self::Excluded(_) | Self::Running | Self::UnknownProject | Self::PausedByUser)
    }

    /// When it ends by itself, where it does: worth planning again then.
    pub fn over_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Until { until, .. }
            | Self::Outage { until }
            | Self::Draining { until }
            | Self::RunsOut { until, .. } => Some(until.at),
            Self::WindowClosed { next: when } | Self::Utilization { resets: when, .. } => when.map(|w| w.at),
            _ => None,
        }
    }

    /// One sentence without its full stop, in plain words.
    pub fn sentence(&self) -> String {
        match self {
            Self::Excluded(excluded) => excluded.sentence(),
            Self::Running => "a run works on it already".to_owned(),
            Self::UnknownProject => "its project is not part of this night".to_owned(),
            Self::PausedByUser => "a person paused it, and it goes on only when a person says so".to_owned(),
            Self::Until { cause, until } => format!("{} until {until}", suspended(cause)),
            Self::NightPaused => "the night is paused by a person".to_owned(),
            Self::NightStopped { why } => format!("the night is stopped: {}", one_line(why, 200)),
            Self::WindowClosed { next: Some(next) } => {
                format!("no window is open; the next one opens at {next}")
            }
            Self::WindowClosed { next: None } => "no window is open, and none is coming".to_owned(),
            Self::Draining { until } => {
                format!("the window closes at {until}, and nothing is started so close to its end")
            }
            Self::RunsOut { until, expected } => {
                format!("the window closes at {until}, and {}", expected.sentence())
            }
            Self::Outage { until } => {
                format!("the model's service does not answer; it is asked again at {until}")
            }
            Self::Probe { by: Some(by) } => {
                format!("the model's service was away, and {} asks first whether it is back", shown(by))
            }
            Self::Probe { by: None } => {
                "the model's service was away, and one run asks first whether it is back".to_owned()
            }
            Self::Utilization { used, limit, resets } => {
                let resets = resets.map(|when| format!(", which resets at {when}")).unwrap_or_default();
                let (used, limit) = (percent(*used), percent(*limit));
                format!(
                    "{used} % of the usage limit are used{resets}, and from {limit} % on nothing is started"
                )
            }
            Self::Budget(tight) => tight.sentence(),
            _ => self.scarce(),
        }
    }

    /// The sentences about slots and the machine.
    fn scarce(&self) -> String {
        match self {
            Self::Slots { most, by } => {
                format!("waits for a slot: {} of {most} are in use by {by}", by.count)
            }
            Self::ProjectSlots { most, by } => {
                format!("waits for a slot of its project: {} of {most} are in use by {by}", by.count)
            }
            Self::ModelSlots { model, most: 0, .. } => {
                format!("no slot is given to the model `{}`", one_line(model, 60))
            }
            Self::ModelSlots { model, most, by } => {
                let model = one_line(model, 60);
                format!("waits for a slot of the model `{model}`: {} of {most} are in use by {by}", by.count)
            }
            Self::Image { name } => format!("the image `{}` is not there", one_line(name, 100)),
            Self::Disk { free, least } => {
                format!("{} of disk are free where the state lies, needs {}", bytes(*free), bytes(*least))
            }
            Self::Inodes { free, least } => {
                format!("{free} inodes are free where the state lies, needs {least}")
            }
            Self::Memory { needs, free } => {
                format!("needs {} of memory, {} are free", bytes(*needs), bytes(*free))
            }
            Self::MemoryKept { by, needs } => {
                format!("free memory is kept for {}, which has waited long for {}", shown(by), bytes(*needs))
            }
            _ => String::new(),
        }
    }
}

fn percent(part: f64) -> String {
    format!("{:.0}", (part * 100.0).clamp(0.0, 1000.0))
}

fn suspended(cause: &Cause) -> String {
    match cause.as_str() {
        "usage_limit" => "the usage limit is reached".to_owned(),
        "outage" => "the model's service does not answer; it waits".to_owned(),
        "credential" => "the credential was refused; it waits".to_owned(),
        "pressure" => "the machine is under pressure; it waits".to_owned(),
        other => format!("it is suspended ({})", one_line(other, 40)),
    }
}

#[cfg(test)]
mod tests;

//! How long to wait after which signal of the upstream: the specification as data.
//!
//! Owns the pause all runs share, the breaker's schedule, the clamp of reset times and the rule for repeated
//! infrastructure failures. Headers are parsed by the gateway; chance is passed in. Start with [`Signal::class`].

use std::time::Duration;

use chrono::{DateTime, Utc};

/// What an upstream or a run told us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// 429 with `retry-after`.
    Throttled,
    /// 429 without it, or with a spend limit's code.
    SpendLimit,
    /// 400: the credit is too low.
    NoCredit,
    /// 401 or 403.
    Refused,
    /// A usage limit that names its reset.
    UsageLimit,
    /// 529.
    Overloaded,
    /// Any other 5xx, or a page that is no answer.
    ServerError,
    /// Connection refused, reset, no route, no name.
    Unreachable,
    /// The stream stalled or broke in the middle.
    Broken,
    /// 400: invalid request.
    Invalid,
    /// 400: the context is too long.
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    Throttle,
    Stop,
    PauseUntil,
    Outage,
    Run,
    Bead,
}

/// What is done, and by whom it is felt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// All runs wait for [`shared_pause`]; attempts are not counted.
    SharedPause,
    /// The night stops with one notice; nothing is retried.
    StopNight,
    /// Suspended until [`clamp_reset`].
    Suspend,
    /// The breaker opens for [`breaker_opens_for`], then one probe.
    Breaker,
    /// The client decides; a run that failed is queued again with its work.
    Requeue,
    /// The attempt fails; the same input is not sent again.
    FailAttempt,
}

/// No shared pause is shorter than this, whatever a header says.
pub const PAUSE_LEAST: Duration = Duration::from_secs(5);
/// No shared pause is longer.
pub const PAUSE_MOST: Duration = Duration::from_secs(15 * 60);
/// The breaker's waits, the last one again and again.
pub const BREAKER: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(150),
    Duration::from_secs(300),
];
/// A reset time counts as at least this far away, and at most so far.
pub const RESET_LEAST: Duration = Duration::from_secs(60);
pub const RESET_MOST: Duration = Duration::from_secs(8 * 86_400);

/// Waits before the same attempt is tried again after a failure of engine, disk or network.
pub const INFRASTRUCTURE: [Duration; 3] =
    [Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];
/// Suspended beads that wait for the same reset come back spread over this long.
pub const SPREAD: Duration = Duration::from_secs(30);

impl Signal {
    pub const fn class(self) -> Class {
        match self {
            Self::Throttled => Class::Throttle,
            Self::SpendLimit | Self::NoCredit | Self::Refused => Class::Stop,
            Self::UsageLimit => Class::PauseUntil,
            Self::Overloaded | Self::ServerError | Self::Unreachable => Class::Outage,
            Self::Broken => Class::Run,
            Self::Invalid | Self::TooLong => Class::Bead,
        }
    }
}

impl Class {
    pub const fn action(self) -> Action {
        match self {
            Self::Throttle => Action::SharedPause,
            Self::Stop => Action::StopNight,
            Self::PauseUntil => Action::Suspend,
            Self::Outage => Action::Breaker,
            Self::Run => Action::Requeue,
            Self::Bead => Action::FailAttempt,
        }
    }
}

/// Up to a fifth of the wait, at least a second's worth, drawn from the bytes.
fn jitter(wait: Duration, random: [u8; 16]) -> Duration {
    let most = u64::try_from((wait / 5).as_millis()).unwrap_or(u64::MAX).max(1000);
    Duration::from_millis(u64::from_le_bytes(first_half(random)) % most)
}

fn first_half(random: [u8; 16]) -> [u8; 8] {
    std::array::from_fn(|at| random[at])
}

/// The pause that all runs share: at least what the header asks and at least the floor of the nth throttling in
/// a row (1 is the first), plus jitter, never more than [`PAUSE_MOST`].
pub fn shared_pause(header: Option<Duration>, nth: u32, random: [u8; 16]) -> Duration {
    let floor = PAUSE_LEAST.saturating_mul(1 << nth.saturating_sub(1).min(8));
    let wait = header.unwrap_or_default().max(floor).min(PAUSE_MOST);
    (wait + jitter(wait, random)).min(PAUSE_MOST)
}

/// How long the breaker stays open after its nth opening in a row; 1 is the first.
pub fn breaker_opens_for(nth: u32, random: [u8; 16]) -> Duration {
    let at = usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX).min(BREAKER.len() - 1);
    let wait = BREAKER[at];
    (wait + jitter(wait, random)).min(BREAKER[BREAKER.len() - 1])
}

/// How long to wait before the nth repetition after an infrastructure failure; `None`: enough was tried, the bead
/// is left alone with the reason. The attempt is not spent.
pub fn infrastructure_wait(nth: u32, random: [u8; 16]) -> Option<Duration> {
    let at = usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX);
    INFRASTRUCTURE.get(at).map(|wait| *wait + jitter(*wait, random))
}

/// What to add to a reset time, so that not all suspended beads come back at once.
pub fn resume_jitter(random: [u8; 16]) -> Duration {
    let most = u64::try_from(SPREAD.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(u64::from_le_bytes(first_half(random)) % most)
}

/// A reset time that can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    pub at: DateTime<Utc>,
    /// What was told had to be changed: worth a warning.
    pub clamped: bool,
}

/// A reset told in Unix seconds, or by mistake in milliseconds, moved into the bounds.
pub fn clamp_reset(told: i64, now: DateTime<Utc>) -> Reset {
    // Seconds reach this figure in the year 5138, milliseconds did in 1973.
    let millis = told.unsigned_abs() >= 100_000_000_000;
    let seconds = if millis { told / 1000 } else { told };
    let (least, most) = (now + RESET_LEAST, now + RESET_MOST);
    let at = DateTime::from_timestamp(seconds, 0).unwrap_or(if seconds < 0 { least } else { most });
    let clamped = at.clamp(least, most);
    Reset { at: clamped, clamped: millis || clamped != at }
}

#[cfg(test)]
mod tests;

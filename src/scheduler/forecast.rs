//! How long beads take, how far tonight's queue will get, and whether a bead can still finish.
//!
//! Owns order statistics over past beads and a resampling of whole nights with a seed that is given: the same
//! history, queue and seed give the same forecast. With few past beads it says so and assumes. It promises
//! nothing: p50 is missed every second night. Start with [`Expected::of`] and [`outlook`].

mod tonight;

use chrono::{DateTime, Duration, Utc};

use super::reason::span;
use super::window::Open;
pub use tonight::{Outlook, Tonight, outlook};

/// Fewer past beads than this are no history.
pub const LEAST_HISTORY: usize = 5;
/// Assumed of a bead where nothing is known.
const ASSUMED_P50: Duration = Duration::minutes(30);
const ASSUMED_P90: Duration = Duration::hours(2);

/// How long a bead takes from its start to its end, in the middle and at worst but for one in ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub p50: Duration,
    pub p90: Duration,
    /// How many past beads it rests on; 0: assumed.
    pub beads: usize,
}

impl Default for Expected {
    fn default() -> Self {
        Self { p50: ASSUMED_P50, p90: ASSUMED_P90, beads: 0 }
    }
}

/// One past bead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    pub seconds: f64,
    pub usd: f64,
    pub landed: bool,
}

impl Expected {
    pub fn of(past: &[Past]) -> Self {
        let mut seconds: Vec<f64> = past.iter().map(|p| p.seconds).filter(|s| s.is_finite()).collect();
        if seconds.len() < LEAST_HISTORY {
            return Self::default();
        }
        seconds.sort_by(f64::total_cmp);
        let at = |part| length(quantile(&seconds, part));
        Self { p50: at(0.5), p90: at(0.9), beads: seconds.len() }
    }

    /// "a bead of this project takes about 40 min".
    pub fn sentence(&self) -> String {
        match self.beads {
            0 => format!("no history: assumes that a bead takes about {}", span(self.p50)),
            _ => format!("a bead of this project takes about {}", span(self.p50)),
        }
    }
}

/// Whether a bead that is started now cannot be expected to finish before the window closes. It never asks for
/// more than half of the whole window: else a project whose beads are longer than the window would never begin
/// one, and its work is kept and continued anyway.
pub fn runs_out(expected: &Expected, open: &Open, now: DateTime<Utc>) -> bool {
    let Some(until) = open.until else { return false };
    expected.p50.min((until - open.since) / 2) > until - now
}

/// The value below which this part of the sorted figures lies: the nearest rank.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank within a list"
    )]
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
}

fn length(seconds: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, reason = "bounded to a year")]
    let whole = seconds.clamp(0.0, 31_536_000.0) as i64;
    Duration::seconds(whole)
}

#[cfg(test)]
mod tests;

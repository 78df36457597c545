//! A simulated night's clock and chance.
//!
//! Owns the clock that is tokio's paused one seen as a date, with jumps of the wall clock on demand, and a
//! small generator whose streams are named, so that one more draw here changes nothing there. It drives
//! nothing: time passes when every task sleeps. Start with [`NightClock`] and [`Chance`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::clock::Clock;

/// Tokio's clock as a date. Make it inside the paused runtime.
pub(super) struct NightClock {
    origin: DateTime<Utc>,
    born: Instant,
    jumped_ms: AtomicI64,
}

impl NightClock {
    pub(super) fn new(origin: DateTime<Utc>) -> Self {
        Self { origin, born: Instant::now(), jumped_ms: AtomicI64::new(0) }
    }

    /// The wall clock is set; nothing that measures time notices (F41).
    pub(super) fn jump(&self, by: TimeDelta) {
        self.jumped_ms.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for NightClock {
    fn now(&self) -> DateTime<Utc> {
        let jumped = TimeDelta::milliseconds(self.jumped_ms.load(Ordering::SeqCst));
        self.origin + TimeDelta::from_std(self.elapsed()).unwrap_or_default() + jumped
    }

    fn elapsed(&self) -> Duration {
        self.born.elapsed()
    }
}

/// SplitMix64 with a name: the same seed and name give the same numbers.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn of(seed: u64, name: &str) -> Self {
        let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
        for byte in name.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
        }
        Self(state)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `n` - 1; 0 for an empty range.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }

    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True in so many of a million cases.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a million fits")]
        let drawn = self.below(1_000_000) as f64;
        drawn < share * 1_000_000.0
    }

    pub(super) fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.between(from * 1000, to * 1000))
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or_default();
        all.get(at)
    }
}

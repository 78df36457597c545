//! Time and chance, injected everywhere so that a whole night can be replayed from a seed.
//!
//! Owns the only reads of the wall clock, the monotonic clock and the random source. Start with [`Clock`]
//! and [`Ids`]; `Manual` and `Seeded` are the doubles that tests and the simulator use.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Where the house learns the time.
pub trait Clock: Send + Sync {
    /// Wall clock, for records and people. It may jump.
    fn now(&self) -> DateTime<Utc>;
    /// Time since some fixed moment in this process; never jumps back. Durations are measured with it.
    fn elapsed(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's clock")]
    fn default() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct Manual {
    now: Mutex<(DateTime<Utc>, Duration)>,
}

impl Manual {
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now: Mutex::new((now, Duration::ZERO)) }
    }

    pub fn advance(&self, by: Duration) {
        let mut guard = self.now.lock().expect("no holder of this lock panics");
        guard.0 += by;
        guard.1 += by;
    }
}

impl Clock for Manual {
    fn now(&self) -> DateTime<Utc> {
        self.now.lock().expect("no holder of this lock panics").0
    }

    fn elapsed(&self) -> Duration {
        self.now.lock().expect("no holder of this lock panics").1
    }
}

/// Where the house gets its unpredictable (or, in tests, repeatable) bytes.
pub trait Ids: Send + Sync {
    /// Sixteen fresh bytes.
    fn bytes(&self) -> [u8; 16];
}

/// Operating-system randomness.
#[derive(Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's randomness")]
    fn bytes(&self) -> [u8; 16] {
        // Two version-4 ids: six bits of each are fixed, folding them leaves every bit random.
        let (a, b) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let mut out = *a.as_bytes();
        for (to, from) in out.iter_mut().zip(b.as_bytes().iter().rev()) {
            *to ^= from;
        }
        out
    }
}

/// The same bytes in the same order for the same seed.
#[derive(Debug)]
pub struct Seeded {
    state: AtomicU64,
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }
}

impl Ids for Seeded {
    fn bytes(&self) -> [u8; 16] {
        let mut out = [0; 16];
        for half in out.chunks_mut(8) {
            // SplitMix64: tiny, well spread, and good enough for ids that only need to differ.
            let step = 0x9E37_79B9_7F4A_7C15_u64;
            let mut z = self.state.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            half.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
        }
        out
    }
}

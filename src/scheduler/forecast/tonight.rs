//! What tonight will likely bring: many nights played through with beads drawn from the past.
//!
//! Owns a small seeded generator and the play itself: slots, the end of the window, the money. Without history
//! it draws from an assumed list and says so. Start with [`outlook`].

use chrono::{DateTime, Utc};

use super::{Expected, LEAST_HISTORY, Past, length, quantile, runs_out};
use crate::scheduler::window::Open;

/// So many nights are played.
const NIGHTS: usize = 200;
/// A queue longer than this is cut: no night gets further.
const MOST_BEADS: usize = 5_000;
/// Played without history: minutes and dollars of beads as small changes usually are, two of ten not landing.
const ASSUMED: [(f64, f64, bool); 10] = [
    (8.0, 0.3, true),
    (12.0, 0.5, true),
    (18.0, 0.6, true),
    (25.0, 0.9, true),
    (30.0, 1.0, true),
    (35.0, 1.2, true),
    (45.0, 1.5, false),
    (60.0, 2.0, true),
    (90.0, 3.0, true),
    (120.0, 5.0, false),
];

/// What a forecast depends on.
#[derive(Debug, Clone)]
pub struct Tonight<'a> {
    pub past: &'a [Past],
    /// Beads that could be started.
    pub queue: usize,
    pub slots: u32,
    pub now: DateTime<Utc>,
    pub open: Open,
    /// What may still be spent tonight; `None`: no cap.
    pub usd_left: Option<f64>,
    /// The same seed gives the same forecast.
    pub seed: u64,
}

/// The likely night. Each pair is (p50, p90): what every second night reaches or keeps to, and what nine of ten do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// At least so many beads land.
    pub landed: (u32, u32),
    /// At most so many US dollars are spent.
    pub usd: (f64, f64),
    /// The last run is over by then.
    pub ends: (DateTime<Utc>, DateTime<Utc>),
    /// How many past beads it rests on; 0: assumed.
    pub history: usize,
}

/// One played night.
struct Played {
    landed: u32,
    usd: f64,
    end: f64,
}

/// SplitMix64: enough to draw from a list, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let most = u64::try_from(most.max(1)).unwrap_or(u64::MAX);
        usize::try_from((z ^ (z >> 31)) % most).unwrap_or(0)
    }
}

/// Plays the night many times.
pub fn outlook(tonight: &Tonight<'_>) -> Outlook {
    let sound = |p: &&Past| p.seconds.is_finite() && p.seconds >= 0.0 && p.usd.is_finite() && p.usd >= 0.0;
    let known: Vec<Past> = tonight.past.iter().filter(sound).copied().collect();
    let history = if known.len() < LEAST_HISTORY { 0 } else { known.len() };
    let assumed =
        || ASSUMED.map(|(minutes, usd, landed)| Past { seconds: minutes * 60.0, usd, landed }).to_vec();
    let deck = if history == 0 { assumed() } else { known };
    let expected = if history == 0 { Expected::default() } else { Expected::of(&deck) };
    let mut dice = Dice(tonight.seed);
    let played: Vec<Played> = (0..NIGHTS).map(|_| play(tonight, &deck, &expected, &mut dice)).collect();
    let sorted = |figure: fn(&Played) -> f64| {
        let mut list: Vec<f64> = played.iter().map(figure).collect();
        list.sort_by(f64::total_cmp);
        list
    };
    let (landed, usd, end) = (sorted(|p| f64::from(p.landed)), sorted(|p| p.usd), sorted(|p| p.end));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a few thousand")]
    let least = |part| quantile(&landed, part) as u32;
    let over = |part| tonight.now + length(quantile(&end, part));
    Outlook {
        landed: (least(0.5), least(0.1)),
        usd: (quantile(&usd, 0.5), quantile(&usd, 0.9)),
        ends: (over(0.5), over(0.9)),
        history,
    }
}

fn play(tonight: &Tonight<'_>, deck: &[Past], expected: &Expected, dice: &mut Dice) -> Played {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a night")]
    let close = tonight.open.left(tonight.now).map_or(f64::INFINITY, |left| left.num_seconds() as f64);
    let cap = tonight.usd_left.unwrap_or(f64::INFINITY).max(0.0);
    let mut night = Played { landed: 0, usd: 0.0, end: 0.0 };
    let mut free: Vec<f64> = vec![0.0; usize::try_from(tonight.slots).unwrap_or(1).clamp(1, 64)];
    for _ in 0..tonight.queue.min(MOST_BEADS) {
        let slot = free.iter_mut().min_by(|a, b| a.total_cmp(b)).expect("there is at least one slot");
        let at = tonight.now + length(*slot);
        let drains = tonight.open.drain_from.is_some_and(|from| from <= at);
        if drains || runs_out(expected, &tonight.open, at) || night.usd >= cap {
            break;
        }
        let bead = deck[dice.below(deck.len())];
        let end = *slot + bead.seconds;
        // What the window or the money cuts off is paid for in part and lands another night.
        let part = if end > close { ((close - *slot) / bead.seconds).clamp(0.0, 1.0) } else { 1.0 };
        let usd = (bead.usd * part).min(cap - night.usd);
        let whole = part >= 1.0 && night.usd + bead.usd <= cap;
        night.landed += u32::from(bead.landed && whole);
        night.usd += usd;
        *slot = end.min(close);
        night.end = night.end.max(*slot);
    }
    night
}

impl Outlook {
    /// One sentence; times by `time`, which knows the zone.
    pub fn sentence(&self, time: impl Fn(DateTime<Utc>) -> String) -> String {
        let basis = match self.history {
            0 => "no history: assumes beads of 8 min to 2 h, $0.30 to $5.00 each".to_owned(),
            n => format!("from {n} past beads"),
        };
        format!(
            "{} beads or more land in half of such nights, {} or more in nine of ten; money ${:.2}, in nine of ten at most ${:.2}; over by {}, in nine of ten by {}; {basis}",
            self.landed.0,
            self.landed.1,
            self.usd.0,
            self.usd.1,
            time(self.ends.0),
            time(self.ends.1)
        )
    }
}

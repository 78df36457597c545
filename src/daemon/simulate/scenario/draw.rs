//! A random night, drawn from a seed.
//!
//! Owns how bad such a night may be: a mix of all natures and a dozen faults of any kind. The same seed gives
//! the same night. Start with [`Scenario::random`].

use std::time::Duration;

use super::{Scenario, Timed};
use crate::daemon::simulate::fault::{Fault, KINDS, Kind};
use crate::daemon::simulate::nature::{NATURES, Nature};
use crate::daemon::simulate::time::Chance;

impl Scenario {
    /// A night of eight hours in which most things go well and many do not.
    pub fn random(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "night");
        let number = |n: u64| u32::try_from(n).unwrap_or(1);
        let mut agents = vec![(Nature::Good, 60), (Nature::SecondTry, 10)];
        for (_, nature) in NATURES {
            if !matches!(nature, Nature::Good | Nature::SecondTry) {
                agents.push((*nature, number(chance.below(5))));
            }
        }
        agents.retain(|(_, weight)| *weight > 0);
        let mut faults: Vec<Timed> = (0..chance.below(16)).map(|_| draw(&mut chance)).collect();
        faults.sort_by_key(|timed| timed.at);
        Self {
            about: format!("the random night of seed {seed}"),
            seed,
            slots: number(chance.between(1, 8)),
            projects: number(chance.between(1, 3)),
            beads: number(chance.between(5, 80)),
            edges: 0.15,
            agents,
            gate_flaky: 0.02,
            gate_out_of_memory: 0.005,
            allowance: if chance.happens(0.3) { chance.between(400_000, 3_000_000) } else { 0 },
            faults,
            ..Self::default()
        }
    }
}

fn draw(chance: &mut Chance) -> Timed {
    let kind = chance.pick(KINDS).map_or(Kind::KillDaemon, |(_, kind)| *kind);
    let minutes = |m: u64| Duration::from_secs(m * 60);
    let lasts = match kind {
        Kind::KillDaemon | Kind::StopDaemon | Kind::DockerdRestart => {
            Duration::from_secs(chance.between(1, 300))
        }
        Kind::UsageLimit | Kind::UsageLimitMillis => minutes(chance.between(10, 200)),
        _ => minutes(chance.between(1, 60)),
    };
    let by = match kind {
        Kind::Throttled => {
            [0, 5, 3600, 99_999_999].get(usize::try_from(chance.below(4)).unwrap_or(0)).copied().unwrap_or(0)
        }
        Kind::ClockJump => {
            [3600, -3600, 600, -45].get(usize::try_from(chance.below(4)).unwrap_or(0)).copied().unwrap_or(0)
        }
        Kind::UsageLimit => {
            [0, -7200, 864_000].get(usize::try_from(chance.below(3)).unwrap_or(0)).copied().unwrap_or(0)
        }
        Kind::Disconnect => 700,
        _ => 1,
    };
    Timed { at: minutes(chance.below(8 * 60)), fault: Fault { kind, lasts, by } }
}

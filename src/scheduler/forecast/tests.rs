use proptest::prelude::*;

use super::*;
use crate::config::zone::Zone;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn past(minutes: &[i64]) -> Vec<Past> {
    #[expect(clippy::cast_precision_loss, reason = "small figures")]
    let bead = |m: &i64| Past { seconds: (*m * 60) as f64, usd: 1.0, landed: true };
    minutes.iter().map(bead).collect()
}

fn open(hours: i64) -> Open {
    Open::by_hand(now(), Some(now() + Duration::hours(hours)), Zone::UTC)
}

fn tonight(past: &[Past]) -> Tonight<'_> {
    Tonight { past, queue: 20, slots: 2, now: now(), open: open(8), usd_left: None, seed: 7 }
}

#[test]
fn few_beads_are_no_history_and_it_says_so() {
    assert_eq!(Expected::of(&past(&[10, 20, 30, 40])), Expected::default());
    assert_eq!(Expected::default().sentence(), "no history: assumes that a bead takes about 30 min");
    let known = Expected::of(&past(&[10, 20, 40, 50, 60, 70, 80, 90, 100, 300]));
    assert_eq!((known.p50, known.p90, known.beads), (Duration::minutes(60), Duration::minutes(100), 10));
    assert_eq!(known.sentence(), "a bead of this project takes about 1 h");
    let odd = Past { seconds: f64::NAN, usd: f64::NAN, landed: true };
    assert_eq!(Expected::of(&[odd; 9]), Expected::default());
}

#[test]
fn a_bead_that_cannot_finish_is_not_started() {
    let expected = Expected { p50: Duration::minutes(40), p90: Duration::hours(2), beads: 9 };
    let window = open(8);
    let left = |minutes| runs_out(&expected, &window, window.until.unwrap() - Duration::minutes(minutes));
    assert!(left(39) && !left(40));
    assert!(!runs_out(&expected, &Open::by_hand(now(), None, Zone::UTC), now()));
    // Beads longer than the window still begin in its first half.
    let long = Expected { p50: Duration::hours(20), ..expected };
    assert!(!runs_out(&long, &window, now()));
    assert!(!runs_out(&long, &window, now() + Duration::hours(4)));
    assert!(runs_out(&long, &window, now() + Duration::hours(5)));
}

#[test]
fn equal_beads_make_a_sure_forecast() {
    let beads = past(&[60; 6]);
    let all = outlook(&tonight(&beads));
    // Two slots, eight hours, an hour each.
    assert_eq!((all.landed, all.usd), ((16, 16), (16.0, 16.0)));
    assert_eq!(all.ends, (now() + Duration::hours(8), now() + Duration::hours(8)));
    let few = outlook(&Tonight { queue: 3, ..tonight(&beads) });
    assert_eq!((few.landed.0, few.ends.0), (3, now() + Duration::hours(2)));
    let poor = outlook(&Tonight { usd_left: Some(4.5), ..tonight(&beads) });
    assert_eq!((poor.landed.0, poor.usd.0), (4, 4.5));
    let nothing = outlook(&Tonight { queue: 0, ..tonight(&beads) });
    assert_eq!((nothing.landed, nothing.ends.0), ((0, 0), now()));
}

#[test]
fn without_history_it_assumes_and_says_what() {
    let look = outlook(&tonight(&[]));
    assert_eq!(look.history, 0);
    assert!(look.landed.0 >= look.landed.1 && look.landed.0 > 0 && look.usd.0 <= look.usd.1);
    let said = look.sentence(|at| at.format("%H:%M").to_string());
    assert!(said.ends_with("no history: assumes beads of 8 min to 2 h, $0.30 to $5.00 each"), "{said}");
    assert_eq!(look, outlook(&tonight(&[])), "the same seed");
    assert_ne!(look, outlook(&Tonight { seed: 8, ..tonight(&[]) }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_forecast_leaves_its_bounds(
        history in prop::collection::vec((any::<f64>(), any::<f64>(), any::<bool>()), 0..30),
        queue in 0..400usize, slots in 0..70u32, hours in 0..30i64, cap in prop::option::of(any::<f64>()), seed in any::<u64>(),
    ) {
        let past: Vec<Past> = history.into_iter().map(|(seconds, usd, landed)| Past { seconds, usd, landed }).collect();
        let look = outlook(&Tonight { past: &past, queue, slots, now: now(), open: open(hours), usd_left: cap, seed });
        prop_assert!(usize::try_from(look.landed.0).unwrap() <= queue && look.landed.1 <= look.landed.0);
        prop_assert!(look.usd.0 >= 0.0 && look.usd.1 >= look.usd.0);
        if let Some(cap) = cap.filter(|c| c.is_finite() && *c >= 0.0) { prop_assert!(look.usd.1 <= cap); }
        prop_assert!(look.ends.0 >= now() && look.ends.1 <= now() + Duration::hours(hours));
        let expected = Expected::of(&past);
        prop_assert!(expected.p50 <= expected.p90 && expected.p50 >= Duration::zero());
    }
}

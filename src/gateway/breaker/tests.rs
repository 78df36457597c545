use proptest::prelude::*;

use super::*;

const DICE: [u8; 16] = [0; 16];
const DOWN: Answer = Answer::Down(Last { status: Some(529), class: "status" });

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn tripped() -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..TRIPS_AFTER {
        assert_eq!(breaker.ask(at(0)), Pass::Go);
        breaker.heard(at(0), DOWN, DICE);
    }
    breaker
}

#[test]
fn f21_one_overload_changes_nothing_and_a_row_of_them_opens_with_one_probe() {
    let mut breaker = Breaker::default();
    breaker.heard(at(0), DOWN, DICE);
    assert_eq!(breaker.ask(at(0)), Pass::Go, "once is no outage");
    breaker.heard(at(0), Answer::Alive, DICE);
    let mut breaker = tripped();
    assert!(matches!(breaker.ask(at(4)), Pass::Wait { .. }));
    assert_eq!(breaker.ask(at(5)), Pass::Probe);
    assert!(matches!(breaker.ask(at(6)), Pass::Wait { .. }), "only one tries");
    breaker.heard(at(6), Answer::Alive, DICE);
    assert_eq!(breaker.ask(at(6)), Pass::Go);
}

#[test]
fn f21_over_two_hours_few_probes_are_made_and_the_pauses_grow() {
    let mut breaker = tripped();
    let mut probes = 0;
    for second in 0..7200 {
        if breaker.ask(at(second)) == Pass::Probe {
            probes += 1;
            breaker.heard(at(second), DOWN, DICE);
        }
    }
    assert!((20..40).contains(&probes), "{probes}");
}

#[test]
fn f20_every_retry_after_is_obeyed_within_bounds() {
    for (header, least, most) in [
        (Some(0), 5, 6),
        (Some(8), 8, 10),
        (Some(3600), 900, 900),
        (Some(10_000_000), 900, 900),
        (None, 5, 6),
    ] {
        for dice in [[0; 16], [255; 16]] {
            let mut breaker = Breaker::default();
            breaker.heard(at(0), Answer::Throttled { retry_after: header.map(at) }, dice);
            let State::Open { until, .. } = breaker.state() else { panic!("{header:?}") };
            assert!(until >= at(least) && until <= at(most), "{header:?}: {until:?}");
        }
    }
}

#[test]
fn an_abandoned_probe_lets_another_try_at_once() {
    let mut breaker = tripped();
    assert_eq!(breaker.ask(at(5)), Pass::Probe);
    breaker.abandoned(at(6));
    assert_eq!(breaker.ask(at(6)), Pass::Probe);
}

#[test]
fn a_failure_that_comes_late_never_shortens_a_pause() {
    let mut breaker = Breaker::default();
    breaker.heard(at(0), Answer::Throttled { retry_after: Some(at(600)) }, DICE);
    breaker.heard(at(1), Answer::Throttled { retry_after: Some(at(1)) }, DICE);
    assert!(matches!(breaker.ask(at(599)), Pass::Wait { .. }));
}

proptest! {
    #[test]
    fn never_more_than_one_request_goes_while_it_is_not_known_to_answer(
        steps in proptest::collection::vec((0u64..400, 0u8..5, any::<[u8; 16]>()), 1..200)
    ) {
        let mut breaker = Breaker::default();
        let (mut now, mut probing) = (at(0), None::<Duration>);
        for (wait, what, dice) in steps {
            now += at(wait);
            match what {
                0 | 1 => match breaker.ask(now) {
                    Pass::Probe => {
                        let lost = probing.is_none_or(|since| now >= since + PROBE_LOST);
                        prop_assert!(lost, "two probes at once");
                        probing = Some(now);
                    }
                    Pass::Wait { until, .. } => prop_assert!(until > now),
                    Pass::Go => prop_assert_eq!(breaker.state(), State::Closed),
                },
                2 => { breaker.heard(now, DOWN, dice); probing = None; }
                3 => { breaker.heard(now, Answer::Alive, dice); probing = None; }
                _ => { breaker.abandoned(now); probing = None; }
            }
        }
    }
}

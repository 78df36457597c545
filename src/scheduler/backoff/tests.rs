use proptest::prelude::*;

use super::*;

const LEAST: [u8; 16] = [0; 16];
const MOST: [u8; 16] = [0xff; 16];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn f20_f21_f22_f25_the_table_is_the_specification() {
    use Signal::*;
    let cases = [
        (Throttled, Action::SharedPause),
        (SpendLimit, Action::StopNight),
        (NoCredit, Action::StopNight),
        (Refused, Action::StopNight),
        (UsageLimit, Action::Suspend),
        (Overloaded, Action::Breaker),
        (ServerError, Action::Breaker),
        (Unreachable, Action::Breaker),
        (Broken, Action::Requeue),
        (Invalid, Action::FailAttempt),
        (TooLong, Action::FailAttempt),
    ];
    for (signal, action) in cases {
        assert_eq!(signal.class().action(), action, "{signal:?}");
    }
}

#[test]
fn f20_a_header_never_goes_below_the_floor_or_above_the_cap() {
    for (header, nth, least) in [
        (Some(secs(0)), 1, 5),
        (Some(secs(5)), 1, 5),
        (None, 1, 5),
        (None, 3, 20),
        (Some(secs(60)), 1, 60),
        (Some(secs(3600)), 1, 900),
        (Some(Duration::MAX), 1, 900),
        (Some(secs(0)), u32::MAX, 900),
        (None, 0, 5),
    ] {
        let (low, high) = (shared_pause(header, nth, LEAST), shared_pause(header, nth, MOST));
        assert_eq!(low, secs(least), "{header:?} {nth}");
        assert!(high >= low && high <= PAUSE_MOST, "{header:?} {nth}: {high:?}");
    }
    assert!(shared_pause(None, 3, MOST) > secs(20), "jitter");
}

#[test]
fn f21_the_breaker_waits_longer_each_time_and_at_most_five_minutes() {
    let waits: Vec<u64> = (0..8).map(|nth| breaker_opens_for(nth, LEAST).as_secs()).collect();
    assert_eq!(waits, [5, 5, 15, 60, 150, 300, 300, 300]);
    assert_eq!(breaker_opens_for(u32::MAX, MOST), secs(300));
    let jittered = breaker_opens_for(3, MOST);
    assert!(jittered > secs(60) && jittered < secs(72), "{jittered:?}");
}

#[test]
fn f11_infrastructure_is_tried_again_three_times() {
    let waits: Vec<_> = (1..5).map(|nth| infrastructure_wait(nth, LEAST).map(|w| w.as_secs())).collect();
    assert_eq!(waits, [Some(10), Some(60), Some(300), None]);
    assert!(resume_jitter(MOST) < SPREAD && resume_jitter(LEAST) == Duration::ZERO);
}

#[test]
fn f27_reset_times_are_moved_into_their_bounds() {
    let told = |at: i64| clamp_reset(at, now());
    let in_three_hours = now().timestamp() + 3 * 3600;
    let good = told(in_three_hours);
    assert_eq!((good.at.timestamp(), good.clamped), (in_three_hours, false));
    assert_eq!(told(in_three_hours * 1000).at.timestamp(), in_three_hours);
    assert!(told(in_three_hours * 1000).clamped, "worth a warning");
    let least = now() + RESET_LEAST;
    for past in [now().timestamp() - 10, now().timestamp() + 59, 0, -5, i64::MIN] {
        assert_eq!(told(past), Reset { at: least, clamped: true }, "{past}");
    }
    let most = now() + RESET_MOST;
    for far in [now().timestamp() + 10 * 86_400, i64::MAX, 99_999_999_999] {
        assert_eq!(told(far), Reset { at: most, clamped: true }, "{far}");
    }
}

proptest! {
    #[test]
    fn f20_f21_f27_no_input_leaves_the_bounds(header in any::<Option<u64>>(), nth in any::<u32>(), random in any::<[u8; 16]>(), told in any::<i64>()) {
        let pause = shared_pause(header.map(Duration::from_secs), nth, random);
        prop_assert!((PAUSE_LEAST..=PAUSE_MOST).contains(&pause));
        prop_assert!((BREAKER[0]..=BREAKER[4]).contains(&breaker_opens_for(nth, random)));
        let reset = clamp_reset(told, now());
        prop_assert!(reset.at >= now() + RESET_LEAST && reset.at <= now() + RESET_MOST);
    }
}

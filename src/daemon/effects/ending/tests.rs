use super::*;
use crate::domain::agent_event::RateLimit;

fn summary(utilization: Option<f64>, resets_at: Option<i64>) -> Summary {
    let mut summary = Summary::default();
    summary.rate_limit = Some(RateLimit { utilization, resets_at, ..RateLimit::default() });
    summary
}

fn reading(pairs: &[(&str, &str)]) -> MeterReading {
    let name = |name: &str| format!("anthropic-ratelimit-unified-{name}");
    let rate_limits = pairs.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect();
    MeterReading { rate_limits, ..MeterReading::default() }
}

#[test]
fn the_fullest_window_counts_wherever_it_was_told() {
    let headers = reading(&[("5h-utilization", "0.4"), ("5h-reset", "900"), ("7d-utilization", "0.6")]);
    let near = nearest(&summary(Some(0.97), Some(500)), &headers, 100).unwrap();
    assert_eq!((near.utilization, near.resets_at), (0.97, Some(500)));
    let near = nearest(&Summary::default(), &headers, 100).unwrap();
    assert_eq!((near.utilization, near.resets_at), (0.6, None));
    assert_eq!(nearest(&Summary::default(), &MeterReading::default(), 100), None);
}

#[test]
fn of_two_full_windows_the_later_reset_counts_and_one_that_has_passed_does_not() {
    let headers = reading(&[
        ("5h-utilization", "0.99"),
        ("5h-reset", "900"),
        ("7d-utilization", "0.96"),
        ("7d-reset", "5000"),
    ]);
    assert_eq!(nearest(&Summary::default(), &headers, 100).unwrap().resets_at, Some(5000));
    assert_eq!(nearest(&Summary::default(), &headers, 6000), None);
    assert_eq!(nearest(&Summary::default(), &reading(&[("5h-utilization", "many")]), 0), None);
}

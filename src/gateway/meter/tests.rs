use chrono::DateTime;

use super::*;
use crate::clock::Manual;
use crate::domain::prices::list_prices;

fn meter(cap: Option<f64>, spent: f64) -> (Meter, Arc<Manual>) {
    let clock = Arc::new(Manual::at(DateTime::UNIX_EPOCH));
    let limits = Limits { cost_usd: cap, ..Limits::default() };
    (Meter::new(limits, list_prices(), spent, clock.clone()), clock)
}

fn seen(output: u64, complete: bool) -> Seen {
    let usage = Usage { input: 100_000, output, ..Usage::default() };
    Seen { model: Some("claude-opus-5-5".to_owned()), usage: Some(usage), complete, ..Seen::default() }
}

fn bill(seen: &Seen, ending: Ending) -> Bill<'_> {
    Bill { seen, ending, asked: "claude-sonnet-5-5", request: 4000, charged: true }
}

fn reading(meter: &Meter) -> MeterReading {
    meter.subscribe().borrow().clone()
}

#[test]
fn figures_add_up_by_model() {
    let (meter, clock) = meter(None, 0.0);
    clock.advance(Duration::from_secs(5));
    meter.sent();
    assert_eq!(reading(&meter).last_activity, Duration::from_secs(5));
    meter.settle(&bill(&seen(10_000, true), Ending::Whole));
    meter.sent();
    meter.settle(&bill(&seen(0, true), Ending::Whole));
    let now = reading(&meter);
    assert!((now.cost_usd - 1.0).abs() < 1e-9 && now.estimated_usd == 0.0, "{now:?}");
    assert_eq!((now.requests, now.in_flight, now.usage["claude-opus-5-5"].input), (2, 0, 200_000));
    assert!(!now.over_budget && meter.admit().is_ok());
}

#[test]
fn t32_the_cap_closes_and_counts_earlier_runs() {
    let (meter, _) = meter(Some(1.0), 0.5);
    meter.settle(&bill(&seen(0, true), Ending::Whole));
    assert!(meter.admit().is_ok());
    meter.settle(&bill(&seen(0, true), Ending::Whole));
    let refusal = meter.admit().unwrap_err();
    assert_eq!((refusal.status.as_u16(), refusal.what), (429, BUDGET));
    assert!(reading(&meter).over_budget);
}

#[test]
fn t32_a_spent_or_senseless_cap_lets_nothing_through() {
    for (cap, spent) in [(1.0, 1.0), (1.0, 2.0), (0.0, 0.0), (f64::NAN, 0.0), (1.0, f64::NAN)] {
        assert!(meter(Some(cap), spent).0.admit().is_err(), "{cap} {spent}");
    }
}

#[test]
fn t32_leaving_early_is_charged_by_size() {
    let (meter, _) = meter(None, 0.0);
    let unfinished = Seen { content: 40_000, ..seen(1, false) };
    meter.settle(&bill(&unfinished, Ending::Abandoned));
    assert_eq!(reading(&meter).usage["claude-opus-5-5"].output, 10_000);
    meter.settle(&bill(&Seen::default(), Ending::Abandoned));
    let now = reading(&meter);
    assert_eq!(now.usage["claude-sonnet-5-5"].input, 1000);
    assert!((now.estimated_usd - now.cost_usd).abs() < 1e-12 && now.cost_usd > 0.6);
}

#[test]
fn what_was_not_made_is_not_charged() {
    let (meter, _) = meter(None, 0.0);
    meter.settle(&bill(&Seen::default(), Ending::Failed));
    meter.settle(&bill(&Seen::default(), Ending::Broken));
    meter.settle(&bill(&Seen::default(), Ending::Whole));
    meter.settle(&Bill { charged: false, ..bill(&seen(5, true), Ending::Whole) });
    assert_eq!(reading(&meter).cost_usd, 0.0);
    meter.settle(&bill(&seen(1, false), Ending::Broken));
    assert!(reading(&meter).cost_usd > 0.4);
}

#[test]
fn names_of_models_do_not_pile_up() {
    let (meter, _) = meter(None, 0.0);
    for number in 0..1000 {
        let asked = format!("made-up-{number}-{}", "x".repeat(500));
        meter.settle(&Bill { asked: &asked, ..bill(&Seen::default(), Ending::Abandoned) });
    }
    let usage = reading(&meter).usage;
    assert_eq!(usage.len(), MAX_MODELS + 1);
    assert!(usage.keys().all(|name| name.len() <= 128));
}

use proptest::prelude::*;

use super::*;

fn usd(usd: f64) -> Cap {
    Cap { usd: Some(usd), tokens: None }
}

fn spent(usd: f64) -> Spent {
    Spent::new(usd, 0)
}

#[test]
fn near_a_cap_nothing_starts_and_at_it_runs_end() {
    let caps = Caps { night: usd(10.0), ..Caps::default() };
    let judge = |usd| caps.judge(&View { night: spent(usd), ..View::default() });
    assert_eq!(judge(9.49), Verdict::Go);
    let Verdict::StopStarting(tight) = judge(9.60) else { panic!() };
    assert_eq!(tight.sentence(), "the night's money is nearly spent: $9.60 of $10.00");
    let Verdict::EndRuns(tight) = judge(10.0) else { panic!() };
    assert_eq!(tight.sentence(), "the night's money is spent: $10.00 of $10.00");
}

#[test]
fn what_is_under_way_and_one_more_bead_must_fit() {
    let caps = Caps { week: usd(10.0), ..Caps::default() };
    let view =
        View { week: spent(5.0), promised: spent(2.0), bead_costs: Some(spent(2.0)), ..View::default() };
    assert_eq!(caps.judge(&view), Verdict::Go);
    let Verdict::StopStarting(tight) = caps.judge(&View { promised: spent(3.5), ..view }) else { panic!() };
    assert_eq!(
        tight.sentence(),
        "the week's money is short for one more bead: $5.00 of $10.00, the beads under way may take $3.50 more, \
         and a bead takes about $2.00"
    );
    // What is only promised never ends a run.
    assert!(matches!(caps.judge(&View { promised: spent(50.0), ..view }), Verdict::StopStarting(_)));
}

#[test]
fn tokens_have_caps_of_their_own() {
    let caps = Caps { bead: Cap { usd: Some(5.0), tokens: Some(1000) }, ..Caps::default() };
    let judge = |usd, tokens| caps.judge(&View { bead: Some(Spent::new(usd, tokens)), ..View::default() });
    assert_eq!(judge(1.0, 949), Verdict::Go);
    let Verdict::StopStarting(tight) = judge(1.0, 950) else { panic!() };
    assert_eq!(tight.sentence(), "the bead's tokens are nearly spent: 950 of 1000");
    assert!(matches!(judge(4.9, 1000), Verdict::EndRuns(t) if t.which == Which::Bead && t.reached));
}

#[test]
fn every_cap_counts_and_one_that_is_reached_comes_first() {
    let caps = Caps {
        run: usd(1.0),
        bead: usd(2.0),
        night: usd(10.0),
        week: usd(20.0),
        projects: [("tally".to_owned(), usd(4.0))].into(),
    };
    let view = View { run: Some(spent(0.5)), bead: Some(spent(0.5)), ..View::default() };
    let which = |view: View<'_>| match caps.judge(&view) {
        Verdict::Go => None,
        Verdict::StopStarting(t) | Verdict::EndRuns(t) => Some(t.which),
    };
    assert_eq!(which(view), None);
    assert_eq!(which(View { run: Some(spent(1.0)), ..view }), Some(Which::Run));
    assert_eq!(which(View { bead: Some(spent(2.0)), ..view }), Some(Which::Bead));
    assert_eq!(
        which(View { project: Some(("tally", spent(4.0))), ..view }),
        Some(Which::Project("tally".into()))
    );
    assert_eq!(which(View { project: Some(("other", spent(9.0))), ..view }), None);
    assert_eq!(which(View { week: spent(20.0), ..view }), Some(Which::Week));
    let both = View { project: Some(("tally", spent(3.9))), week: spent(20.0), ..view };
    assert_eq!(which(both), Some(Which::Week));
}

#[test]
fn a_subscription_may_lift_the_money_but_never_the_tokens() {
    let mut budgets = Budgets { night: Cap { usd: Some(1.0), tokens: Some(10) }, ..Budgets::default() };
    assert_eq!(Caps::new(&budgets, true).night.usd, Some(1.0));
    budgets.subscription = Subscription::Off;
    assert_eq!(Caps::new(&budgets, true).night, Cap { usd: None, tokens: Some(10) });
    assert_eq!(Caps::new(&budgets, false).night.usd, Some(1.0));
}

#[test]
fn a_bill_that_is_no_number_stops_the_night() {
    let caps = Caps { night: usd(1e6), ..Caps::default() };
    for odd in [f64::NAN, f64::INFINITY] {
        let view = View { night: Spent { usd: odd, tokens: 0 }, ..View::default() };
        assert!(matches!(caps.judge(&view), Verdict::EndRuns(_)), "{odd}");
    }
    assert_eq!(Spent { usd: -5.0, tokens: 0 }.plus(spent(1.0)).usd, 1.0);
    assert_eq!(Spent::new(f64::MAX, u64::MAX).plus(Spent::new(f64::MAX, 1)), Spent::new(f64::MAX, u64::MAX));
    assert_eq!(spent(1.0).less(spent(3.0)), spent(0.0));
}

proptest! {
    #[test]
    fn money_only_grows_stricter(a in any::<f64>(), b in any::<f64>(), cap in 0.0..1e6f64, tokens in any::<u64>(), most in any::<u64>()) {
        let caps = Caps { night: Cap { usd: Some(cap), tokens: Some(most) }, ..Caps::default() };
        let rank = |spent: Spent| match caps.judge(&View { night: spent, ..View::default() }) {
            Verdict::Go => 0,
            Verdict::StopStarting(t) => { assert!(!t.sentence().is_empty()); 1 }
            Verdict::EndRuns(t) => { assert!(!t.sentence().is_empty()); 2 }
        };
        let (one, two) = (Spent { usd: a, tokens }, Spent { usd: b, tokens: 0 });
        let sum = one.plus(two);
        prop_assert!(sum.usd.is_finite() && sum.usd >= 0.0);
        prop_assert!(rank(sum) >= rank(one));
    }
}

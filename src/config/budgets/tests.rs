use super::*;
use crate::config::user::User;

fn parse(text: &str) -> Result<User, ConfigError> {
    User::parse(text.as_bytes(), "config.yaml")
}

fn usd(usd: f64) -> Cap {
    Cap { usd: Some(usd), tokens: None }
}

#[test]
fn slots_are_a_number_or_a_table() {
    assert_eq!(parse("").unwrap().slots, Slots { global: 3, project: None, models: BTreeMap::new() });
    assert_eq!(parse("slots: 8").unwrap().slots.global, 8);
    let slots = parse("slots: { project: 2, models: { opus: 1 } }").unwrap().slots;
    assert_eq!((slots.global, slots.project, slots.models["opus"]), (3, Some(2), 1));
}

#[test]
fn budgets_are_dollars_or_dollars_and_tokens() {
    let budgets = parse(
        "budgets: { run: 2, bead: 5.5, night: { usd: 20, tokens: 3000000 }, project: { tally: 4 }, \
         utilization: 0.8, subscription: off }",
    )
    .unwrap()
    .budgets;
    assert_eq!((budgets.run, budgets.bead, budgets.week), (usd(2.0), usd(5.5), Cap::default()));
    assert_eq!(budgets.night, Cap { usd: Some(20.0), tokens: Some(3_000_000) });
    assert_eq!(budgets.project["tally"], usd(4.0));
    assert_eq!((budgets.utilization, budgets.subscription), (0.8, Subscription::Off));
    let silent = parse("").unwrap().budgets;
    assert_eq!((silent.utilization, silent.subscription), (0.90, Subscription::Capped));
    assert_eq!(parse("budgets: { subscription: false }").unwrap().budgets.subscription, Subscription::Off);
}

#[test]
fn errors_name_key_line_and_what_is_expected() {
    let cases = [
        ("slots: 0", "config.yaml:1: `slots`: expected a whole number from 1 to 64, found `0`"),
        ("slots:\n  globl: 3", "config.yaml:2: unknown key `slots.globl`, did you mean `global`?"),
        (
            "slots:\n  models: { opus: many }",
            "config.yaml:2: `slots.models.opus`: expected a whole number from 0 to 64, found `many`",
        ),
        (
            "budgets:\n  night: -1",
            "config.yaml:2: `budgets.night`: expected an amount of US dollars, 0 or more, found `-1`",
        ),
        (
            "budgets:\n  night: { tokens: 1.5 }",
            "config.yaml:2: `budgets.night.tokens`: expected a whole number such as `2000000`, found `1.5`",
        ),
        (
            "budgets:\n  utilization: 90",
            "config.yaml:2: `budgets.utilization`: expected a number above 0 and at most 1, such as `0.9`, found `90`",
        ),
        (
            "budgets:\n  subscription: maybe",
            "config.yaml:2: `budgets.subscription`: expected `on` or `off`, found `maybe`",
        ),
        ("budgets: { nights: 1 }", "config.yaml:1: unknown key `budgets.nights`, did you mean `night`?"),
    ];
    for (text, expect) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), expect);
    }
}

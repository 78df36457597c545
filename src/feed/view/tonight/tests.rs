use super::*;

#[test]
fn a_night_has_one_headline() {
    for (state, running, waiting, expected) in [
        ("open", 2, 5, "Working on 2 beads"),
        ("open", 1, 0, "Working on 1 bead"),
        ("open", 0, 3, "Open, 3 beads waiting"),
        ("open", 0, 0, "All quiet: nothing is left to do"),
        ("waiting", 0, 3, "Resting until the next window"),
        ("waiting", 1, 3, "Working on 1 bead"),
        ("paused", 1, 3, "Paused, 1 still running"),
        ("paused", 0, 3, "Paused"),
        ("stopped", 1, 3, "Nothing more is started"),
        ("", 0, 0, "Starting"),
    ] {
        assert_eq!(headline("waiting", 0, 3, false).0, "Resting: nothing is started by itself");
        assert_eq!(headline(state, running, waiting, true).0, expected);
    }
}

#[test]
fn meters_are_clamped() {
    let cap = |usd| Cap { usd, tokens: None };
    let share = |usd, most| Meter::of("night", usd, cap(most)).share;
    assert_eq!(share(5.0, Some(10.0)), Some(500));
    assert_eq!(share(50.0, Some(10.0)), Some(1000));
    assert_eq!(share(f64::NAN, Some(10.0)), Some(0));
    assert_eq!(share(1.0, None), None);
    assert_eq!(share(1.0, Some(0.0)), None);
    assert_eq!(Meter::of("night", 9.5, cap(Some(10.0))).tone, Tone::Ask);
}

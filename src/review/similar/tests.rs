use proptest::prelude::*;

use super::*;

#[test]
fn other_words_are_nearer_than_other_defects() {
    let of = |a, b| Words.of(a, b);
    let told = "Off by one in the loop bound of `total`";
    let again = "`total` loop bound is off by one";
    let other = "Password is written to the log in `login`";
    assert!(of(told, again) > 0.6, "{}", of(told, again));
    assert!(of(told, other) < 0.25, "{}", of(told, other));
    assert_eq!(of("Missing check!", "missing  CHECK"), 1.0);
    assert!(of("missing checks", "missing check") > 0.8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_measure_is_symmetric_and_bounded(a in any::<String>(), b in any::<String>()) {
        let there = Words.of(&a, &b);
        prop_assert!((0.0..=1.0).contains(&there));
        prop_assert_eq!(there, Words.of(&b, &a));
        prop_assert_eq!(Words.of(&a, &a), 1.0);
    }
}

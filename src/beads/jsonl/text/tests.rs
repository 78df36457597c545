use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn strings_are_escaped_as_go_does() {
    assert_eq!(string("<1% & \"x\" \\ \n\t\r"), r#""\u003c1% \u0026 \"x\" \\ \n\t\r""#);
    assert_eq!(string("a\u{2028}b\u{2029}c\u{1}\u{8}\u{c}"), r#""a\u2028b\u2029c\u0001\b\f""#);
    assert_eq!(string("naïve — 日本語 🚀 \u{7f}"), "\"naïve — 日本語 🚀 \u{7f}\"");
}

#[test]
fn times_trim_their_zeros() {
    assert_eq!(time(at("2026-02-28T22:15:07.000042+09:00")), "2026-02-28T13:15:07.000042Z");
    assert_eq!(time(at("2026-02-28T22:15:00Z")), "2026-02-28T22:15:00Z");
    assert_eq!(time(at("2026-02-28T22:15:00.123456789Z")), "2026-02-28T22:15:00.123456789Z");
}

#[test]
fn a_change_is_strictly_newer_even_when_the_clock_went_back() {
    let old = at("2026-02-28T22:15:00Z");
    assert!(newer(Some(old), at("2020-01-01T00:00:00Z")) > old);
    assert!(newer(Some(old), old) > old);
    assert_eq!(newer(None, old), old);
}

#[test]
fn items_are_appended_without_touching_the_others() {
    assert_eq!(appended(None, "1"), "[1]");
    assert_eq!(appended(Some("[ ]"), "1"), "[1]");
    assert_eq!(appended(Some("null"), "1"), "[1]");
    assert_eq!(appended(Some("[ 2.50 , {\"a\":1e3} ]"), "1"), "[ 2.50 , {\"a\":1e3},1]");
}

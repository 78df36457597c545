use proptest::prelude::*;

use super::*;

#[test]
fn what_differs_from_try_to_try_does_not_count() {
    let one = "Traceback (most recent call last):\n  File \"/work/tests/test_a.py\", line 12, in test_half\n\
               AssertionError: 3 != 4 (at 0x7f3a9c01, 12:04:55.123, took 0.31s)\nwrote /tmp/tmpab12/log\nRan 3 tests in 0.002s";
    let two = "Traceback (most recent call last):\n  File \"/home/x/tests/test_a.py\", line 19, in test_half\n\
               AssertionError: 7 != 9 (at 0x7f3a9d44, 23:59:01.900, took 12.5s)\n-----------\nwrote /tmp/tmpzz99/log\nRan 4 tests in 1.2s";
    assert_eq!(Signature::of("gate:test", one), Signature::of("gate:test", two));
}

#[test]
fn what_was_said_and_by_whom_does() {
    let of = |source: &str, text: &str| Signature::of(source, text);
    assert_ne!(of("gate:test", "no such column: total"), of("gate:test", "no such column: tax"));
    assert_ne!(of("gate:test", "no such column"), of("gate:lint", "no such column"));
    assert_ne!(of("gate:test", "test_a.py failed"), of("gate:test", "test_b.py failed"));
}

#[test]
fn each_kind_of_noise_has_a_mark() {
    for (line, expected) in [
        ("commit 4f9a1c2d77 is bad", "commit <id> is bad"),
        ("run 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 ended", "run <id> ended"),
        ("took 12.5s at 2026-11-21T17:23:52", "took #s at #"),
        ("see /tmp/pytest-of-agent/x.log", "see <tmp>"),
        ("src/deep/calc.py:12:3: error", "calc.py error"),
        ("deadbeef is a word, facade too", "deadbeef is a word facade too"),
    ] {
        assert_eq!(normal(line), expected);
    }
}

proptest! {
    #[test]
    fn any_text_has_one_signature(text in "\\PC{0,300}", more in any::<Vec<u8>>()) {
        let text = format!("{text}\n{}", String::from_utf8_lossy(&more));
        let signature = Signature::of("agent", &text);
        prop_assert_eq!(signature.as_str().len(), 16);
        prop_assert_eq!(signature, Signature::of("agent", &text));
    }
}

use proptest::prelude::*;

use super::*;

#[test]
fn t19_unseen_characters_are_shown_and_the_rest_is_byte_exact() {
    let cases = [
        ("plain $(touch X) `id` {{ x }} --flag\n\ttab\r\n", None),
        ("persian \u{200C} and \u{1F469}\u{200D}\u{1F4BB}", None),
        ("a\u{202E}b", Some("a<U+202E>b")),
        ("nul\0", Some("nul<U+0000>")),
        ("esc\u{1b}[31m", Some("esc<U+001B>[31m")),
        ("c1\u{9b}x", Some("c1<U+009B>x")),
        ("lone\rcr", Some("lone<U+000D>cr")),
        ("tag\u{E0041}", Some("tag<U+E0041>")),
        ("\u{FEFF}zero\u{200B}width", Some("<U+FEFF>zero<U+200B>width")),
    ];
    for (text, expect) in cases {
        assert_eq!(visible(text), expect.unwrap_or(text));
    }
}

#[test]
fn escapes_are_taken_out_whole() {
    let cases = [
        ("\u{1b}[1;31mred\u{1b}[0m", "red"),
        ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\", "link"),
        ("\u{1b}]0;never ended\nnext", "\nnext"),
        ("50%\r100%\r\ndone", "50%\n100%\ndone"),
        ("\u{1b}(Bplain\u{8}", "plain"),
        ("ends in \u{1b}", "ends in "),
    ];
    for (text, expect) in cases {
        assert_eq!(without_escapes(text), expect, "{text:?}");
    }
}

#[test]
fn clips_say_what_is_missing() {
    assert_eq!(clip("abc", 3), "abc");
    assert_eq!(clip("aé", 2), "a\n[... 2 more bytes left out]");
    assert_eq!(clip_front("one\ntwo\nthree and more", 16), "[... 8 bytes left out]\nthree and more");
    assert_eq!(one_line("a\n b\tc", 10), "a b c");
    assert_eq!(one_line("abcdef", 4), "abc…");
}

proptest! {
    #[test]
    fn nothing_that_acts_unseen_survives(text in any::<String>(), at in 0usize..64) {
        prop_assert!(!without_escapes(&text).chars().any(acts_unseen));
        prop_assert!(!visible(&text).replace("\r\n", "").chars().any(acts_unseen));
        prop_assert!(clip(&text, at).len() <= at + 64);
        prop_assert!(clip_front(&text, at).len() <= at + 64);
        prop_assert!(one_line(&text, 20).chars().count() <= 20);
    }
}

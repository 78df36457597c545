use proptest::prelude::*;

use super::*;

/// What no terminal may ever get from us.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\t' && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    })
}

#[test]
fn t34_whole_sequences_go_not_only_their_first_byte() {
    for (given, expected) in [
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("a\u{1b}[2J\u{1b}[1;1Hb", "ab"),
        ("\u{1b}]0;evil title\u{7}x", "x"),
        ("\u{1b}]52;c;ZXZpbA==\u{1b}\\x", "x"),
        ("\u{1b}]8;;https://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\", "click"),
        ("\u{1b}Pq#0;2;0;0;0\u{1b}\\x", "x"),
        ("\u{9b}31mred", "red"),
        ("\u{9d}0;title\u{9c}x", "x"),
        ("\u{90}dcs\u{9c}x", "x"),
        ("\u{1b}(Bx\u{1b}7\u{1b}=y", "xy"),
        ("\u{1b}_apc\u{1b}\\x\u{1b}^pm\u{7}y", "xy"),
        ("rtl \u{202e}gnp.exe\u{2066}\u{2069}", "rtl gnp.exe"),
        ("10%\r20%\r\n30%", "10%\n20%\n30%"),
        ("a\u{8}\u{8}b\u{0}\u{7f}\u{85}c\td", "abc\td"),
        ("tag\u{e0041}\u{e0042}s \u{feff}bom", "tags bom"),
        ("two\u{2028}lines", "two\nlines"),
        ("\u{1b}", ""),
        ("\u{1b}[", ""),
        ("\u{1b}[31", ""),
        ("\u{1b}\u{1b}[31mx", "x"),
        ("\u{1b}]0;\u{1b}]0;x\u{7}y", "y"),
        ("héllo 漢字 👨‍👩‍👧", "héllo 漢字 👨‍👩‍👧"),
    ] {
        assert_eq!(clean(given), expected, "{given:?}");
    }
}

#[test]
fn t34_a_control_string_that_never_ends_hides_nothing() {
    assert_eq!(clean("a\u{1b}]0;the rest of the log"), "a0;the rest of the log");
    assert_eq!(clean("\u{9d}0;first\nsecond\u{7}"), "0;first\nsecond");
    let long = format!("\u{1b}]{}\u{7}", "x".repeat(MAX_CONTROL_STRING));
    assert_eq!(clean(&long).len(), MAX_CONTROL_STRING);
    let pile = "\u{9d}".repeat(2_000_000);
    assert_eq!(clean(&pile), "", "a pile of introducers takes linear time");
}

#[test]
fn ordinary_text_is_not_copied() {
    assert!(matches!(clean("plain\n\ttext, é"), Cow::Borrowed(_)));
}

#[test]
fn one_line_fits_its_columns() {
    assert_eq!(clean_line("  a\n\tb \u{1b}[1mc\r\n"), "a b c");
    assert_eq!(ellipsis("short", 5), "short");
    assert_eq!(ellipsis("longer", 5), "long…");
    assert_eq!(ellipsis("漢字漢字", 5), "漢字…");
    assert_eq!(ellipsis("漢字漢字", 4), "漢…");
    assert_eq!(ellipsis("x", 0), "");
    assert_eq!(clean_bytes(b"a\xff\x9b31mb\x1b[0m"), "a\u{fffd}\u{fffd}31mb");
}

fn hostile() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{0,4}",
        proptest::sample::select(vec![
            "\u{1b}", "[", "]", "\u{9b}", "\u{9d}", "\u{90}", "\u{7}", "\\", "\u{9c}", "\r", "\n", "31", ";",
            "m", "\u{202e}", "P", "(", "\u{2028}",
        ])
        .prop_map(String::from),
    ];
    proptest::collection::vec(bit, 0..40).prop_map(|bits| bits.concat())
}

proptest! {
    #[test]
    fn t34_nothing_harmful_is_left(text in hostile(), columns in 0usize..60) {
        let once = clean(&text).into_owned();
        prop_assert!(is_harmless(&once), "{once:?}");
        prop_assert_eq!(clean(&once), once.as_str());
        let line = ellipsis(&text, columns);
        prop_assert!(is_harmless(&line) && !line.contains('\n') && line.width() <= columns, "{line:?}");
    }

    #[test]
    fn t34_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(is_harmless(&clean_bytes(&bytes)));
    }
}

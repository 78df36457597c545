use proptest::prelude::*;

use super::Strip;

fn shown(bytes: &[u8]) -> Vec<u8> {
    Strip::default().pass(bytes)
}

#[test]
fn colours_and_the_cursor_pass_titles_and_clipboards_do_not() {
    assert_eq!(shown(b"\x1b[31mred\x1b[0m \x1b[2;3H"), b"\x1b[31mred\x1b[0m \x1b[2;3H");
    assert_eq!(shown(b"a\x1b]52;c;aGVsbG8=\x07b"), b"ab");
    assert_eq!(shown(b"a\x1b]0;title\x1b\\b"), b"ab");
    assert_eq!(shown(b"a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d"), b"abcd");
    assert_eq!(shown("a\u{9d}52;c;x\u{7}b".as_bytes()), b"ab");
    assert_eq!(shown("ein Stück für £5 \u{9b}31m".as_bytes()), "ein Stück für £5 31m".as_bytes());
}

#[test]
fn a_string_that_is_broken_off_gives_the_screen_back() {
    assert_eq!(shown(b"a\x1b]0;never ended\x18b"), b"ab");
    assert_eq!(shown(b"a\x1b]0;x\x1b[31mb"), b"a\x1b[31mb");
}

proptest! {
    #[test]
    fn t34_no_string_reaches_the_terminal_however_it_is_cut(
        parts in proptest::collection::vec(proptest::collection::vec(
            prop_oneof![Just(0x1b_u8), Just(b']'), Just(b'P'), Just(0xc2), Just(0x9d), Just(b'\\'), Just(7), any::<u8>()], 0..12), 0..12)
    ) {
        let mut strip = Strip::default();
        let cut: Vec<u8> = parts.iter().flat_map(|part| strip.pass(part)).collect();
        prop_assert_eq!(&cut, &shown(&parts.concat()), "cuts change nothing");
        for pair in cut.windows(2) {
            prop_assert!(!(pair[0] == 0x1b && b"]PX^_".contains(&pair[1])), "{:?}", cut);
            prop_assert!(!(pair[0] == 0xc2 && (0x80..=0x9f).contains(&pair[1])), "{:?}", cut);
        }
    }

    #[test]
    fn text_passes_as_it_is(text in "[a-zäöü£€ \n\r\t]{0,80}") {
        prop_assert_eq!(shown(text.as_bytes()), text.as_bytes());
    }
}

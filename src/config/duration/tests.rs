use proptest::prelude::*;

use super::*;

#[test]
fn reads_one_number_and_one_unit() {
    let cases = [("90s", 90), ("10m", 600), ("6h", 21_600), ("2d", 172_800), ("007s", 7)];
    for (text, seconds) in cases {
        assert_eq!(text.parse::<Span>().unwrap().get().as_secs(), seconds);
    }
    for (text, bytes) in [("512m", 512 << 20), ("4g", 4 << 30)] {
        assert_eq!(text.parse::<Size>().unwrap().bytes(), bytes);
    }
}

#[test]
fn refuses_everything_else_and_says_what_it_wants() {
    for text in [
        "",
        "s",
        "10",
        "10 m",
        "-1s",
        "+1s",
        "1.5h",
        "1h30m",
        "0s",
        "9h ",
        "1w",
        "400d",
        "١s",
        "99999999999999999h",
    ] {
        let error = text.parse::<Span>().unwrap_err().to_string();
        assert_eq!(error, format!("expected a duration such as `90s`, `10m`, `6h` or `2d`, found `{text}`"));
    }
    for text in ["", "4", "4k", "0m", "4gb", "999999999999g"] {
        assert!(text.parse::<Size>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_span_and_a_size_survive_being_written(seconds in 1u64..=31_536_000, mib in 1u64..=1 << 30) {
        let span = Span::from_secs(seconds);
        prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        let size = Size::from_bytes(mib << 20);
        prop_assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        drop(text.parse::<Span>());
        drop(text.parse::<Size>());
    }
}

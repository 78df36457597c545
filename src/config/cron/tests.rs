use proptest::prelude::*;

use super::*;

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

#[test]
fn weekdays_count_from_sunday_as_zero() {
    let cron = Cron::parse("0 22 * * 1-5").unwrap();
    // 2026-11-21 is a Saturday.
    assert_eq!(cron.next(wall("2026-11-21 00:00"), true), Some(wall("2026-11-23 22:00")));
    assert_eq!(cron.previous(wall("2026-11-21 23:00"), false), Some(wall("2026-11-20 22:00")));
    assert_eq!(
        Cron::parse("0 22 * * sun").unwrap().next(wall("2026-11-21 00:00"), true),
        Some(wall("2026-11-22 22:00"))
    );
}

#[test]
fn refuses_what_is_not_five_fields_or_never_comes() {
    let error = |text: &str| Cron::parse(text).unwrap_err().to_string();
    assert_eq!(error("0 0 22 * * *"), "expected five fields (minute, hour, day, month, weekday), found 6");
    assert_eq!(error(""), "expected five fields (minute, hour, day, month, weekday), found 0");
    assert_eq!(error("@daily"), "expected five fields (minute, hour, day, month, weekday), found 1");
    assert_eq!(error("0 0 31 2 *"), "it names no day that ever comes");
    for text in ["60 0 * * *", "0 24 * * *", "a b c d e", "0 0 * * 9", "* * * * MONDAY-", "0 0 0 * *"] {
        assert!(Cron::parse(text).is_err(), "{text}");
    }
}

#[test]
fn tells_whether_it_names_more_than_one_time_a_day() {
    for (text, once) in [
        ("0 22 * * *", true),
        ("30 2 1 * *", true),
        ("0 22,2 * * *", false),
        ("*/5 1 * * 0", false),
        ("0 0 29 2 *", true),
    ] {
        assert_eq!(Cron::parse(text).unwrap().at_most_daily(), once, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-0-9*/,LW#A-Za-z? @+]{0,30}", any in any::<String>()) {
        drop(Cron::parse(&text));
        drop(Cron::parse(&any));
    }
}

use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn utc(zone_name: &str, text: &str) -> String {
    zone(zone_name).instant(wall(text)).unwrap().format("%Y-%m-%d %H:%M").to_string()
}

#[test]
fn f42_a_skipped_time_is_the_first_minute_after_the_gap() {
    // Clocks went from 02:00 to 03:00.
    assert_eq!(utc("Europe/Berlin", "2026-03-29 02:30"), "2026-03-29 01:00");
    assert_eq!(utc("Europe/Berlin", "2026-03-29 03:00"), "2026-03-29 01:00");
    assert_eq!(utc("Europe/Berlin", "2026-03-29 01:59"), "2026-03-29 00:59");
    // Half an hour only: 02:00 to 02:30.
    assert_eq!(utc("Australia/Lord_Howe", "2026-10-04 02:10"), "2026-10-03 15:30");
    // Midnight itself was skipped.
    assert_eq!(utc("America/Sao_Paulo", "2018-11-04 00:00"), "2018-11-04 03:00");
    // A whole day was.
    assert_eq!(utc("Pacific/Apia", "2011-12-30 09:00"), "2011-12-30 10:00");
    assert!(!zone("Pacific/Apia").has_date(wall("2011-12-30 00:00").date()));
    assert!(zone("America/Sao_Paulo").has_date(wall("2018-11-04 00:00").date()));
}

#[test]
fn f42_a_repeated_time_is_its_first_coming() {
    assert_eq!(utc("Europe/Berlin", "2026-10-25 02:30"), "2026-10-25 00:30");
    assert_eq!(utc("Australia/Lord_Howe", "2026-04-05 01:45"), "2026-04-04 14:45");
}

#[test]
fn the_machine_s_zone_is_what_it_says_or_utc() {
    let of = |tz, link: Option<&str>| Zone::of_machine(tz, link.map(Path::new)).name();
    assert_eq!(of(Some("Europe/Paris"), None), "Europe/Paris");
    assert_eq!(of(Some(":Asia/Tokyo"), Some("/usr/share/zoneinfo/Europe/Rome")), "Asia/Tokyo");
    assert_eq!(of(None, Some("/usr/share/zoneinfo/Europe/Rome")), "Europe/Rome");
    assert_eq!(of(Some(""), Some("../usr/share/zoneinfo/posix/Europe/Rome")), "Europe/Rome");
    assert_eq!(of(Some("CET-1CEST"), None), "UTC");
    assert_eq!(of(None, Some("/etc/nothing")), "UTC");
    assert_eq!(of(None, None), "UTC");
}

proptest! {
    /// The moment shows the time asked for or, after a gap, the first later one.
    #[test]
    fn f42_every_time_of_every_clock_has_one_moment(which in 0..chrono_tz::TZ_VARIANTS.len(), minutes in -26_000_000i64..40_000_000) {
        let zone = Zone(chrono_tz::TZ_VARIANTS[which]);
        let asked = wall("1999-12-31 00:00") + Duration::minutes(minutes);
        let at = zone.instant(asked).unwrap();
        prop_assert!(zone.local(at) >= asked);
        let before = zone.local(at - Duration::seconds(1));
        prop_assert!(before < asked, "{before} is already there");
    }
}

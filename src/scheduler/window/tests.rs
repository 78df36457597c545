use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::config::user::User;

fn at(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
}

fn calendar(yaml: &str, machine: &str) -> Calendar {
    let user = User::parse(yaml.as_bytes(), "config.yaml").unwrap();
    Calendar::new(&user.windows, &user.blackout, Zone::parse(machine).unwrap())
}

fn open(calendar: &Calendar, now: &str) -> Option<Open> {
    match calendar.at(at(now), "tally", &Presence::ALWAYS) {
        State::Open(open) => Some(open),
        State::Closed { .. } => None,
    }
}

fn next(calendar: &Calendar, now: &str) -> Option<DateTime<Utc>> {
    match calendar.at(at(now), "tally", &Presence::ALWAYS) {
        State::Open(_) => panic!("open"),
        State::Closed { next } => next,
    }
}

#[test]
fn a_window_over_midnight_belongs_to_its_first_date() {
    let cal = calendar("windows: [{start: 0 22 * * *, stop: '07:00', drain: 1h}]", "Europe/Berlin");
    let night = open(&cal, "2026-11-21 23:30").unwrap();
    assert_eq!(night.night.to_string(), "2026-11-21-0");
    assert_eq!((night.since, night.until), (at("2026-11-21 21:00"), Some(at("2026-11-22 06:00"))));
    assert_eq!(night.drain_from, Some(at("2026-11-22 05:00")));
    assert_eq!(open(&cal, "2026-11-22 05:59"), Some(night));
    assert_eq!(open(&cal, "2026-11-22 06:00"), None);
    assert_eq!(next(&cal, "2026-11-22 06:00"), Some(at("2026-11-22 21:00")));
}

#[test]
fn windows_that_overlap_or_touch_are_one_night() {
    let yaml = "windows:\n- {start: 0 20 * * *, stop: 4h}\n- {start: 0 23 * * *, stop: 3h, drain: 30m}\n\
                - {start: 0 2 * * *, stop: 1h}\n- {start: 0 4 * * *, stop: 1h}\n";
    let cal = calendar(yaml, "UTC");
    for now in ["2026-01-01 20:00", "2026-01-02 00:30", "2026-01-02 02:59"] {
        let night = open(&cal, now).unwrap();
        assert_eq!(night.night.to_string(), "2026-01-01-0", "{now}");
        assert_eq!((night.since, night.until), (at("2026-01-01 20:00"), Some(at("2026-01-02 03:00"))));
    }
    assert_eq!(open(&cal, "2026-01-02 03:30"), None);
    assert_eq!(open(&cal, "2026-01-02 04:30").unwrap().night.window, Some(3));
}

#[test]
fn a_window_may_be_for_some_projects_only() {
    let yaml =
        "windows:\n- {start: 0 20 * * *, stop: 1h, projects: [other]}\n- {start: 0 22 * * *, stop: 1h}\n";
    let cal = calendar(yaml, "UTC");
    assert_eq!(open(&cal, "2026-01-01 20:30"), None);
    assert!(matches!(cal.at(at("2026-01-01 20:30"), "other", &Presence::ALWAYS), State::Open(_)));
    assert!(matches!(cal.any(at("2026-01-01 20:30"), &Presence::ALWAYS), State::Open(_)));
    assert_eq!(next(&cal, "2026-01-01 20:30"), Some(at("2026-01-01 22:00")));
}

#[test]
fn no_window_starts_on_a_blackout_date_and_none_at_all_is_said() {
    let yaml = "windows: [{start: 0 22 * * *, stop: '06:00'}]\nblackout: [2026-12-24..2026-12-26]";
    let cal = calendar(yaml, "UTC");
    // The night of the 23rd goes on into the 24th.
    assert!(open(&cal, "2026-12-24 03:00").is_some());
    assert!(open(&cal, "2026-12-24 22:30").is_none() && open(&cal, "2026-12-26 23:00").is_none());
    assert_eq!(next(&cal, "2026-12-24 12:00"), Some(at("2026-12-27 22:00")));
    assert!(open(&cal, "2026-12-27 23:00").is_some());
    let never =
        calendar("windows: [{start: 0 22 * * *, stop: 1h}]\nblackout: [2020-01-01..2090-01-01]", "UTC");
    assert_eq!(next(&never, "2026-01-01 00:00"), None);
    assert!(calendar("", "UTC").is_empty());
    assert_eq!(next(&calendar("", "UTC"), "2026-01-01 00:00"), None);
}

#[test]
fn f42_a_start_in_the_gap_opens_at_the_first_minute_after_it() {
    let cal = calendar("windows: [{start: 30 2 * * *, stop: 2h}]", "Europe/Berlin");
    let night = open(&cal, "2026-03-29 01:00").unwrap();
    assert_eq!((night.since, night.night.date.to_string()), (at("2026-03-29 01:00"), "2026-03-29".into()));
    assert_eq!(next(&cal, "2026-03-29 00:59"), Some(at("2026-03-29 01:00")));
    // Half an hour of a gap; and a window whose start and stop both fall into it does not open.
    let cal = calendar("windows: [{start: 10 2 * * *, stop: '02:20'}]", "Australia/Lord_Howe");
    assert_eq!(next(&cal, "2026-10-03 15:30"), Some(at("2026-10-04 15:10")));
    let cal = calendar("windows: [{start: 0 0 * * *, stop: 1h}]", "America/Sao_Paulo");
    assert_eq!(open(&cal, "2018-11-04 03:00").unwrap().since, at("2018-11-04 03:00"));
}

#[test]
fn f42_the_repeated_hour_does_not_open_a_window_again() {
    let cal = calendar("windows: [{start: 10 2 * * *, stop: 20m}]", "Europe/Berlin");
    // 02:10 came first at 00:10 UTC and again at 01:10 UTC.
    assert!(open(&cal, "2026-10-25 00:10").is_some());
    assert!(open(&cal, "2026-10-25 01:15").is_none());
    assert_eq!(next(&cal, "2026-10-25 00:30"), Some(at("2026-10-26 01:10")));
    // A window that lies around the change is one hour longer or ends at the first coming of its stop.
    let cal = calendar("windows: [{start: 0 22 * * *, stop: '07:00'}]", "Europe/Berlin");
    let night = open(&cal, "2026-10-25 00:30").unwrap();
    assert_eq!(night.left(night.since), Some(Duration::hours(10)));
}

#[test]
fn f42_a_date_that_never_was_has_no_night() {
    let cal = calendar("windows: [{start: 0 22 * * *, stop: 1h}]", "Pacific/Apia");
    // After 29 December 2011 came the 31st.
    assert_eq!(next(&cal, "2011-12-30 09:30"), Some(at("2011-12-31 08:00")));
}

#[test]
fn f41_after_downtime_the_rest_of_a_window_is_used_once_or_skipped() {
    let key = |cal: &Calendar| open(cal, "2026-01-01 23:00").unwrap().night;
    let state = |cal: &Calendar, awake: &str, opened| {
        let presence = Presence { awake_since: at(awake), opened };
        matches!(cal.at(at("2026-01-02 03:00"), "tally", &presence), State::Open(_))
    };
    let once = calendar("windows: [{start: 0 22 * * *, stop: 8h}]", "UTC");
    let skip = calendar("windows: [{start: 0 22 * * *, stop: 8h, catch_up: skip}]", "UTC");
    // Many starts were missed: what is open is this one night, and nothing is made up for outside of it.
    assert!(state(&once, "2026-01-02 02:59", None));
    assert!(open(&once, "2026-01-02 12:00").is_none());
    assert!(!state(&skip, "2026-01-02 02:59", None));
    assert!(state(&skip, "2026-01-02 02:59", Some(key(&skip))), "a restart goes on with its night");
    assert!(state(&skip, "2026-01-01 22:04", None), "a short restart missed nothing");
    assert!(state(&skip, "2026-01-01 12:00", None));
}

#[test]
fn f41_a_night_ends_by_the_wall_clock_wherever_that_jumps() {
    let cal = calendar("windows: [{start: 0 22 * * *, stop: '06:00'}]", "UTC");
    assert!(open(&cal, "2026-01-02 05:59").is_some());
    assert!(open(&cal, "2036-01-02 06:00").is_none());
    let again = open(&cal, "2026-01-01 22:00").unwrap();
    assert_eq!(open(&cal, "2026-01-02 01:00"), Some(again), "back over the start it is the same night");
}

#[test]
fn until_is_the_next_such_time_on_the_wall() {
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    let until = |text: &str, now: &str| until(text, at(now), berlin);
    assert_eq!(until("07:00", "2026-11-21 21:00"), Some(at("2026-11-22 06:00")));
    assert_eq!(until("7:00", "2026-11-22 05:59"), Some(at("2026-11-22 06:00")));
    assert_eq!(until("07:00", "2026-11-22 06:00"), Some(at("2026-11-23 06:00")));
    assert_eq!(until("02:30", "2026-03-28 22:00"), Some(at("2026-03-29 01:00")));
    for bad in ["", "7", "24:00", "07:60", "7:0", "07:00:00", "-1:00", "soon"] {
        assert_eq!(until(bad, "2026-11-21 21:00"), None, "{bad}");
    }
    let by_hand = Open::by_hand(at("2026-11-21 23:30"), None, berlin);
    assert_eq!(
        (by_hand.night.to_string(), by_hand.left(at("2026-11-21 23:30"))),
        ("2026-11-22".into(), None)
    );
}

/// Zones and days around which clocks or calendars changed.
const CHANGES: &[(&str, &str)] = &[
    ("Australia/Lord_Howe", "2026-10-03 12:00"),
    ("Australia/Lord_Howe", "2026-04-04 12:00"),
    ("Pacific/Apia", "2011-12-30 00:00"),
    ("America/Sao_Paulo", "2018-11-03 12:00"),
    ("America/Sao_Paulo", "2019-02-16 12:00"),
    ("Europe/Berlin", "2026-03-28 20:00"),
    ("Europe/Berlin", "2026-10-24 20:00"),
    ("America/New_York", "2026-11-01 00:00"),
    ("America/Nuuk", "2024-03-30 18:00"),
    ("Antarctica/Troll", "2026-03-28 18:00"),
    ("Africa/Casablanca", "2026-02-14 18:00"),
    ("Pacific/Kiritimati", "1994-12-31 00:00"),
    ("Asia/Kathmandu", "2026-06-01 00:00"),
    ("UTC", "2026-06-01 00:00"),
];

fn a_window() -> impl Strategy<Value = String> {
    let stop = prop_oneof![
        (0..24u32, 0..60u32).prop_map(|(h, m)| format!("'{h:02}:{m:02}'")),
        (1..40u32).prop_map(|hours| format!("{hours}h")),
        (1..90u32).prop_map(|minutes| format!("{minutes}m")),
        (0..24u32).prop_map(|h| format!("5 {h} * * *")),
    ];
    (0..60u32, 0..24u32, prop_oneof![Just("*"), Just("1-5"), Just("0,3")], stop).prop_map(
        |(minute, hour, days, stop)| format!("- {{start: '{minute} {hour} * * {days}', stop: {stop}}}\n"),
    )
}

fn check(zone: &str, around: &str, windows: &[String]) -> Result<(), TestCaseError> {
    let cal = calendar(&format!("windows:\n{}", windows.concat()), zone);
    let zone = Zone::parse(zone).unwrap();
    let begin = at(around) - Duration::hours(30);
    let mut keys: Vec<NightKey> = Vec::new();
    let mut starts: BTreeMap<NightKey, BTreeSet<DateTime<Utc>>> = BTreeMap::new();
    let mut closed_until = None;
    for step in 0..60 * 6 {
        let now = begin + Duration::minutes(10 * step);
        match cal.at(now, "any", &Presence::ALWAYS) {
            State::Open(open) => {
                prop_assert!(closed_until.is_none_or(|next| next <= now), "opened before it was said");
                prop_assert!(open.since <= now && open.until.unwrap() > now);
                let state = cal.at(open.until.unwrap() - Duration::seconds(1), "any", &Presence::ALWAYS);
                prop_assert!(matches!(state, State::Open(_)), "closed before its end");
                if open.until.unwrap() < now + Duration::days(7) {
                    let state = cal.at(open.until.unwrap(), "any", &Presence::ALWAYS);
                    let closed = matches!(state, State::Closed { .. });
                    prop_assert!(closed, "open after its end");
                }
                starts.entry(open.night).or_default().insert(open.since);
                if keys.last() != Some(&open.night) {
                    prop_assert!(!keys.contains(&open.night), "the night {} came back", open.night);
                    keys.push(open.night);
                }
                let wall = zone.local(open.since);
                prop_assert!(wall.date() >= open.night.date);
                closed_until = None;
            }
            State::Closed { next } => {
                let next = next.unwrap();
                prop_assert!(next > now);
                prop_assert!(
                    closed_until.is_none_or(|told| told == next || told <= now),
                    "another next start"
                );
                let state = cal.at(next, "any", &Presence::ALWAYS);
                prop_assert!(matches!(state, State::Open(_)), "the next start does not open");
                closed_until = Some(next);
            }
        }
    }
    for (night, starts) in starts {
        prop_assert_eq!(starts.len(), 1, "the night {} began more than once", night);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn f42_every_window_opens_at_most_once_per_local_date(
        change in 0..CHANGES.len(),
        shift in -3000i64..3000,
        windows in prop::collection::vec(a_window(), 1..4),
    ) {
        let (zone, around) = CHANGES[change];
        let around = (at(around) + Duration::minutes(shift)).format("%Y-%m-%d %H:%M").to_string();
        check(zone, &around, &windows)?;
    }

    #[test]
    fn f42_so_in_any_zone_at_any_time(
        zone in 0..chrono_tz_names().len(),
        minutes in -15_000_000i64..30_000_000,
        windows in prop::collection::vec(a_window(), 1..3),
    ) {
        let around = (at("2000-01-01 00:00") + Duration::minutes(minutes)).format("%Y-%m-%d %H:%M").to_string();
        check(chrono_tz_names()[zone], &around, &windows)?;
    }
}

fn chrono_tz_names() -> Vec<&'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect()
}

use super::*;
use crate::config::user::User;

fn parse(text: &str) -> Result<User, ConfigError> {
    User::parse(text.as_bytes(), "config.yaml")
}

#[test]
fn reads_windows_and_blackout() {
    let user = parse(
        "windows:\n\
         - { start: 0 22 * * 1-5, stop: '07:00', zone: Europe/Berlin, drain: 30m, projects: [tally] }\n\
         - start: 30 1 * * 6\n  stop: 8h\n  catch_up: skip\n\
         - { start: 0 20 * * 0, stop: 0 6 * * 1 }\n\
         blackout: [2026-12-24, 2026-12-30..2027-01-01]\n",
    )
    .unwrap();
    let [a, b, c] = &user.windows[..] else { panic!() };
    assert_eq!((a.start.as_str(), a.zone.unwrap().name()), ("0 22 * * 1-5", "Europe/Berlin"));
    assert_eq!(a.stop, Stop::At(NaiveTime::from_hms_opt(7, 0, 0).unwrap()));
    assert_eq!((a.drain, a.catch_up, a.projects.len()), (Some(Span::from_secs(1800)), CatchUp::Once, 1));
    assert_eq!((&b.stop, b.catch_up, b.zone), (&Stop::After(Span::from_secs(8 * 3600)), CatchUp::Skip, None));
    assert!(matches!(&c.stop, Stop::Cron(cron) if cron.as_str() == "0 6 * * 1"));
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    for (date, covered) in [
        ("2026-12-24", true),
        ("2026-12-25", false),
        ("2026-12-31", true),
        ("2027-01-01", true),
        ("2027-01-02", false),
    ] {
        assert_eq!(user.blackout.covers(day(date)), covered, "{date}");
    }
}

#[test]
fn errors_name_key_line_and_an_example() {
    let cases = [
        (
            "windows:\n- stop: 8h",
            "config.yaml:2: `windows[0].start` is missing: expected a cron expression of five fields such as `0 22 * * 1-5`",
        ),
        (
            "windows:\n- start: 0 22 * *\n  stop: 8h",
            "config.yaml:2: `windows[0].start`: expected a cron expression of five fields such as `0 22 * * 1-5`, \
             found `0 22 * *` (expected five fields (minute, hour, day, month, weekday), found 4)",
        ),
        (
            "windows:\n- start: 0 8,22 * * *\n  stop: 2h",
            "config.yaml:2: `windows[0].start`: expected a cron expression that names one time a day, such as \
             `0 22 * * *`, and a window for each, found `0 8,22 * * *`",
        ),
        (
            "windows:\n- start: 0 22 * * *\n  stop: '25:00'",
            "config.yaml:3: `windows[0].stop`: expected a time such as `07:00`, a duration such as `8h` or a cron \
             expression such as `0 7 * * *`, found `25:00` (expected five fields (minute, hour, day, month, weekday), \
             found 1)",
        ),
        (
            "windows:\n- start: 0 22 * * *\n  stop: 9d",
            "config.yaml:3: `windows[0].stop`: expected a duration of at most `7d`, found `9d`",
        ),
        (
            "windows:\n- start: 0 22 * * *\n  stop: 8h\n  zone: Berlin",
            "config.yaml:4: `windows[0].zone`: expected a time zone such as `Europe/Berlin`, found `Berlin`",
        ),
        (
            "windows:\n- start: 0 22 * * *\n  stop: 8h\n  catch_up: all",
            "config.yaml:4: `windows[0].catch_up`: expected `once` or `skip`, found `all`",
        ),
        (
            "windows:\n- start: 0 22 * * *\n  stop: 8h\n  drian: 1h",
            "config.yaml:4: unknown key `windows[0].drian`, did you mean `drain`?",
        ),
        (
            "blackout: [2027-01-02..2027-01-01]",
            "config.yaml:1: `blackout`: expected a date such as `2026-12-24` or dates such as \
             `2026-12-24..2027-01-01`, found `2027-01-02..2027-01-01`",
        ),
        ("windows: nightly", "config.yaml:1: `windows`: expected a list, found `nightly`"),
    ];
    for (text, expect) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), expect);
    }
}

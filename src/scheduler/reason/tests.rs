use super::*;
use crate::scheduler::budget::{Amount, Figures, Which};

fn when(text: &str) -> When {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
    When { at: at(text), now: at("2026-11-21T22:00:00Z"), zone: Zone::parse("Europe/Berlin").unwrap() }
}

fn users(count: u32, names: &[&str]) -> Users {
    Users { count, some: names.iter().map(|n| BeadId::new(*n)).collect() }
}

/// One of each, with its sentence.
fn all() -> Vec<(Reason, &'static str)> {
    let expected = Expected { p50: Duration::minutes(40), p90: Duration::hours(2), beads: 9 };
    let money = Figures { spent: 9.6, promised: 0.0, more: 0.0, cap: 10.0 };
    let soon = when("2026-11-22T06:00:00Z");
    vec![
        (
            Reason::Excluded(Excluded::ForPeople { label: "human".into() }),
            "it is excluded by the label `human`, which keeps it for a person",
        ),
        (Reason::Running, "a run works on it already"),
        (Reason::UnknownProject, "its project is not part of this night"),
        (Reason::PausedByUser, "a person paused it, and it goes on only when a person says so"),
        (
            Reason::Until { cause: Cause::new("usage_limit"), until: soon },
            "the usage limit is reached until 07:00",
        ),
        (
            Reason::Until { cause: Cause::new("context"), until: soon },
            "it is suspended (context) until 07:00",
        ),
        (Reason::NightPaused, "the night is paused by a person"),
        (Reason::NightStopped { why: "no\ncredit".into() }, "the night is stopped: no credit"),
        (
            Reason::WindowClosed { next: Some(when("2026-11-23T21:00:00Z")) },
            "no window is open; the next one opens at 2026-11-23 22:00",
        ),
        (Reason::WindowClosed { next: None }, "no window is open, and none is coming"),
        (
            Reason::Draining { until: soon },
            "the window closes at 07:00, and nothing is started so close to its end",
        ),
        (
            Reason::RunsOut { until: soon, expected },
            "the window closes at 07:00, and a bead of this project takes about 40 min",
        ),
        (Reason::Outage { until: soon }, "the model's service does not answer; it is asked again at 07:00"),
        (
            Reason::Probe { by: Some(BeadId::new("t-1")) },
            "the model's service was away, and `t-1` asks first whether it is back",
        ),
        (
            Reason::Probe { by: None },
            "the model's service was away, and one run asks first whether it is back",
        ),
        (
            Reason::Utilization { used: 0.934, limit: 0.9, resets: Some(soon) },
            "93 % of the usage limit are used, which resets at 07:00, and from 90 % on nothing is started",
        ),
        (
            Reason::Budget(Tight { which: Which::Night, amount: Amount::Usd(money), reached: false }),
            "the night's money is nearly spent: $9.60 of $10.00",
        ),
        (
            Reason::Slots { most: 3, by: users(3, &["t-1", "t-2", "t-3"]) },
            "waits for a slot: 3 of 3 are in use by `t-1`, `t-2`, `t-3`",
        ),
        (
            Reason::ProjectSlots { most: 9, by: users(9, &["t-1", "t-2"]) },
            "waits for a slot of its project: 9 of 9 are in use by `t-1`, `t-2` and 7 more",
        ),
        (
            Reason::ModelSlots { model: "opus".into(), most: 1, by: users(1, &["t-1"]) },
            "waits for a slot of the model `opus`: 1 of 1 are in use by `t-1`",
        ),
        (
            Reason::ModelSlots { model: "opus".into(), most: 0, by: Users::default() },
            "no slot is given to the model `opus`",
        ),
        (Reason::Image { name: "worker".into() }, "the image `worker` is not there"),
        (
            Reason::Disk { free: 300 << 20, least: 5 << 30 },
            "300 MiB of disk are free where the state lies, needs 5.0 GiB",
        ),
        (Reason::Inodes { free: 10, least: 1000 }, "10 inodes are free where the state lies, needs 1000"),
        (Reason::Memory { needs: 4 << 30, free: 1_288_490_189 }, "needs 4.0 GiB of memory, 1.2 GiB are free"),
        (
            Reason::MemoryKept { by: BeadId::new("t-9"), needs: 8 << 30 },
            "free memory is kept for `t-9`, which has waited long for 8.0 GiB",
        ),
    ]
}

#[test]
fn every_reason_is_one_plain_sentence() {
    for (reason, sentence) in all() {
        assert_eq!(reason.sentence(), sentence);
    }
}

#[test]
fn an_id_of_a_hostile_tracker_stays_on_its_line() {
    let by = users(1, &["a\n\u{1b}[2Jb"]);
    let said = Reason::Slots { most: 1, by }.sentence();
    assert!(!said.contains('\n') && !said.contains('\u{1b}'), "{said:?}");
}

use chrono::TimeZone as _;

use super::*;

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, hour, minute, 0).unwrap()
}

fn row(bead: &str, from: (u32, u32), to: Option<(u32, u32)>, state: &str) -> RunRow {
    RunRow {
        run: "r00000000000001".to_owned(),
        kind: "work".to_owned(),
        project: Some("p".to_owned()),
        bead: Some(bead.to_owned()),
        attempt: Some(1),
        state: state.to_owned(),
        cause: None,
        started: at(from.0, from.1).to_rfc3339(),
        ended: to.map(|(h, m)| at(h, m).to_rfc3339()),
        log: String::new(),
        cost_usd: 0.5,
    }
}

#[test]
fn bars_are_drawn_to_scale() {
    let rows = [
        row("b", (2, 0), None, "running"),
        row("a", (1, 0), Some((2, 0)), "completed"),
        row("gone", (0, 0), Some((0, 10)), "completed"),
        row("blink", (1, 30), Some((1, 30)), "failed"),
    ];
    let line = Timeline::of(&rows, at(1, 0), at(5, 0));
    let beads: Vec<&str> = line.lanes.iter().map(|l| l.bead.as_str()).collect();
    assert_eq!(beads, ["a", "blink", "b"], "as they began; what was before is not there");
    let bar = |n: usize| (line.lanes[n].bars[0].x.as_str(), line.lanes[n].bars[0].width.as_str());
    assert_eq!((bar(0), bar(1), bar(2)), (("0.00%", "25.00%"), ("12.50%", "0.70%"), ("25.00%", "75.00%")));
    assert_eq!(line.lanes[0].bars[0].title, "work completed, 60 min 0 s, $0.50");
    let ticks: Vec<&str> = line.ticks.iter().map(|t| t.label.as_str()).collect();
    assert_eq!(ticks, ["02:00", "03:00", "04:00"]);
}

#[test]
fn a_run_whose_process_died_is_not_drawn_as_if_it_went_on() {
    let line = Timeline::of(&[row("a", (1, 0), None, "interrupted")], at(1, 0), at(5, 0));
    let bar = &line.lanes[0].bars[0];
    assert_eq!((bar.x.as_str(), bar.width.as_str()), ("0.00%", "0.70%"));
    assert_eq!(bar.title, "work interrupted, $0.50", "nobody knows how long it took");
}

#[test]
fn odd_rows_draw_nothing_wrong() {
    let mut odd = row("a", (4, 0), Some((3, 0)), "completed");
    odd.started = "never".to_owned();
    let late = row("late", (4, 59), Some((4, 0)), "completed");
    let line = Timeline::of(&[odd, late], at(1, 0), at(1, 0));
    assert!(line.lanes.is_empty(), "the stretch is ten minutes at least");
    let line = Timeline::of(&[row("a", (0, 0), None, "running")], at(1, 0), at(3, 0));
    assert_eq!(line.lanes[0].bars[0].x, "0.00%");
}

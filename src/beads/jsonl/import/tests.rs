use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::beads::Snapshot;

const SAMPLES: &str = include_str!("../../../../tests/fixtures/beads/samples.jsonl");
const OWN: Import = Import { origin: Origin::Own, partly: Partly::Never };
const FOREIGN: Import = Import { origin: Origin::Elsewhere, partly: Partly::Never };

fn run(tracker: &str, incoming: &str, how: Import) -> (String, ImportReport) {
    let read = |text: &str| Document::read(text.as_bytes().to_vec());
    let moment = Change { now: "2026-03-01T12:00:00Z".parse().unwrap(), chance: [7; 16] };
    let (bytes, report) = import(&read(tracker), &read(incoming), how, moment);
    assert_eq!(bytes.is_some(), report.written);
    (bytes.map_or_else(|| tracker.to_owned(), |bytes| String::from_utf8(bytes).unwrap()), report)
}

fn line(id: &str, minute: u8, members: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"title\":\"t\",\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-02-01T00:{minute:02}:00Z\"{members}}}\n"
    )
}

#[test]
fn own_beads_keep_every_byte() {
    let without_dead: String =
        SAMPLES.lines().filter(|l| !l.contains("\"tombstone\"")).map(|l| format!("{l}\n")).collect();
    let (text, report) = run("", &without_dead, OWN);
    assert_eq!(text, without_dead);
    assert_eq!((report.added.len(), report.refused.len()), (28, 0));
    let (text, report) = run(SAMPLES, SAMPLES, OWN);
    assert_eq!((text.as_str(), report.written, report.kept.len()), (SAMPLES, false, 29));
    let half: String = SAMPLES.lines().step_by(2).map(|l| format!("{l}\n")).collect();
    let (text, _) = run(&half, SAMPLES, OWN);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(lines(SAMPLES).is_superset(&lines(&text)) && text.lines().count() >= 28);
}

#[test]
fn t19_beads_from_elsewhere_are_marked_and_claim_nothing() {
    let claimed = line("a-1", 0, ",\"metadata\":{ \"k\" : 2.50,\"beadwork_claim\":\"x\"}");
    let odd = line("a-2", 0, ",\"metadata\":[1]");
    let (text, _) = run("", &format!("{claimed}{odd}{}", line("a-3", 0, "")), FOREIGN);
    let snapshot = Snapshot::read(text.clone().into_bytes());
    assert!(snapshot.beads.iter().all(Bead::is_imported), "{text}");
    assert!(text.contains("{ \"k\" : 2.50,\"beadwork_imported\":\"2026-03-01T12:00:00Z\"}"), "{text}");
    assert!(!text.contains("beadwork_claim"));
    let (again, report) = run(&text, &format!("{claimed}{odd}"), FOREIGN);
    assert_eq!((again, report.kept.len()), (text, 2));
}

#[test]
fn a_newer_line_adds_what_it_knows_and_drops_nothing() {
    let here = line("a-1", 1, ",\"priority\":2,\"labels\":[\"mine\"],\"x_mine\":7,\"description\":\"old\"");
    let newer = line("a-1", 2, ",\"priority\":0,\"labels\":[\"yours\"],\"description\":\"new\"");
    let (text, report) = run(&here, &newer, OWN);
    assert_eq!(report.changed.len(), 1);
    let bead: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&bead["priority"], &bead["x_mine"], &bead["description"]),
        (&0.into(), &7.into(), &"new".into())
    );
    assert_eq!(
        (&bead["labels"], &bead["updated_at"]),
        (&serde_json::json!(["mine", "yours"]), &"2026-02-01T00:02:00Z".into())
    );
    let (text, report) = run(&newer, &here, OWN);
    assert_eq!((text, report.kept.len()), (newer, 1));
}

#[test]
fn a_line_that_cannot_be_taken_stops_all_unless_asked_otherwise() {
    let here = line("t-busy", 0, ",\"status\":\"in_progress\",\"assignee\":\"ann\"")
        + &line("t-dead", 0, ",\"status\":\"tombstone\"")
        + &line("t-two", 0, "")
        + &line("t-two", 1, "")
        + "{\"id\":\"t-other\",\"title\":\"t\",\"created_at\":\"2025-01-01T00:00:00Z\",\"updated_at\":\"2025-01-01T00:00:00Z\"}\n";
    let edge = |from: &str, to: &str| {
        format!(
            ",\"dependencies\":[{{\"issue_id\":\"{from}\",\"depends_on_id\":\"{to}\",\"type\":\"blocks\"}}]"
        )
    };
    let incoming = [
        line("good", 0, &edge("good", "missing")),
        line("t-busy", 5, ""),
        line("t-dead", 5, ""),
        line("t-two", 5, ""),
        line("t-other", 5, ""),
        line("good", 1, ""),
        line("late", 0, ",\"priority\":9"),
        line("a b", 0, ""),
        line("kind", 0, ",\"issue_type\":\"a b\""),
        line("self", 0, &edge("self", "self")),
        line("edge", 0, &edge("else", "good")),
        line("c-1", 0, &edge("c-1", "c-2")),
        line("c-2", 0, &edge("c-2", "c-1")),
        line("c-3", 0, &edge("c-3", "c-1")),
        "{\"id\":\"title\",\"title\":\" \"}\n".to_owned(),
        "rubbish\n<<<<<<< HEAD\n".to_owned(),
        "{\"id\":\"torn".to_owned(),
    ]
    .concat();
    let (text, report) = run(&here, &incoming, OWN);
    assert_eq!((text, report.added.len(), report.changed.len()), (here.clone(), 0, 0));
    let told: Vec<usize> = report.refused.iter().map(|r| r.line).collect();
    assert_eq!(told, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18]);
    let why = |line: usize| report.refused.iter().find(|r| r.line == line).unwrap().why.clone();
    assert_eq!(why(2), "`t-busy` is in progress here, `ann` has it");
    assert_eq!(why(7), "priority: expected 0 (highest) to 4, found `9`");
    assert_eq!(why(12), "`c-1` would wait for itself in a circle");
    assert_eq!(report.warnings, ["`good` points at `missing`, which is in neither tracker"]);
    let (text, report) = run(&here, &incoming, Import { partly: Partly::Yes, ..OWN });
    assert_eq!(report.added, [BeadId::new("good"), BeadId::new("c-3")]);
    assert_eq!(text.lines().count(), 7);
    assert!(here.lines().all(|line| text.contains(line)));
}

#[test]
fn lines_get_the_form_and_the_keys_that_the_tracker_has() {
    let modern = "{\"_type\":\"issue\",\"id\":\"b-1\",\"title\":\"t\",\"created_at\":\"2026-01-01T00:00:00+01:00\",\"updated_at\":\"2026-01-01T00:00:00Z\",\"comments\":[{\"id\":\"01a1\",\"text\":\"x\"}],\"x\":1,\"comment_count\":1}\n";
    let (text, _) = run(&line("a-1", 0, ""), modern, OWN);
    assert_eq!(
        text.lines().nth(1).unwrap(),
        "{\"id\":\"b-1\",\"title\":\"t\",\"created_at\":\"2025-12-31T23:00:00Z\",\"updated_at\":\"2026-01-01T00:00:00Z\",\"comments\":[{\"id\":1,\"text\":\"x\"}],\"x\":1}"
    );
    let (text, _) = run(
        "",
        "{\"id\":\"c-1\",\"title\":\"t\",\"status\":\"closed\"}\n{\"id\":\"c-2\",\"title\":\"t\",\"closed_at\":\"2026-01-01T00:00:00Z\"}\n",
        OWN,
    );
    for bead in Snapshot::read(text.into_bytes()).beads {
        assert!(bead.created_at.is_some() && bead.updated_at.is_some());
        assert_eq!(bead.status == Status::Closed, bead.closed_at.is_some());
    }
}

proptest! {
    #[test]
    fn f36_any_bytes_are_one_import_or_none(
        tracker in proptest::collection::vec(any_line(), 0..6), incoming in proptest::collection::vec(any_line(), 0..6), partly in any::<bool>()
    ) {
        let (tracker, incoming) = (tracker.concat(), incoming.concat());
        let how = Import { partly: if partly { Partly::Yes } else { Partly::Never }, ..OWN };
        let (text, report) = run(&tracker, &incoming, how);
        prop_assert!(partly || report.refused.is_empty() || !report.written);
        let after = Snapshot::read(text.clone().into_bytes());
        for bead in Snapshot::read(tracker.clone().into_bytes()).beads {
            prop_assert!(after.get(&bead.id).is_some());
        }
        for id in &report.added {
            prop_assert!(after.get(id).is_some());
        }
        for line in tracker.lines().filter(|l| !report.changed.iter().any(|id| l.contains(id.as_str()))) {
            prop_assert!(text.contains(line));
        }
    }
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => ("[a-c]-[0-2]", 0..3_u8, "[a-z]{0,2}").prop_map(|(id, at, label)| line(&id, at, &format!(",\"labels\":[\"{label}\"]"))),
        1 => "[ -~]{0,8}\n",
        1 => Just("{\"id\":\"a-1\",\"title\":\"\"}\n".to_owned()),
    ]
}

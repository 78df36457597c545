use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::beads::Snapshot;

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn merged(base: impl AsRef<[u8]>, ours: impl AsRef<[u8]>, theirs: impl AsRef<[u8]>) -> Merged {
    let sides = Sides { base: base.as_ref(), ours: ours.as_ref(), theirs: theirs.as_ref() };
    merge(&sides, now())
}

/// A line with these members after the id, the birth and the title.
fn line(id: &str, minute: u8, members: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"title\":\"t\",\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-02-01T00:{minute:02}:00Z\"{members}}}\n"
    )
}

/// The merge of one bead: its value, and the notes.
fn one(base: &str, ours: (u8, &str), theirs: (u8, &str)) -> (Value, Vec<Note>) {
    let out = merged(line("a-1", 0, base), line("a-1", ours.0, ours.1), line("a-1", theirs.0, theirs.1));
    assert!(out.is_clean());
    let text = String::from_utf8(out.bytes).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    (serde_json::from_str(&text).unwrap(), out.notes)
}

#[test]
fn what_one_side_left_alone_is_the_others_byte_for_byte() {
    let odd = |x: &str| format!("{{ \"x_mine\" : 2.50, \"id\":\"a-1\",\"title\":\"{x}\" , \"y\":[1 ,2]}}\n");
    let (a, b, c) = (odd("one"), line("a-2", 0, ""), line("a-3", 0, ""));
    let base = format!("{a}{b}");
    let ours =
        format!("{a}{}", line("a-2", 5, ",\"status\":\"closed\",\"closed_at\":\"2026-02-01T00:05:00Z\""));
    let theirs = format!("{}{b}{c}", odd("two"));
    let out = merged(&base, &ours, &theirs);
    let expected = format!("{}{}{c}", odd("two"), ours.lines().nth(1).unwrap().to_owned() + "\n");
    assert_eq!(String::from_utf8(out.bytes).unwrap(), expected);
    assert!(out.notes.is_empty(), "{:?}", out.notes);
}

#[test]
fn both_sides_of_one_bead_are_joined_key_by_key() {
    let base = ",\"priority\":2,\"labels\":[\"a\",\"b\"],\"x_other\":1";
    let ours = ",\"priority\":1,\"labels\":[\"a\",\"b\",\"ours\"],\"x_other\":1";
    let theirs = ",\"priority\":2,\"labels\":[\"b\",\"theirs\"],\"x_other\":2,\"x_new\":{\"k\":1e3}";
    let (bead, notes) = one(base, (1, ours), (2, theirs));
    assert_eq!((&bead["priority"], &bead["x_other"]), (&1.into(), &2.into()));
    assert_eq!(bead["labels"], serde_json::json!(["b", "ours", "theirs"]));
    assert_eq!(bead["updated_at"], "2026-02-01T00:02:00Z");
    assert!(notes.is_empty());
    let text = merged(line("a-1", 0, base), line("a-1", 1, ours), line("a-1", 2, theirs)).bytes;
    assert!(
        String::from_utf8(text).unwrap().contains("\"x_new\":{\"k\":1e3}"),
        "numbers keep their spelling"
    );
}

#[test]
fn of_two_changes_the_later_stands_and_the_other_is_told() {
    let said = |keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        vec![Note::Overruled { id: BeadId::new("a-1"), keys }]
    };
    let ours = ",\"description\":\"ours\",\"assignee\":\"ann\"";
    let theirs = ",\"description\":\"theirs\",\"assignee\":\"bob\"";
    let (bead, notes) = one("", (1, ours), (2, theirs));
    assert_eq!((&bead["description"], &bead["assignee"]), (&"theirs".into(), &"bob".into()));
    assert_eq!(notes, said(&["assignee", "description"]));
    let (bead, _) = one("", (2, ours), (2, theirs));
    assert_eq!(bead["description"], "ours", "at the same moment ours stands");
}

#[test]
fn closed_wins_over_a_later_change_and_ends_the_claim() {
    let closed = ",\"status\":\"closed\",\"closed_at\":\"2026-02-01T00:01:00Z\",\"close_reason\":\"done\"";
    let claimed = ",\"status\":\"in_progress\",\"assignee\":\"bead/r1\",\"metadata\":{\"beadwork_claim\":\"x\",\"k\":1}";
    for (ours, theirs) in [((1, closed), (9, claimed)), ((9, claimed), (1, closed))] {
        let (bead, _) = one(",\"status\":\"open\"", ours, theirs);
        assert_eq!((&bead["status"], &bead["close_reason"]), (&"closed".into(), &"done".into()));
        assert_eq!(bead["closed_at"], "2026-02-01T00:01:00Z");
        assert_eq!((bead.get("assignee"), &bead["metadata"]), (None, &serde_json::json!({"k": 1})));
    }
}

#[test]
fn a_reopened_bead_has_no_closing_left() {
    let closed = ",\"status\":\"closed\",\"closed_at\":\"2026-02-01T00:00:00Z\",\"close_reason\":\"done\"";
    let relabelled = format!("{closed},\"labels\":[\"x\"]");
    let (bead, _) = one(closed, (1, ",\"status\":\"open\""), (2, &relabelled));
    assert_eq!(
        (&bead["status"], bead.get("closed_at"), bead.get("close_reason")),
        (&"open".into(), None, None)
    );
    assert_eq!(bead["labels"], serde_json::json!(["x"]));
}

#[test]
fn a_tombstone_wins_until_it_expires() {
    let dead = |at: &str| format!(",\"status\":\"tombstone\",\"deleted_at\":\"{at}\"");
    let live = ",\"status\":\"in_progress\"";
    let (bead, _) = one(",\"status\":\"open\"", (1, &dead("2026-02-27T00:00:00Z")), (9, live));
    assert_eq!(bead["status"], "tombstone");
    let (bead, _) = one(",\"status\":\"open\"", (9, &dead("2026-01-01T00:00:00Z")), (1, live));
    assert_eq!(bead["status"], "in_progress");
}

#[test]
fn edges_and_comments_are_joined_and_removals_stand() {
    let edge = |to: &str| format!("{{\"issue_id\":\"a-1\",\"depends_on_id\":\"{to}\",\"type\":\"blocks\"}}");
    let word = |id: u8, text: &str| format!("{{\"id\":{id},\"author\":\"ann\",\"text\":\"{text}\"}}");
    let with = |edges: &[&str], words: &[(u8, &str)]| {
        let edges: Vec<_> = edges.iter().map(|to| edge(to)).collect();
        let words: Vec<_> = words.iter().map(|(id, text)| word(*id, text)).collect();
        format!(",\"dependencies\":[{}],\"comments\":[{}]", edges.join(","), words.join(","))
    };
    let base = with(&["x", "y"], &[(3, "old")]);
    let ours = with(&["y", "ours"], &[(3, "old"), (4, "mine")]);
    let theirs = with(&["x", "y", "theirs"], &[(3, "old"), (4, "yours")]);
    let (bead, notes) = one(&base, (1, &ours), (2, &theirs));
    let to: Vec<_> =
        bead["dependencies"].as_array().unwrap().iter().map(|d| d["depends_on_id"].clone()).collect();
    assert_eq!(to, ["y", "ours", "theirs"]);
    let said: Vec<_> =
        bead["comments"].as_array().unwrap().iter().map(|c| (c["id"].clone(), c["text"].clone())).collect();
    assert_eq!(said, [(3.into(), "old".into()), (4.into(), "mine".into()), (5.into(), "yours".into())]);
    assert!(notes.is_empty());
}

#[test]
fn notes_are_put_one_below_the_other() {
    let (bead, _) = one(",\"notes\":\"a\"", (1, ",\"notes\":\"a, b\""), (2, ",\"notes\":\"a; c\""));
    assert_eq!(bead["notes"], "a, b\n\n---\n\na; c");
    let (bead, _) = one(",\"notes\":\"a\"", (1, ",\"notes\":\"a b\""), (2, ",\"notes\":\"a b c\""));
    assert_eq!(bead["notes"], "a b c");
}

#[test]
fn a_deleted_bead_that_was_changed_stays() {
    let (a, b) = (line("a-1", 0, ""), line("a-2", 0, ""));
    let changed = line("a-1", 3, ",\"priority\":0");
    let id = BeadId::new("a-1");
    let out = merged(format!("{a}{b}"), &b, format!("{changed}{b}"));
    assert_eq!(String::from_utf8(out.bytes).unwrap(), format!("{changed}{b}"));
    assert_eq!(out.notes, [Note::KeptChanged { id: id.clone(), deleted_by: Side::Ours }]);
    let out = merged(format!("{a}{b}"), format!("{changed}{b}"), &b);
    assert_eq!(out.notes, [Note::KeptChanged { id, deleted_by: Side::Theirs }]);
    let out = merged(format!("{a}{b}"), &b, format!("{a}{b}{}", line("a-3", 0, "")));
    assert_eq!(String::from_utf8(out.bytes).unwrap(), format!("{b}{}", line("a-3", 0, "")));
}

#[test]
fn two_beads_with_one_id_are_both_kept_and_a_person_chooses() {
    let make = |at: &str| {
        format!("{{\"id\":\"a-1\",\"title\":\"{at}\",\"created_at\":\"2026-01-0{at}T00:00:00Z\"}}\n")
    };
    let out = merged("", make("1"), make("2"));
    let text = String::from_utf8(out.bytes.clone()).unwrap();
    assert_eq!(text, format!("<<<<<<< ours\n{}=======\n{}>>>>>>> theirs\n", make("1"), make("2")));
    assert!(!out.is_clean());
    assert_eq!(out.notes, [Note::TwoBeads { id: BeadId::new("a-1") }]);
}

#[test]
fn f36_lines_that_cannot_be_read_are_kept() {
    let bead = line("a-1", 0, "");
    let base = format!("{bead}rubbish\n");
    let mut ours = format!("{bead}rubbish\n{{\"id\":7}}\n").into_bytes();
    ours.extend_from_slice(b"\xff\xfe\n{\"id\":\"a-9\",\"ti");
    let theirs = format!("{}rubbish\nother rubbish", line("a-1", 4, ",\"priority\":1"));
    let out = merged(&base, &ours, &theirs);
    let mut expected = format!("{}rubbish\n{{\"id\":7}}\n", line("a-1", 4, ",\"priority\":1")).into_bytes();
    expected.extend_from_slice(b"\xff\xfe\n{\"id\":\"a-9\",\"ti\nother rubbish\n");
    assert_eq!(String::from_utf8_lossy(&out.bytes), String::from_utf8_lossy(&expected));
    assert!(out.is_clean());
    assert_eq!(out.notes.len(), 6, "{:?}", out.notes);
}

#[test]
fn f36_repeated_ids_changed_on_both_sides_are_kept_for_a_person() {
    let (a, b) = (line("a-1", 1, ""), line("a-1", 2, ""));
    let base = format!("{a}{b}");
    let (ours, theirs) = (format!("{a}{}", line("a-1", 3, "")), format!("{b}{}", line("a-1", 4, "")));
    let out = merged(&base, &ours, &theirs);
    assert_eq!(
        String::from_utf8(out.bytes).unwrap(),
        format!("<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n")
    );
    let out = merged(&base, &base, &theirs);
    assert_eq!((out.bytes, out.notes.len()), (theirs.into_bytes(), 0));
}

#[test]
fn f36_a_side_in_conflict_is_not_merged_but_kept_whole() {
    let torn = format!("<<<<<<< HEAD\n{}=======\n>>>>>>> x\n", line("a-1", 1, ""));
    let out = merged("", &torn, line("a-2", 0, ""));
    assert_eq!(out.notes, [Note::Markers { side: Side::Ours, line: 1 }]);
    let text = String::from_utf8(out.bytes).unwrap();
    assert!(text.contains(&torn) && text.contains("\"a-2\""), "{text}");
}

#[test]
fn f36_ten_megabytes_in_a_line_are_merged() {
    let long = "y".repeat(10 << 20);
    let with = |minute, more: &str| line("a-1", minute, &format!(",\"x\":\"{long}\"{more}"));
    let out = merged(with(0, ""), with(1, ",\"priority\":1"), with(2, ",\"labels\":[\"l\"]"));
    let bead: Value = serde_json::from_slice(&out.bytes).unwrap();
    assert_eq!((&bead["priority"], &bead["labels"][0]), (&1.into(), &"l".into()));
    assert_eq!(bead["x"].as_str().unwrap().len(), 10 << 20);
}

#[test]
fn headers_and_memories_have_names() {
    let memory = |value: &str| format!("{{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"{value}\"}}\n");
    let header = "{\"_schema\":\"beads-jsonl/1\"}\n";
    let bead = line("a-1", 0, "");
    let out = merged(&bead, format!("{bead}{}", memory("1")), format!("{header}{bead}"));
    assert_eq!(String::from_utf8(out.bytes).unwrap(), format!("{header}{bead}{}", memory("1")));
    let out = merged(memory("0"), memory("1"), memory("2"));
    assert!(!out.is_clean() && out.notes[0].to_string().contains("the memory `k`"), "{:?}", out.notes);
}

/// What a writer may do to one of a handful of beads.
#[derive(Debug, Clone)]
enum Act {
    Title(usize, u8),
    Label(usize, u8),
    Comment(usize, u8),
    Close(usize),
    Unknown(usize, u8),
    Delete(usize),
    Create(u8),
    Rubbish(u8),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..5_usize, any::<u8>()).prop_map(|(at, n)| Act::Title(at, n)),
        (0..5_usize, any::<u8>()).prop_map(|(at, n)| Act::Label(at, n)),
        (0..5_usize, any::<u8>()).prop_map(|(at, n)| Act::Comment(at, n)),
        (0..5_usize).prop_map(Act::Close),
        (0..5_usize, any::<u8>()).prop_map(|(at, n)| Act::Unknown(at, n)),
        (0..5_usize).prop_map(Act::Delete),
        any::<u8>().prop_map(Act::Create),
        any::<u8>().prop_map(Act::Rubbish),
    ]
}

fn base() -> Vec<Value> {
    (0..5)
        .map(|at| serde_json::from_str(&line(&format!("b-{at}"), 0, ",\"status\":\"open\"")).unwrap())
        .collect()
}

/// Plays a script; `who` keeps what two writers add apart. Gives the file.
fn play(who: &str, minute: usize, acts: &[Act]) -> String {
    let mut beads = base();
    let mut more = String::new();
    for act in acts {
        let at = match act {
            Act::Title(at, _) | Act::Label(at, _) | Act::Comment(at, _) | Act::Unknown(at, _) => *at,
            Act::Close(at) | Act::Delete(at) => *at,
            Act::Create(n) => {
                more.push_str(&line(&format!("{who}-{n}"), 0, ""));
                continue;
            }
            Act::Rubbish(n) => {
                more.push_str(&format!("rubbish {who} {n}\n"));
                continue;
            }
        };
        let id = format!("b-{at}");
        let Some(bead) = beads.iter_mut().find(|b| b["id"] == id.as_str()) else { continue };
        let mut push = |key: &str, value: Value| {
            let list = bead.as_object_mut().unwrap().entry(key).or_insert(Value::Array(Vec::new()));
            if !list.as_array().unwrap().contains(&value) {
                list.as_array_mut().unwrap().push(value);
            }
        };
        match act {
            Act::Label(_, n) => push("labels", format!("{who}{n}").into()),
            Act::Comment(_, n) => {
                push("comments", serde_json::json!({"id": n, "author": who, "text": n.to_string()}))
            }
            Act::Title(_, n) => bead["title"] = format!("{who} {n}").into(),
            Act::Unknown(_, n) => bead[format!("x_{who}{n}")] = (*n).into(),
            Act::Close(_) => {
                bead["status"] = "closed".into();
                bead["closed_at"] = format!("2026-02-01T00:{minute:02}:00Z").into();
            }
            _ => {}
        }
        bead["updated_at"] = format!("2026-02-01T00:{minute:02}:00Z").into();
        if matches!(act, Act::Delete(_)) {
            beads.retain(|b| b["id"] != id.as_str());
        }
    }
    let mut seen = BTreeSet::new();
    let more: String = more.lines().filter(|l| seen.insert(*l)).map(|l| format!("{l}\n")).collect();
    beads.iter().map(|b| format!("{b}\n")).collect::<String>() + &more
}

/// Everything a writer added to what stands: (bead, what).
fn additions(text: &str) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    for bead in Snapshot::read(text.as_bytes().to_vec()).beads {
        let id = bead.id.to_string();
        out.extend(bead.labels.iter().map(|l| (id.clone(), format!("label {l}"))));
        out.extend(bead.comments.iter().map(|c| (id.clone(), format!("comment {} {}", c.author, c.text))));
        out.insert((id, "here".to_owned()));
    }
    for line in text.lines() {
        if let Ok(Value::Object(map)) = serde_json::from_str(line) {
            let id = map["id"].as_str().unwrap_or_default().to_owned();
            out.extend(map.keys().filter(|k| k.starts_with("x_")).map(|k| (id.clone(), k.clone())));
        } else {
            out.insert((String::new(), line.to_owned()));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn f37_two_writers_lose_nothing_whatever_they_do(
        ours in proptest::collection::vec(any_act(), 0..12),
        theirs in proptest::collection::vec(any_act(), 0..12),
        later in 1..3_usize,
    ) {
        let base: String = base().iter().map(|b| format!("{b}\n")).collect();
        let (ours, theirs) = (play("ours", 2, &ours), play("theirs", later, &theirs));
        let out = merged(&base, &ours, &theirs);
        prop_assert!(out.is_clean(), "{:?}", out.notes);
        let text = String::from_utf8(out.bytes).unwrap();
        let (has, a, b) = (additions(&text), additions(&ours), additions(&theirs));
        let in_base = additions(&base);
        for (bead, what) in a.union(&b) {
            let deleted = what == "here" && in_base.contains(&(bead.clone(), what.clone()))
                && !(a.contains(&(bead.clone(), what.clone())) && b.contains(&(bead.clone(), what.clone())));
            prop_assert!(deleted || has.contains(&(bead.clone(), what.clone())), "{bead} {what} of\n{ours}\n{theirs}\nis not in\n{text}");
        }
        let snapshot = Snapshot::read(text.clone().into_bytes());
        let twice = snapshot.problems.iter().any(|p| matches!(p.what, Flaw::Duplicate { .. }));
        prop_assert!(!twice, "{text}");
        for bead in &snapshot.beads {
            prop_assert_eq!(bead.status == crate::domain::bead::Status::Closed, bead.closed_at.is_some());
        }
        // Every line of the result that no side has was made by joining two changed ones.
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let (of_ours, of_theirs, of_base) = (lines(&ours), lines(&theirs), lines(&base));
        for bead in &snapshot.beads {
            let own = |text: &str| text.lines().find(|l| l.contains(&format!("\"{}\"", bead.id))).map(str::to_owned);
            if let (Some(line), Some(old)) = (own(&text), own(&base)) {
                let untouched = of_ours.contains(&old) || of_theirs.contains(&old);
                prop_assert!(!untouched || of_ours.contains(&line) || of_theirs.contains(&line) || of_base.contains(&line));
            }
        }
        // The other way round decides the same beads.
        let back = merged(&base, &theirs, &ours);
        let ids = |bytes: Vec<u8>| Snapshot::read(bytes).beads.into_iter().map(|b| (b.id, b.status)).collect::<Vec<_>>();
        let (mut one, mut other) = (ids(text.into_bytes()), ids(back.bytes));
        one.sort_by(|a, b| a.0.cmp(&b.0));
        other.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn f36_any_bytes_are_merged_without_a_panic_and_each_line_is_somewhere(
        base in any_file(), ours in any_file(), theirs in any_file(),
    ) {
        let out = merged(&base, &ours, &theirs);
        let lines = |bytes: &[u8]| bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<BTreeSet<_>>();
        let (of_base, of_out) = (lines(&base), lines(&out.bytes));
        // A line that only one side has, and that is no bead, is kept.
        for side in [&ours, &theirs] {
            for line in lines(side).difference(&of_base) {
                let is_bead = line.starts_with(b"{");
                prop_assert!(is_bead || line.is_empty() || of_out.contains(line), "{:?} {:?}", String::from_utf8_lossy(line), String::from_utf8_lossy(&out.bytes));
            }
        }
        prop_assert_eq!(&merged(&ours, &ours, &theirs).bytes, &theirs);
        prop_assert_eq!(&merged(&theirs, &ours, &theirs).bytes, &ours);
        prop_assert_eq!(&merged(&base, &ours, &ours).bytes, &ours);
    }
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        ("[a-c]-[0-2]", 0..3_u8, "[a-z]{0,2}").prop_map(|(id, at, label)| line(&id, at, &format!(",\"labels\":[\"{label}\"]")).trim_end().as_bytes().to_vec()),
        Just(b"<<<<<<< HEAD".to_vec()),
        Just(b"{\"_schema\":\"x\"}".to_vec()),
        Just(b"{\"id\":\"a-1\",\"title\":\"t\",\"metadata\":[1],\"comments\":{},\"labels\":null,\"dependencies\":7}".to_vec()),
        "[ -~]{0,8}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    (proptest::collection::vec(line, 0..6), any::<bool>()).prop_map(|(lines, ends)| {
        let mut all = lines.join(&b'\n');
        if ends {
            all.push(b'\n');
        }
        all
    })
}

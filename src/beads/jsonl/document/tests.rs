use proptest::prelude::*;

use super::*;

fn bead(id: &str) -> String {
    format!("{{\"id\":\"{id}\",\"title\":\"t\"}}")
}

fn read(text: impl AsRef<[u8]>) -> Document {
    Document::read(text.as_ref().to_vec())
}

fn ids(doc: &Document) -> Vec<&str> {
    doc.beads.iter().map(|b| b.id.as_str()).collect()
}

fn inserted(text: &str, id: &str) -> String {
    let doc = read(text);
    let mut draft = Draft::new(&doc);
    draft.insert(&BeadId::new(id), bead(id));
    String::from_utf8(draft.render()).unwrap()
}

#[test]
fn f36_good_lines_load_and_bad_ones_are_reported_and_kept() {
    let mut bytes =
        format!("{}\n<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> topic\n", bead("a-1"), bead("a-2"), bead("a-2"));
    bytes.push_str("{\"id\":7}\n\n{\"_schema\":\"beads-jsonl/1\"}\n{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"v\"}\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(b"{\"id\":\"a-3\",\"x\":\"\xff\"}\n");
    bytes.extend_from_slice(format!("{}\n{{\"id\":\"a-5\",\"ti", bead("a-4")).as_bytes());
    let doc = read(&bytes);
    assert_eq!(ids(&doc), ["a-1", "a-2", "a-4"]);
    let flaws: Vec<(usize, &Flaw)> = doc.problems.iter().map(|p| (p.line, &p.what)).collect();
    let twin = Flaw::Duplicate { id: BeadId::new("a-2"), first: 3 };
    assert_eq!(flaws[..4], [(2, &Flaw::Conflict), (4, &Flaw::Conflict), (5, &twin), (6, &Flaw::Conflict)]);
    assert!(matches!(flaws[4], (7, Flaw::NotABead { .. })));
    assert_eq!(flaws[5..], [(11, &Flaw::NotUtf8), (13, &Flaw::Torn)]);
    assert_eq!(Draft::new(&doc).render(), bytes, "what nobody changes is the same bytes");
}

#[test]
fn f36_a_new_line_goes_neither_into_a_conflict_nor_onto_a_torn_line() {
    let torn = format!("{}\n{{\"id\":\"a-9\"", bead("a-1"));
    assert_eq!(inserted(&torn, "a-5"), format!("{torn}\n{}\n", bead("a-5")));
    assert_eq!(inserted(&torn, "a-0"), format!("{}\n{torn}", bead("a-0")));
    let conflict = format!("{}\n<<<<<<< a\n{}\n=======\n>>>>>>> b\n", bead("a-1"), bead("a-9"));
    assert_eq!(inserted(&conflict, "a-5"), format!("{conflict}{}\n", bead("a-5")));
}

#[test]
fn new_lines_are_sorted_where_the_file_is() {
    let (a, b, c) = (bead("a-1"), bead("a-3"), bead("a-5"));
    assert_eq!(inserted(&format!("{a}\n{b}\n"), "a-5"), format!("{a}\n{b}\n{c}\n"));
    assert_eq!(inserted(&format!("{a}\n{c}"), "a-3"), format!("{a}\n{b}\n{c}\n"));
    assert_eq!(inserted(&format!("{b}\n{c}\n"), "a-1"), format!("{a}\n{b}\n{c}\n"));
    assert_eq!(inserted(&format!("{c}\n{a}\n"), "a-3"), format!("{c}\n{a}\n{b}\n"));
    assert_eq!(inserted("", "a-1"), format!("{a}\n"));
    assert_eq!(
        inserted(&format!("{{\"_schema\":\"x\"}}\n{b}\n"), "a-1"),
        format!("{{\"_schema\":\"x\"}}\n{a}\n{b}\n")
    );
}

#[test]
fn f36_a_line_of_ten_megabytes_is_a_bead() {
    let long = format!("{{\"id\":\"a-1\",\"title\":\"t\",\"x\":\"{}\"}}\n", "y".repeat(10 << 20));
    assert_eq!(ids(&read(&long)), ["a-1"]);
}

#[test]
fn reading_is_as_lenient_as_gos() {
    let text = "{\"id\":\"a-1\",\"title\":\"x\",\"title\":\"y\",\"labels\":null,\"assignee\":\"\",\"issue_type\":\"\"}";
    let doc = read(text);
    assert_eq!((doc.beads[0].title.as_str(), doc.beads[0].issue_type.as_str()), ("y", "task"));
    assert_eq!(doc.beads[0].assignee, None);
    assert_eq!(read("\u{feff}{\"id\":\"a-1\",\"title\":\"t\"}\r\n").beads.len(), 1);
    let deep = format!(
        "{{\"id\":\"a-1\",\"title\":\"t\",\"metadata\":{}{}}}\n",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(read(deep).problems.len(), 1);
}

#[test]
fn of_two_lines_with_one_id_none_is_changed() {
    let doc = read(format!("{}\n{}\n", bead("a-1"), bead("a-1")));
    assert!(
        matches!(doc.find(&BeadId::new("a-1")), Err(TrackerError::Ambiguous { lines, .. }) if lines == [1, 2])
    );
}

#[test]
fn unknown_ids_are_never_matched_in_part() {
    let doc = read(format!("{}\n{}\n", bead("orc-q7k"), bead("orc-zzz")));
    let Err(TrackerError::UnknownId { nearest, .. }) = doc.find(&BeadId::new("orc-7k")) else { panic!() };
    assert_eq!(nearest, ["orc-q7k"]);
    let Err(TrackerError::UnknownId { nearest, .. }) = doc.find(&BeadId::new("zzz")) else { panic!() };
    assert_eq!(nearest, ["orc-zzz"]);
    let Err(TrackerError::UnknownId { nearest, .. }) = doc.find(&BeadId::new("bd-1")) else { panic!() };
    assert!(nearest.is_empty());
}

proptest! {
    #[test]
    fn f36_any_bytes_are_read_and_kept(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Draft::new(&read(&bytes)).render(), bytes);
    }

    #[test]
    fn f36_any_mix_of_lines_keeps_all_of_them(
        lines in proptest::collection::vec(
            prop_oneof![
                "[a-c]-[0-9]".prop_map(|id| bead(&id)),
                Just("<<<<<<< HEAD".to_owned()),
                Just(">>>>>>> x".to_owned()),
                Just(String::new()),
                "[ -~é]{0,20}",
            ],
            0..12,
        ),
        ends in any::<bool>(),
    ) {
        let text = lines.join("\n") + if ends { "\n" } else { "" };
        let after = inserted(&text, "b-x");
        let mut kept: Vec<&str> = after.lines().collect();
        let at = kept.iter().position(|l| *l == bead("b-x")).unwrap();
        kept.remove(at);
        let before: Vec<&str> = text.lines().collect();
        prop_assert!(kept.starts_with(&before), "{:?} {:?}", before, kept);
        prop_assert!(kept[before.len()..].iter().all(|l| l.is_empty()));
        prop_assert!(after.len() > text.len());
    }
}

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::domain::agent_event::TurnEnd;

const CANARY: &str = "canary-9f8e7d6c5b4a39281706";
const PLENTY: u64 = 1 << 30;

fn redactor() -> Redactor {
    Redactor::new([CANARY])
}

fn place(dir: &Path) -> LogPlace {
    LogPlace::new(&dir.join("logs/p/b"), "20261121T142000Z", RunKind::Work).unwrap()
}

fn whole(text: &str) -> Line {
    Line::Whole(text.as_bytes().to_vec())
}

/// Stands for a parser: every line is a text.
fn parse(line: &Line) -> Vec<AgentEvent> {
    match line {
        Line::Whole(bytes) => {
            vec![AgentEvent::Text { text: String::from_utf8_lossy(bytes).into_owned(), nested: false }]
        }
        Line::TooLong { .. } | Line::Torn { .. } => Vec::new(),
    }
}

fn feed(log: &mut RunLog, bytes: &[u8]) -> Vec<Line> {
    let taken = log.stdout(bytes).unwrap();
    assert_eq!(taken.room, Room::Left);
    tell(log, &taken.lines);
    taken.lines
}

fn tell(log: &mut RunLog, lines: &[Line]) {
    for event in lines.iter().flat_map(parse) {
        log.tell(&event).unwrap();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn three_private_files_in_a_private_directory() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path());
    let mut log = RunLog::create(place.clone(), &redactor(), PLENTY).unwrap();
    assert_eq!(feed(&mut log, b"one\ntwo\nthr"), [whole("one"), whole("two")]);
    assert_eq!(log.stderr(b"warning\nfatal: \x1b[31mno\x1b[0m\n\n").unwrap(), Room::Left);
    let rest = log.finish().unwrap();
    assert_eq!(rest.lines, [Line::Torn { bytes: 3 }]);
    assert_eq!(rest.complaint.as_deref(), Some("fatal: no"));
    log.close().unwrap();
    assert!(place.page().ends_with("logs/p/b/20261121T142000Z-work.log"));
    assert_eq!(
        (read(&place.stdout()), read(&place.page())),
        ("one\ntwo\nthr".into(), "» one\n» two\n".into())
    );
    for path in [place.page(), place.stdout(), place.stderr()] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    for parent in place.page().ancestors().skip(1).take(3) {
        assert_eq!(parent.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", parent.display());
    }
    assert!(
        matches!(RunLog::create(place, &redactor(), PLENTY), Err(LogError::Io { .. })),
        "never overwritten"
    );
}

#[test]
fn t51_a_stamp_is_a_plain_name() {
    for bad in ["", "..", "../x", "a/b", ".hidden", "a b", "a\n"] {
        assert!(
            matches!(LogPlace::new(Path::new("/x"), bad, RunKind::Gate), Err(LogError::BadName(_))),
            "{bad:?}"
        );
    }
}

#[test]
fn t37_no_file_of_a_log_holds_the_canary() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path());
    let mut log = RunLog::create(place.clone(), &redactor(), PLENTY).unwrap();
    let line = format!("{{\"t\":\"key {CANARY}\"}}\n");
    for byte in line.as_bytes() {
        feed(&mut log, &[*byte]);
        let _ = log.stderr(&[*byte]).unwrap();
    }
    // A parser may decode what stood escaped in the raw line.
    log.tell(&AgentEvent::Text { text: format!("decoded {CANARY}"), nested: false }).unwrap();
    log.note(CANARY).unwrap();
    log.finish().unwrap();
    log.close().unwrap();
    for path in [place.page(), place.stdout(), place.stderr()] {
        assert!(!read(&path).contains(CANARY), "{}", path.display());
    }
    assert_eq!(read(&place.stdout()).len(), line.len());
}

#[test]
fn t34_the_page_holds_nothing_that_a_terminal_acts_upon() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path());
    let mut log = RunLog::create(place.clone(), &redactor(), PLENTY).unwrap();
    log.tell(&AgentEvent::Text { text: "a\u{1b}]52;c;eA==\u{7}b\r\u{202e}c".into(), nested: true }).unwrap();
    assert_eq!(read(&place.page()), "  » ab\nc\n");
}

#[test]
fn t44_a_flood_is_cut_at_the_cap_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path());
    let mut log = RunLog::create(place.clone(), &redactor(), 10).unwrap();
    assert_eq!(log.stderr(b"123\n").unwrap(), Room::Left);
    assert_eq!(
        log.stdout(b"ab\ncd\n").unwrap(),
        Taken { lines: vec![whole("ab"), whole("cd")], room: Room::Left }
    );
    assert_eq!(log.stdout(b"").unwrap().room, Room::Left);
    assert_eq!(log.stdout(b"y\n").unwrap(), Taken { lines: vec![], room: Room::Flood });
    assert_eq!(log.stderr(b"y").unwrap(), Room::Flood);
    assert_eq!((log.stored(), log.dropped()), (Stored { stdout: 6, stderr: 4 }, 3));
    for _ in 0..1000 {
        log.note("twelve bytes").unwrap();
    }
    assert_eq!(read(&place.page()), "? this page is full, the raw log goes on\n");
    log.finish().unwrap();
    assert_eq!(read(&place.stdout()), "ab\ncd\n");
}

#[test]
fn a_log_is_taken_up_again_at_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("first\n{{\"k\":\"{CANARY}\"}}\r\nlast {CANARY}\n");
    let expected_page = format!("» first\n» {{\"k\":\"{0}\"}}\n» last {0}\n", "*".repeat(CANARY.len()));
    for cut in 0..=text.len() {
        let place = LogPlace::new(&dir.path().join(cut.to_string()), "s", RunKind::Work).unwrap();
        let mut log = RunLog::create(place.clone(), &redactor(), PLENTY).unwrap();
        let mut lines = feed(&mut log, &text.as_bytes()[..cut]);
        let _ = log.stderr(&text.as_bytes()[..cut]).unwrap();
        // A kill: what the redactor held back is gone with the process.
        drop(log);

        let mut again = Vec::new();
        let mut log =
            RunLog::reopen(place.clone(), &redactor(), PLENTY, Stored::default(), &mut |line, _| {
                again.push(line.clone());
                parse(line)
            })
            .unwrap();
        assert_eq!(again, lines, "cut at {cut}");
        let stored = log.stored();
        let (out, err) = (usize::try_from(stored.stdout).unwrap(), usize::try_from(stored.stderr).unwrap());
        assert!(out <= cut && err <= cut);
        lines.extend(feed(&mut log, &text.as_bytes()[out..]));
        let _ = log.stderr(&text.as_bytes()[err..]).unwrap();
        assert_eq!(log.finish().unwrap().lines, []);
        log.close().unwrap();
        assert_eq!(lines.len(), 3, "cut at {cut}");
        assert_eq!(read(&place.page()), expected_page, "cut at {cut}");
        for path in [place.stdout(), place.stderr()] {
            assert_eq!(read(&path), text.replace(CANARY, &"*".repeat(CANARY.len())), "cut at {cut}");
        }
    }
}

#[test]
fn a_second_container_of_a_run_counts_its_own_bytes_and_ends_the_torn_line_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path());
    let mut log = RunLog::create(place.clone(), &Redactor::new(Vec::<Vec<u8>>::new()), PLENTY).unwrap();
    let _ = log.stdout(b"{\"a\":1}\n{\"torn").unwrap();
    let _ = log.finish().unwrap();
    drop(log);
    let unknown = Stored { stdout: u64::MAX, stderr: u64::MAX };
    let mut parts = Vec::new();
    let reopen = |began, parts: &mut Vec<Part>| {
        RunLog::reopen(place.clone(), &Redactor::new(Vec::<Vec<u8>>::new()), PLENTY, began, &mut |_, part| {
            parts.push(part);
            Vec::new()
        })
        .unwrap()
    };
    let mut log = reopen(unknown, &mut parts);
    let began = log.begin().unwrap();
    assert_eq!((log.stored(), began.stdout), (Stored::default(), 15), "the torn line got its end");
    let taken = log.stdout(b"{\"b\":2}\n").unwrap();
    assert_eq!(taken.lines.len(), 1);
    let _ = log.finish().unwrap();
    drop(log);
    parts.clear();
    let log = reopen(began, &mut parts);
    assert_eq!(log.stored().stdout, 8);
    assert_eq!(parts, [Part::Earlier, Part::Earlier, Part::Current]);
}

#[test]
fn a_broken_connection_is_taken_up_again_in_the_same_process() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path());
    let text = format!("one {CANARY}\ntwo\n");
    let mut log = RunLog::create(place.clone(), &redactor(), PLENTY).unwrap();
    let mut lines = Vec::new();
    for cut in 0..text.len() {
        let from = usize::try_from(log.resume().stdout).unwrap();
        lines.extend(feed(&mut log, &text.as_bytes()[from..from.max(cut)]));
    }
    let from = usize::try_from(log.resume().stdout).unwrap();
    lines.extend(feed(&mut log, &text.as_bytes()[from..]));
    assert_eq!(lines.len(), 2);
    assert_eq!(read(&place.stdout()), text.replace(CANARY, &"*".repeat(CANARY.len())));
}

#[test]
fn a_log_that_is_not_there_cannot_be_reopened() {
    let dir = tempfile::tempdir().unwrap();
    let error =
        RunLog::reopen(place(dir.path()), &redactor(), PLENTY, Stored::default(), &mut |l, _| parse(l))
            .unwrap_err();
    assert!(error.to_string().contains("-work.jsonl`"), "{error}");
}

#[test]
fn events_read_well() {
    let text = |words: &str| AgentEvent::Text { text: words.into(), nested: false };
    let call = |name: &str, input: &str, nested| AgentEvent::ToolCall {
        id: "t".into(),
        name: name.into(),
        input: input.into(),
        nested,
        change: if name == "Edit" { vec!["- a".into(), "+ b".into()] } else { Vec::new() },
    };
    let back = |ok, text: &str| AgentEvent::ToolReturn { id: "t".into(), ok, text: text.into() };
    let end = TurnEnd { turns: 3, duration_ms: 4200, ..TurnEnd::default() };
    for (event, expected) in [
        (text("I look.\n\nThen I act.\n"), "» I look.\n\u{20}\u{20}\n  Then I act."),
        (call("Bash", "cargo test", false), "$ cargo test"),
        (call("Edit", "/work/a.rs", true), "  > Edit /work/a.rs\n    - a\n    + b"),
        (back(true, ""), "  ok"),
        (back(true, "\nhello\nworld"), "  ok: hello (+2 lines)"),
        (back(false, "Exit code 3"), "  failed: Exit code 3"),
        (AgentEvent::TurnEnd(Box::new(end)), "= turn ended (3 model calls, 4 s)"),
        (AgentEvent::Torn { line: 9, bytes: 5 }, "? the output ends inside line 9, after 5 bytes"),
    ] {
        assert_eq!(render(&event).unwrap(), expected);
    }
    assert_eq!(render(&text(" \n")), None);
    assert_eq!(render(&AgentEvent::Activity { what: "x".into() }), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_log_is_killed_and_reopened_any_number_of_times(
        pieces in proptest::collection::vec(
            prop_oneof![Just(CANARY.to_owned()), Just("\n".to_owned()), Just("canary-9f8".to_owned()), "[a-z]{0,6}"],
            0..20,
        ),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let text = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let mut log = RunLog::create(place.clone(), &redactor(), PLENTY).unwrap();
        for cut in cuts {
            let from = usize::try_from(log.stored().stdout).unwrap();
            feed(&mut log, &text.as_bytes()[from..from.max(cut)]);
            drop(log);
            log = RunLog::reopen(place.clone(), &redactor(), PLENTY, Stored::default(), &mut |l, _| parse(l)).unwrap();
        }
        let from = usize::try_from(log.stored().stdout).unwrap();
        feed(&mut log, &text.as_bytes()[from..]);
        let rest = log.finish().unwrap();
        tell(&mut log, &rest.lines);
        log.close().unwrap();
        prop_assert_eq!(read(&place.stdout()), text.replace(CANARY, &"*".repeat(CANARY.len())));
        let page: String = read(&place.page());
        let full = text.rsplit_once('\n').map_or("", |(full, _)| full);
        let lines = full.lines().filter(|line| !line.trim().is_empty()).count();
        prop_assert_eq!(page.lines().count(), lines);
    }
}

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use proptest::prelude::*;

use super::*;
use crate::beads::{Flaw, PARKED};
use crate::clock::{Manual, RandomIds, Seeded, SystemClock};
use crate::domain::bead::Status;

const SAMPLES: &str = include_str!("../../../tests/fixtures/beads/samples.jsonl");

/// A tracker over a file in memory-backed storage where there is one: thousands of fsyncs are not the subject.
struct Fixture {
    dir: tempfile::TempDir,
}

impl Fixture {
    fn with(text: &str) -> Self {
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        std::fs::create_dir(dir.path().join(".beads")).unwrap();
        std::fs::write(dir.path().join(".beads/issues.jsonl"), text).unwrap();
        std::fs::write(dir.path().join(".beads/config.yaml"), "issue-prefix: orc\n").unwrap();
        Self { dir }
    }

    fn tracker(&self) -> JsonlTracker {
        let clock = Manual::at("2026-03-01T12:00:00.5Z".parse().unwrap());
        self.tracker_with(Arc::new(clock), Arc::new(Seeded::new(1)))
    }

    fn tracker_with(&self, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> JsonlTracker {
        JsonlTracker::new(self.dir.path(), self.dir.path().join(".beads/issues.jsonl"), clock, ids)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.dir.path().join(".beads/issues.jsonl")).unwrap()
    }

    fn line(&self, id: &str) -> String {
        let start = format!("{{\"id\":\"{id}\",");
        self.text().lines().find(|l| l.starts_with(&start)).unwrap().to_owned()
    }

    /// Lines that differ from the samples.
    fn changed(&self) -> Vec<String> {
        let old: BTreeSet<&str> = SAMPLES.lines().collect();
        self.text().lines().filter(|l| !old.contains(l)).map(str::to_owned).collect()
    }
}

fn id(text: &str) -> BeadId {
    BeadId::new(text)
}

fn claim(run: &str) -> Claim {
    Claim { token: format!("token-{run}"), actor: format!("bead/{run}") }
}

fn new(title: &str) -> NewBead {
    NewBead {
        title: title.to_owned(),
        description: String::new(),
        priority: 2,
        issue_type: "task".to_owned(),
        labels: Vec::new(),
        edges: Vec::new(),
        blocks: Vec::new(),
        actor: "maria".to_owned(),
    }
}

#[tokio::test]
async fn a_claim_and_its_release_change_one_line_and_leave_little() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let (bead, mine) = (id("orc-u0e"), claim("r1"));
    let before = fixture.line("orc-u0e");
    let claimed = tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
    assert_eq!((claimed.status, claimed.assignee.as_deref()), (Status::InProgress, Some("bead/r1")));
    let expected = before
        .replace(r#""status":"open""#, r#""status":"in_progress""#)
        .replace(r#""issue_type":"bug""#, r#""issue_type":"bug","assignee":"bead/r1""#)
        .replace(
            r#""updated_at":"2026-02-28T22:15:07.000042+09:00""#,
            r#""updated_at":"2026-03-01T12:00:00.5Z","started_at":"2026-03-01T12:00:00.5Z""#,
        )
        .replace(r#""attempt":2}"#, r#""attempt":2,"beadwork_claim":"token-r1"}"#);
    assert_eq!(fixture.changed(), [expected]);
    assert!(tracker.holds(&bead, &mine).await.unwrap());
    assert!(!tracker.holds(&bead, &claim("r2")).await.unwrap());

    tracker.release(&bead, &mine, &Release::Open).await.unwrap();
    let expected = before.replace(
        r#""updated_at":"2026-02-28T22:15:07.000042+09:00""#,
        r#""updated_at":"2026-03-01T12:00:00.500000001Z","started_at":"2026-03-01T12:00:00.5Z""#,
    );
    assert_eq!(fixture.changed(), [expected]);
    assert_eq!(fixture.text().lines().count(), SAMPLES.lines().count());
}

#[tokio::test]
async fn metadata_that_held_only_our_token_goes_with_it() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    tracker.claim(&id("orc-p2d"), &claim("r1"), ClaimFrom::Open).await.unwrap();
    assert!(fixture.line("orc-p2d").contains(r#""metadata":{"beadwork_claim":"token-r1"}"#));
    tracker.release(&id("orc-p2d"), &claim("r1"), &Release::Open).await.unwrap();
    assert!(!fixture.line("orc-p2d").contains("metadata"));
}

#[tokio::test]
async fn a_claim_is_refused_with_the_reason() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let take =
        async |bead: &str, from| tracker.claim(&id(bead), &claim("r1"), from).await.unwrap_err().to_string();
    for from in [ClaimFrom::Open, ClaimFrom::AnyLive] {
        assert_eq!(take("orc-m8q", from).await, "`orc-m8q` is claimed by `agent-7`");
        assert_eq!(
            take("orc-k3v.1", from).await,
            "`orc-k3v.1` is already closed since 2026-02-22T16:00:00.123456789Z: Implemented and merged in change 41"
        );
        assert_eq!(take("orc-g1t", from).await, "`orc-g1t` was deleted: the tracker keeps a tombstone of it");
        assert!(
            take("orc-k3v.9", from)
                .await
                .starts_with("unknown bead `orc-k3v.9`; did you mean one of `orc-k3v")
        );
    }
    assert_eq!(take("orc-s7c", ClaimFrom::Open).await, "`orc-s7c` cannot be claimed: its status is blocked");
    assert_eq!(fixture.text(), SAMPLES);
    tracker.claim(&id("orc-s7c"), &claim("r1"), ClaimFrom::AnyLive).await.unwrap();
}

#[tokio::test]
async fn repeating_a_claim_or_a_release_after_a_crash_writes_nothing() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let releases = [
        ("orc-p2d", Release::Open),
        ("orc-t5w", Release::Parked { comment: "Which one?".to_owned() }),
        ("orc-y3u", Release::Closed { reason: "landed as 1234".to_owned() }),
    ];
    for (bead, into) in releases {
        let (bead, mine) = (id(bead), claim("r1"));
        tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        let text = fixture.text();
        tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        assert_eq!(fixture.text(), text);
        let other = tracker.release(&bead, &claim("r2"), &into).await;
        assert!(matches!(other, Err(TrackerError::ClaimLost { by, .. }) if by == "bead/r1"));
        tracker.release(&bead, &mine, &into).await.unwrap();
        let text = fixture.text();
        tracker.release(&bead, &mine, &into).await.unwrap();
        assert_eq!(fixture.text(), text);
        assert!(!fixture.line(bead.as_str()).contains("beadwork_claim"));
        assert!(!fixture.line(bead.as_str()).contains("assignee"));
    }
}

#[tokio::test]
async fn a_claim_holds_without_its_metadata_but_not_with_another_token() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    tracker.claim(&id("orc-p2d"), &claim("r1"), ClaimFrom::Open).await.unwrap();
    let file = fixture.dir.path().join(".beads/issues.jsonl");
    let claimed = fixture.text();
    std::fs::write(&file, claimed.replace(r#""metadata":{"beadwork_claim":"token-r1"},"#, "")).unwrap();
    assert!(tracker.holds(&id("orc-p2d"), &claim("r1")).await.unwrap());
    std::fs::write(&file, claimed.replace("token-r1", "other")).unwrap();
    assert!(!tracker.holds(&id("orc-p2d"), &claim("r1")).await.unwrap());
}

#[tokio::test]
async fn landed_work_closes_a_bead_whose_claim_the_file_lost() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    tracker.claim(&id("orc-p2d"), &claim("r1"), ClaimFrom::Open).await.unwrap();
    std::fs::write(fixture.dir.path().join(".beads/issues.jsonl"), SAMPLES).unwrap();
    let parked =
        tracker.release(&id("orc-p2d"), &claim("r1"), &Release::Parked { comment: "q".to_owned() }).await;
    assert!(matches!(parked, Err(TrackerError::NotHeld { .. })));
    let closed = Release::Closed { reason: "landed".to_owned() };
    let bead = tracker.release(&id("orc-p2d"), &claim("r1"), &closed).await.unwrap();
    assert_eq!((bead.status, bead.close_reason.as_deref()), (Status::Closed, Some("landed")));
    assert!(bead.closed_at.is_some() && bead.closed_at == bead.updated_at);
}

#[tokio::test]
async fn close_and_reopen_keep_closed_at_with_the_status() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    tracker.claim(&id("orc-e3x"), &claim("r1"), ClaimFrom::Open).await.unwrap();
    let closed = tracker.close(&id("orc-e3x"), "", "maria").await.unwrap();
    assert_eq!((closed.close_reason.as_deref(), closed.assignee), (Some("Closed"), None));
    assert_eq!(closed.metadata, None);
    let again = tracker.close(&id("orc-e3x"), "x", "maria").await.unwrap_err();
    assert!(
        again.to_string().starts_with("`orc-e3x` is already closed since 2026-03-01T12:00:00.5"),
        "{again}"
    );
    assert!(again.is_refusal());
    let open = tracker.reopen(&id("orc-e3x"), "maria").await.unwrap();
    assert_eq!((open.status, open.closed_at, open.close_reason), (Status::Open, None, None));
    assert!(matches!(tracker.reopen(&id("orc-e3x"), "maria").await, Err(TrackerError::NotClosed { .. })));
    let edit = Edit { status: Some(Status::Closed), ..Edit::default() };
    assert!(tracker.update(&id("orc-e3x"), &edit, "maria").await.is_err());
}

#[tokio::test]
async fn reopening_takes_a_bead_back_from_whoever_has_it() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let mine = claim("r1");
    tracker.claim(&id("orc-p2d"), &mine, ClaimFrom::Open).await.unwrap();
    let open = tracker.reopen(&id("orc-p2d"), "maria").await.unwrap();
    assert_eq!((open.status, open.assignee, open.metadata), (Status::Open, None, None));
    assert!(!tracker.holds(&id("orc-p2d"), &mine).await.unwrap());
    let error = tracker.reopen(&id("orc-p2d"), "maria").await.unwrap_err();
    assert_eq!(error.to_string(), "`orc-p2d` is not closed: it is open, and nobody has it");
}

#[tokio::test]
async fn parking_is_one_write_and_is_undone() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let parked = tracker.update(&id("orc-y3u"), &Edit::park("Which <policy>?"), "bead/r1").await.unwrap();
    assert_eq!(
        (parked.status, parked.labels),
        (Status::Blocked, vec!["human".to_owned(), PARKED.to_owned()])
    );
    let line = fixture.line("orc-y3u");
    let comment = r#""comments":[{"id":4,"issue_id":"orc-y3u","author":"bead/r1","text":"Which \u003cpolicy\u003e?","created_at":"2026-03-01T12:00:00.5Z"}]"#;
    assert!(line.contains(comment), "{line}");
    let open = tracker.update(&id("orc-y3u"), &Edit::unpark(), "maria").await.unwrap();
    assert_eq!((open.status, open.labels), (Status::Open, vec!["human".to_owned()]));
}

#[tokio::test]
async fn comments_follow_the_files_kind_of_id() {
    let fixture = Fixture::with(
        "{\"id\":\"orc-1\",\"title\":\"t\",\"comments\":[{\"id\":\"01a1fd86-c0b5-72bc-841d-4475f80553c0\",\"text\":\"a\"}]}\n",
    );
    let bead = fixture.tracker().comment(&id("orc-1"), "maria", "b").await.unwrap();
    let new = bead.comments[1].id.as_str().unwrap();
    assert!(new.starts_with("019ca945-0bf4-") && &new[14..15] == "7", "{new}");
}

#[tokio::test]
async fn a_new_bead_has_its_edges_and_those_of_its_dependents() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let wanted = NewBead {
        description: "a <b>".to_owned(),
        labels: vec!["z".to_owned(), "a".to_owned()],
        edges: vec![("blocks".to_owned(), id("orc-p2d")), ("related".to_owned(), id("external:x:y"))],
        blocks: vec![id("orc-w4s")],
        ..new("Halve")
    };
    let bead = tracker.create(&wanted).await.unwrap();
    let edge = |from: &str, to: &str, kind: &str| {
        let at = "2026-03-01T12:00:00.5Z";
        format!(
            r#"{{"issue_id":"{from}","depends_on_id":"{to}","type":"{kind}","created_at":"{at}","created_by":"maria"}}"#
        )
    };
    let name = bead.id.as_str();
    let line = format!(
        r#"{{"id":"{name}","title":"Halve","description":"a \u003cb\u003e","status":"open","priority":2,"issue_type":"task","created_at":"2026-03-01T12:00:00.5Z","created_by":"maria","updated_at":"2026-03-01T12:00:00.5Z","labels":["a","z"],"dependencies":[{},{}]}}"#,
        edge(name, "orc-p2d", "blocks"),
        edge(name, "external:x:y", "related"),
    );
    assert_eq!(fixture.line(name), line);
    assert!(
        fixture
            .line("orc-w4s")
            .ends_with(&format!(r#""dependencies":[{}]}}"#, edge("orc-w4s", name, "blocks")))
    );
    assert_eq!(fixture.changed().len(), 2);
    let text = fixture.text();
    let ids: Vec<&str> = text.lines().map(|l| l.split('"').nth(3).unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn a_bead_that_cannot_be_is_not_created() {
    let fixture = Fixture::with(SAMPLES);
    let tracker = fixture.tracker();
    let to = |kind: &str, target: &str| vec![(kind.to_owned(), id(target))];
    let bad = [
        new(" "),
        new(&"x".repeat(501)),
        NewBead { priority: 5, ..new("t") },
        NewBead { issue_type: "a b".to_owned(), ..new("t") },
        NewBead { actor: String::new(), ..new("t") },
        NewBead { edges: to("blocks", "orc-zzz"), ..new("t") },
        NewBead { edges: to("", "orc-w4s"), ..new("t") },
        NewBead { blocks: vec![id("orc-zzz")], ..new("t") },
        NewBead { edges: to("blocks", "orc-k3v.3"), blocks: vec![id("orc-k3v.1")], ..new("t") },
        NewBead { edges: to("blocks", "orc-w4s"), blocks: vec![id("orc-w4s")], ..new("t") },
    ];
    for wanted in bad {
        assert!(tracker.create(&wanted).await.unwrap_err().is_refusal(), "{wanted:?}");
    }
    let edit = Edit { add_edges: to("blocks", "orc-k3v.3"), ..Edit::default() };
    assert!(matches!(tracker.update(&id("orc-k3v.1"), &edit, "m").await, Err(TrackerError::Cycle { .. })));
    assert_eq!(fixture.text(), SAMPLES);
}

#[tokio::test]
async fn a_fresh_id_avoids_dangling_edges_and_unreadable_lines() {
    let fixture = Fixture::with("");
    let first = fixture.tracker().create(&new("t")).await.unwrap().id;
    for text in [
        format!(
            "{{\"id\":\"orc-1\",\"title\":\"t\",\"dependencies\":[{{\"issue_id\":\"orc-1\",\"depends_on_id\":\"{first}\",\"type\":\"blocks\"}}]}}\n"
        ),
        format!("{{\"id\":\"{first}\",\"title\":"),
    ] {
        let other = Fixture::with(&text).tracker().create(&new("t")).await.unwrap().id;
        assert_ne!(first, other);
    }
}

#[tokio::test]
async fn f36_a_change_keeps_what_cannot_be_read() {
    let rest = "rubbish\n{\"id\":\"orc-9\",\"ti";
    let fixture = Fixture::with(&format!("{{\"id\":\"orc-1\",\"title\":\"t\"}}\n{rest}"));
    let tracker = fixture.tracker();
    tracker.claim(&id("orc-1"), &claim("r1"), ClaimFrom::Open).await.unwrap();
    assert!(fixture.text().ends_with(rest));
    tracker.create(&new("n")).await.unwrap();
    assert!(fixture.text().contains(&format!("{rest}\n{{\"id\":\"orc-")));
    let problems = tracker.snapshot().await.unwrap().problems;
    assert_eq!(problems.len(), 2);
    assert!(matches!(problems[1].what, Flaw::NotABead { .. }), "{problems:?}");
}

#[tokio::test]
async fn f36_nothing_is_begun_beside_a_conflict_but_what_was_begun_is_ended() {
    let fixture = Fixture::with("{\"id\":\"orc-1\",\"title\":\"t\"}\n{\"id\":\"orc-2\",\"title\":\"t\"}\n");
    let tracker = fixture.tracker();
    let (one, two, mine) = (id("orc-1"), id("orc-2"), claim("r1"));
    tracker.claim(&one, &mine, ClaimFrom::Open).await.unwrap();
    tracker.check_writable().await.unwrap();
    let conflict = "<<<<<<< HEAD\n{\"id\":\"orc-8\",\"title\":\"t\"}\n=======\n>>>>>>> x\n";
    let text = fixture.text() + conflict;
    std::fs::write(fixture.dir.path().join(".beads/issues.jsonl"), &text).unwrap();
    let refused = [
        tracker.create(&new("n")).await.err(),
        tracker.claim(&two, &mine, ClaimFrom::Open).await.err(),
        tracker.close(&two, "x", "m").await.err(),
        tracker.reopen(&one, "m").await.err(),
        tracker.update(&two, &Edit::park("x"), "m").await.err(),
        tracker.check_writable().await.err(),
    ];
    for error in refused {
        let error = error.unwrap();
        assert!(matches!(error, TrackerError::Conflict { line: 3, .. }) && error.is_refusal(), "{error}");
        assert!(error.to_string().contains("issues.jsonl"), "{error}");
    }
    assert_eq!(fixture.text(), text);
    assert_eq!(tracker.snapshot().await.unwrap().beads.len(), 3, "reading goes on");
    tracker.comment(&one, "bead/r1", "done").await.unwrap();
    tracker.release(&one, &mine, &Release::Closed { reason: "landed".to_owned() }).await.unwrap();
    assert!(fixture.text().ends_with(conflict));
}

/// Eight writers, each with a tracker of its own: `flock` is per open file, so threads contend as processes do.
const WRITERS: usize = 8;

#[test]
fn f37_eight_writers_and_an_editor_lose_nothing() {
    let fixture = Fixture::with(SAMPLES);
    let edits = Arc::new(AtomicUsize::new(0));
    let made = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (fixture, made, edits) = (&fixture, &made, edits.clone());
            scope.spawn(move || {
                let path = fixture.dir.path().join(".beads/issues.jsonl");
                // The editor saves without any lock, in the worst moments of a write: now and then per writer.
                let calls = AtomicUsize::new(writer);
                let seam: disk::Seam = Arc::new(move |_| {
                    if calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(37) {
                        let n = edits.fetch_add(1, Ordering::SeqCst);
                        let line = format!("{{\"id\":\"orc-edit{n:04}\",\"title\":\"by hand\"}}\n");
                        let text = std::fs::read_to_string(&path).unwrap() + &line;
                        let swap = path.with_extension(format!("swp{n}"));
                        std::fs::write(&swap, text).unwrap();
                        std::fs::rename(swap, &path).unwrap();
                    }
                });
                let tracker = fixture
                    .tracker_with(Arc::new(SystemClock::default()), Arc::new(RandomIds))
                    .with_seam(seam);
                for n in 0..50 {
                    let bead = tracker.store.create(&new(&format!("bead {writer}.{n}"))).unwrap();
                    assert!(made.lock().unwrap().insert(bead.id));
                }
            });
        }
    });
    let snapshot = Snapshot::read(fixture.text().into_bytes());
    let made = made.into_inner().unwrap();
    let edits = edits.load(Ordering::SeqCst);
    assert!(snapshot.problems.is_empty() && edits > 8, "{:?} {edits}", snapshot.problems);
    assert_eq!(made.len(), WRITERS * 50);
    assert!(made.iter().all(|id| snapshot.get(id).is_some()));
    assert!((0..edits).all(|n| snapshot.get(&id(&format!("orc-edit{n:04}"))).is_some()));
    assert_eq!(snapshot.beads.len(), SAMPLES.lines().count() + WRITERS * 50 + edits);
    let text = fixture.text();
    let lines: BTreeSet<&str> = text.lines().collect();
    assert!(SAMPLES.lines().all(|line| lines.contains(line)));
}

/// In each of 625 rounds eight claims; the round's winners, and what went otherwise. Nobody panics between the
/// barriers: a failure must be reported, not hang.
fn claim_race(is_plain: bool) -> (Vec<usize>, Vec<String>) {
    const ROUNDS: usize = 625;
    let fixture = Fixture::with("{\"id\":\"orc-1\",\"title\":\"t\"}\n");
    let (start, end) = (Barrier::new(WRITERS), Barrier::new(WRITERS));
    let wins: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let odd = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (fixture, start, end, wins, odd) = (&fixture, &start, &end, &wins, &odd);
            scope.spawn(move || {
                let tracker = fixture.tracker_with(Arc::new(SystemClock::default()), Arc::new(RandomIds));
                let tracker = if is_plain { tracker.on_plain_files() } else { tracker };
                let bead = id("orc-1");
                for (round, wins) in wins.iter().enumerate() {
                    let mine = claim(&format!("{writer}-{round}"));
                    start.wait();
                    let won = tracker
                        .store
                        .change(&bead, Markers::Refuse, |c, doc| c.claim(doc, &bead, &mine, ClaimFrom::Open));
                    end.wait();
                    match won {
                        Ok(_) => {
                            wins.fetch_add(1, Ordering::SeqCst);
                            let open = Release::Open;
                            let freed = tracker
                                .store
                                .change(&bead, Markers::Refuse, |c, doc| c.release(doc, &bead, &mine, &open));
                            odd.lock().unwrap().extend(freed.err().map(|e| e.to_string()));
                        }
                        Err(TrackerError::ClaimLost { .. }) => {}
                        Err(other) => odd.lock().unwrap().push(other.to_string()),
                    }
                }
            });
        }
    });
    (wins.into_iter().map(AtomicUsize::into_inner).collect(), odd.into_inner().unwrap())
}

/// Once where the exchange of files is a second line of defence, once where the lock stands alone.
#[test]
fn of_eight_claims_exactly_one_wins_ten_thousand_tries_long() {
    for is_plain in [false, true] {
        let (wins, odd) = claim_race(is_plain);
        assert_eq!(odd, Vec::<String>::new());
        assert!(wins.iter().all(|wins| *wins == 1), "{wins:?}");
    }
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("2.50"),
        Just("1e3"),
        Just("-0.0"),
        Just("null"),
        Just("true"),
        Just("9007199254740993"),
        Just("\"\\u003c\\ud83d\\ude80\""),
        Just("\"naïve — 日本語\""),
        Just("\"\""),
        Just("[ 1 , 2 ]"),
        Just("{ \"a\" : [] }")
    ];
    leaf.prop_map(str::to_owned)
}

fn any_line(at: usize) -> impl Strategy<Value = String> {
    let extra = ("x_[a-z\\\\u<é]{0,5}", any_json(), "[ \t]{0,2}");
    let metadata = prop_oneof![
        Just(""),
        Just("\"metadata\":{ \"n\" : 2.50 },"),
        Just("\"metadata\": {},"),
        Just("\"metadata\":1e3,")
    ];
    (proptest::collection::vec(extra, 0..4), metadata).prop_map(move |(extra, metadata)| {
        let extra: String = extra
            .into_iter()
            .map(|(key, value, space)| format!("{space}{}{space}:{space}{value}{space},", text::string(&key)))
            .collect();
        format!("{{{extra}\"id\":\"orc-{at}\", {metadata}{extra}\"title\":\"t <&>\"}}")
    })
}

/// The (key, value) texts of a line, less those that a change may touch.
fn untouched(line: &str) -> Vec<(String, String)> {
    const OURS: [&str; 9] = [
        "status",
        "assignee",
        "updated_at",
        "started_at",
        "metadata",
        "labels",
        "comments",
        "closed_at",
        "close_reason",
    ];
    let pairs: Vec<(String, String)> = record::Record::parse(line).unwrap().pairs();
    pairs
        .into_iter()
        .filter(|(name, _)| !OURS.contains(&name.trim().trim_end_matches(':').trim_matches('"')))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_change_touches_its_keys_and_nothing_else(
        lines in (any_line(0), any_line(1), any_line(2)), which in 0..3_usize, then in 0..3_usize, ends in any::<bool>()
    ) {
        let lines = [lines.0, lines.1, lines.2];
        let text = lines.join("\n") + if ends { "\n" } else { "" };
        let fixture = Fixture::with(&text);
        let store = fixture.tracker().store;
        let bead = id(&format!("orc-{which}"));
        let mine = claim("r1");
        let metadata = store.document().unwrap().get(&bead).unwrap().metadata.clone();
        store.change(&bead, Markers::Refuse, |c, doc| c.claim(doc, &bead, &mine, ClaimFrom::Open)).unwrap();
        let into = match then {
            0 => Release::Open,
            1 => Release::Parked { comment: "why <?>".to_owned() },
            _ => Release::Closed { reason: "done".to_owned() },
        };
        let after = store.change(&bead, Markers::Refuse, |c, doc| c.release(doc, &bead, &mine, &into)).unwrap();
        let metadata = metadata.filter(|m| *m != serde_json::json!({}));
        prop_assert_eq!(after.metadata, metadata);
        let now = fixture.text();
        prop_assert!(now.ends_with('\n') || (!ends && which != 2));
        for (at, (before, after)) in lines.iter().zip(now.lines()).enumerate() {
            if at == which {
                let kept: Vec<_> = untouched(after).into_iter().filter(|(name, _)| name != "\"closed_by_session\":").collect();
                prop_assert_eq!(untouched(before), kept);
                prop_assert!(!after.contains("token-r1"));
            } else {
                prop_assert_eq!(before, after);
            }
        }
    }
}

#[tokio::test]
async fn the_opened_tracker_says_where_it_reads() {
    let fixture = Fixture::with(SAMPLES);
    std::fs::write(fixture.dir.path().join(".beads/beads.db"), "").unwrap();
    let clock = Arc::new(SystemClock::default());
    let means = super::super::Means { environment: &[], clock, ids: Arc::new(RandomIds) };
    let tracker = super::super::open(fixture.dir.path(), &means).await.unwrap();
    let snapshot = tracker.snapshot().await.unwrap();
    assert_eq!((snapshot.beads.len(), snapshot.notes.len()), (29, 1));
    let none = tempfile::tempdir().unwrap();
    let error = super::super::open(none.path(), &means).await.err().unwrap();
    assert!(error.to_string().contains("bead init"));
}

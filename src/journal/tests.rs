mod power;

use std::sync::Arc;

use chrono::{TimeZone, Utc};

use super::read::Filter;
use super::*;
use crate::clock::Manual;
use crate::domain::event::Order;
use crate::domain::ids::Oid;
use crate::lifecycle::Phase;

fn clock() -> Arc<Manual> {
    Arc::new(Manual::at(Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()))
}

fn project() -> ProjectId {
    ProjectId::of_path(Path::new("/p/shop"))
}

fn claiming(bead: &str) -> Entry {
    let base = Oid::parse(&"a".repeat(40)).unwrap();
    let order = Order { attempts: 3, ..Order::unclaimed("main", base) };
    Entry {
        project: Some(project()),
        bead: Some(BeadId::new(bead)),
        run: None,
        attempt: None,
        body: Body::Claiming { order },
    }
}

fn note(text: &str) -> Entry {
    Entry { project: None, bead: None, run: None, attempt: None, body: Body::Notice { text: text.into() } }
}

#[test]
fn events_and_stories_survive_reopening_in_order_and_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    {
        let journal = Journal::open(&path, clock()).unwrap();
        let (_, mut story) = journal.open_story(claiming("a-1")).unwrap();
        journal.tell(note("between")).unwrap();
        journal.record(&mut story, Body::Claimed).unwrap();
    }
    let journal = Journal::open(&path, clock()).unwrap();
    let events = journal.events(0, &Filter::default(), 100).unwrap();
    assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3]);
    let story = journal.open_story_of(&project(), &BeadId::new("a-1")).unwrap().unwrap();
    assert_eq!(story.phase, Phase::Starting);
    let mut replayed = Story::open(&events[0]).unwrap();
    replayed.apply(&events[2]).unwrap();
    assert_eq!(replayed, story);
}

#[test]
fn an_event_that_cannot_follow_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&dir.path().join("journal.db"), clock()).unwrap();
    let (_, mut story) = journal.open_story(claiming("a-1")).unwrap();
    let before = story.clone();
    assert!(matches!(journal.record(&mut story, Body::WorkspaceReady), Err(JournalError::Illegal(_))));
    assert_eq!(story, before);
    assert_eq!(journal.last_seq().unwrap(), 1);
}

#[test]
fn a_bead_has_one_open_story_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&dir.path().join("journal.db"), clock()).unwrap();
    journal.open_story(claiming("a-1")).unwrap();
    assert!(matches!(journal.open_story(claiming("a-1")), Err(JournalError::AlreadyOpen(_))));
    journal.open_story(claiming("a-2")).unwrap();
    assert_eq!(journal.last_seq().unwrap(), 2, "the refused beginning took no number");
}

#[test]
fn several_connections_share_one_sequence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    Journal::open(&path, clock()).unwrap();
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let path = path.clone();
            std::thread::spawn(move || {
                let journal = Journal::open(&path, clock()).unwrap();
                for i in 0..25 {
                    journal.tell(note(&format!("{n}-{i}"))).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let journal = Journal::open(&path, clock()).unwrap();
    let seqs: Vec<u64> = journal.events(0, &Filter::default(), 1000).unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
}

#[test]
fn f34_flipped_bytes_are_refused_with_the_newest_good_backup_and_its_restore_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    {
        let journal = Journal::open(&path, clock()).unwrap();
        for i in 0..200 {
            journal.tell(note(&format!("a rather long line to fill pages, number {i}"))).unwrap();
        }
    }
    // The next day's first opening makes a backup that holds the events.
    let tomorrow = clock();
    tomorrow.advance(std::time::Duration::from_secs(86_400));
    drop(Journal::open(&path, tomorrow.clone()).unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 3000] {
        *byte ^= 0x5a;
    }
    std::fs::write(&path, &bytes).unwrap();
    let error = Journal::open(&path, tomorrow.clone()).unwrap_err();
    let JournalError::Damaged { restore: Some(command), .. } = &error else { panic!("{error}") };
    assert!(error.hint().unwrap().contains("backups/journal-20260302.db"));
    let status = std::process::Command::new("sh").arg("-c").arg(command).status().unwrap();
    assert!(status.success());
    let journal = Journal::open(&path, tomorrow).unwrap();
    assert_eq!(journal.last_seq().unwrap(), 200);
    assert!(path.with_extension("db.damaged").exists(), "the damaged file is kept");
}

#[test]
fn f34_a_journal_that_is_gone_is_never_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    Journal::open(&path, clock()).unwrap().tell(note("x")).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Journal::open(&path, clock()), Err(JournalError::Damaged { .. })));
    assert!(!path.exists());
}

#[test]
fn f34_a_deleted_write_ahead_log_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = Journal::open(&path, clock()).unwrap();
    for _ in 0..5 {
        journal.tell(note("acknowledged")).unwrap();
    }
    // A copy as a killed process leaves it: the log holds what the main file does not.
    let copy = dir.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_extension("head"), copy.with_extension("head")).unwrap();
    let error = Journal::open(&copy, clock()).unwrap_err();
    assert!(error.to_string().contains("event 5 was acknowledged"), "{error}");
    let whole = dir.path().join("whole.db");
    std::fs::copy(&path, &whole).unwrap();
    std::fs::copy(dir.path().join("journal.db-wal"), dir.path().join("whole.db-wal")).unwrap();
    std::fs::copy(path.with_extension("head"), whole.with_extension("head")).unwrap();
    assert_eq!(Journal::open(&whole, clock()).unwrap().last_seq().unwrap(), 5);
}

#[test]
fn f48_an_older_program_refuses_a_newer_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    drop(Journal::open(&path, clock()).unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(Journal::open(&path, clock()), Err(JournalError::Newer { found: 99, .. })));
}

#[test]
fn f35_seven_backups_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let days = clock();
    for _ in 0..10 {
        Journal::open(&path, days.clone()).unwrap().tell(note("x")).unwrap();
        days.advance(std::time::Duration::from_secs(86_400));
    }
    let kept = std::fs::read_dir(dir.path().join("backups")).unwrap().count();
    assert_eq!(kept, 7);
}

#[test]
fn f48_an_older_journal_is_kept_aside_and_brought_up_to_date_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(schema::TABLES).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO runs VALUES ('r00000000000000', 'work', 'p', 'b', 1, 'completed', NULL, '2026-01-01', NULL, 'l', 0.5);",
    )
    .unwrap();
    drop(old);
    let journal = Journal::open(&path, Arc::new(crate::clock::SystemClock::default())).unwrap();
    assert_eq!(journal.runs(&Default::default(), 9).unwrap()[0].cost_usd.to_string(), "0.5");
    assert_eq!(journal.projects().unwrap(), vec![]);
    let kept = Connection::open(dir.path().join("backups/format-1.db")).unwrap();
    let version: u32 = kept.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1, "the old one is not kept as it was");
}

#[test]
fn a_whole_reading_is_of_one_instant_while_another_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let reader = Journal::open(&path, clock()).unwrap();
    let writing = std::thread::spawn(move || {
        let journal = Journal::open(&path, clock()).unwrap();
        for n in 0..150 {
            let (_, mut story) = journal.open_story(claiming(&format!("a-{n}"))).unwrap();
            journal.record(&mut story, Body::Claimed).unwrap();
        }
    });
    while !writing.is_finished() {
        let (events, stories) = reader.whole(&project()).unwrap();
        let mut told: Vec<Story> = Vec::new();
        for event in &events {
            match Story::open(event) {
                Some(story) => told.push(story),
                None => told.last_mut().unwrap().apply(event).unwrap(),
            }
        }
        assert_eq!(told, stories);
    }
    writing.join().unwrap();
}

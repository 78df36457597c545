use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::clock::SystemClock;

#[test]
fn a_pass_and_a_base_are_kept_apart_and_survive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Journal::open(&dir.path().join("journal.db"), Arc::new(SystemClock::default())).unwrap();
    let journal = open();
    journal.keep_gate("k", Said::Base, "red").unwrap();
    assert_eq!(journal.gate_said("k", Said::Pass).unwrap(), None);
    journal.keep_gate("k", Said::Pass, "passed").unwrap();
    drop(journal);
    assert_eq!(open().gate_said("k", Said::Pass).unwrap().as_deref(), Some("passed"));
    assert_eq!(open().gate_said("k", Said::Base).unwrap().as_deref(), Some("red"));
}

#[test]
fn a_journal_of_an_older_program_gets_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let clock = Arc::new(SystemClock::default());
    drop(Journal::open(&path, clock.clone()).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("DROP TABLE gate_cache; DROP TABLE pushes;").unwrap();
    drop(raw);
    let journal = Journal::open(&path, clock).unwrap();
    assert_eq!(journal.gate_said("k", Said::Pass).unwrap(), None);
}

#[test]
fn a_push_is_owed_until_it_is_made() {
    let journal = Journal::in_memory(Arc::new(SystemClock::default())).unwrap();
    let project = ProjectId::of_path(Path::new("/p/shop"));
    let commit = Oid::parse(&"a".repeat(40)).unwrap();
    let owed = Owed {
        story: 3,
        bead: BeadId::new("t-1"),
        remote: "origin".into(),
        branch: "main".into(),
        commit,
        last: String::new(),
    };
    journal.owe_push(&project, &owed).unwrap();
    let failed = Owed { last: "no route".into(), ..owed };
    journal.owe_push(&project, &failed).unwrap();
    assert_eq!(journal.owed_pushes(&project).unwrap(), [failed]);
    assert_eq!(journal.owed_pushes(&ProjectId::of_path(Path::new("/p/other"))).unwrap(), []);
    journal.push_made(3).unwrap();
    assert_eq!(journal.owed_pushes(&project).unwrap(), []);
}

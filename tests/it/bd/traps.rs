//! What real `bd`s were seen to do wrong, one test each.

use beadwork::beads::{self, BdError, ClaimFrom, Edit, Means, Release, TrackerError};
use beadwork::domain::bead::{NewBead, Status};
use std::time::Duration;

use super::backend::{Backend, Project, claim, new};

fn classic() -> Vec<Backend> {
    [Backend::fakes(), Backend::real()].concat().into_iter().filter(Backend::is_classic).collect()
}

fn bds() -> Vec<Backend> {
    [Backend::fakes(), Backend::real()].concat()
}

fn fault(project: &Project, lines: &[&str]) {
    std::fs::write(project.dir.path().join("bin/bd.faults"), lines.join("\n")).unwrap();
}

/// `list` prints `[]` and exits 0 while somebody holds the database: an error, tried again, and no empty tracker.
#[tokio::test]
async fn an_empty_list_beside_a_lock_is_no_empty_tracker() {
    for backend in Backend::fakes() {
        let project = Project::new(&backend);
        let tracker = project.open().await;
        tracker.create(&new("There")).await.unwrap();
        fault(&project, &["list empty-lock", "list locked"]);
        assert_eq!(tracker.snapshot().await.unwrap().beads.len(), 1, "{backend:?}");
        fault(&project, &["list empty-lock"; 9]);
        let error = tracker.snapshot().await.unwrap_err();
        assert!(matches!(&error, TrackerError::Bd(BdError::Locked { .. })) && !error.is_refusal(), "{error}");
    }
}

/// A write that met a lock is tried again, and happens once.
#[tokio::test]
async fn a_locked_write_is_tried_again() {
    for backend in Backend::fakes() {
        let project = Project::new(&backend);
        let tracker = project.open().await;
        fault(&project, &["create locked", "update locked", "close locked", "comments add locked"]);
        let bead = tracker.create(&new("Once")).await.unwrap().id;
        tracker.claim(&bead, &claim("r1"), ClaimFrom::Open).await.unwrap();
        tracker.comment(&bead, "maria", "said once").await.unwrap();
        tracker.release(&bead, &claim("r1"), &Release::Closed { reason: "done".to_owned() }).await.unwrap();
        let snapshot = tracker.snapshot_around(&bead).await.unwrap();
        assert_eq!((snapshot.beads.len(), snapshot.beads[0].comments.len()), (1, 1), "{backend:?}");
    }
}

/// An answer about another bead is never success.
#[tokio::test]
async fn an_answer_about_another_bead_is_told() {
    for backend in Backend::fakes() {
        let project = Project::new(&backend);
        let tracker = project.open().await;
        let bead = tracker.create(&new("This")).await.unwrap().id;
        fault(&project, &["close other-id"]);
        let error = tracker.close(&bead, "done", "maria").await.unwrap_err();
        assert!(
            matches!(&error, TrackerError::Bd(BdError::OtherBead { asked, .. }) if *asked == bead),
            "{error}"
        );
        assert!(!error.is_refusal(), "something was changed");
    }
}

/// `blocks:ID` in `--deps` turned round in 1.0.4, and an edge to an unknown id is lost with exit 0.
#[tokio::test]
async fn edges_point_the_same_way_in_every_version() {
    for backend in bds() {
        let project = Project::new(&backend);
        let tracker = project.open().await;
        let first = tracker.create(&new("First")).await.unwrap().id;
        let mut asked = new("Between");
        asked.edges = vec![("blocks".to_owned(), first.clone())];
        let between = tracker.create(&asked).await.unwrap();
        let last =
            tracker.create(&NewBead { blocks: vec![first.clone()], ..new("Before all") }).await.unwrap();
        let waits = |bead: &beadwork::domain::bead::Bead| {
            bead.dependencies.iter().map(|d| d.depends_on_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(waits(&between), std::slice::from_ref(&first), "{backend:?}");
        assert_eq!(
            waits(&tracker.show(&first).await.unwrap()),
            std::slice::from_ref(&last.id),
            "{backend:?}"
        );
        let asked = NewBead {
            blocks: vec![last.id.clone()],
            edges: vec![("blocks".to_owned(), between.id)],
            ..new("x")
        };
        let error = tracker.create(&asked).await.unwrap_err();
        assert!(matches!(error, TrackerError::Cycle { .. }), "{backend:?}: {error}");
        assert_eq!(tracker.snapshot().await.unwrap().beads.len(), 3, "{backend:?}");
    }
}

/// Classic reading commands answer from the old database after the file was edited.
#[tokio::test]
async fn a_file_edited_outside_is_imported_before_reading() {
    for backend in classic() {
        let project = Project::new(&backend);
        let tracker = project.open().await;
        let bead = tracker.create(&new("Old title")).await.unwrap();
        let text = std::fs::read_to_string(project.file()).unwrap();
        let later = chrono::Utc::now() + chrono::TimeDelta::seconds(5);
        let now = serde_json::from_str::<serde_json::Value>(&text).unwrap()["updated_at"]
            .as_str()
            .unwrap()
            .to_owned();
        let edited = text.replace("Old title", "New title").replace(
            &format!("\"updated_at\":\"{now}\""),
            &format!("\"updated_at\":\"{}\"", later.to_rfc3339()),
        );
        assert_ne!(edited, text);
        let added = "{\"id\":\"orc-new\",\"title\":\"Added\",\"status\":\"open\",\"priority\":1,\"issue_type\":\"task\",\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-01-01T00:00:00Z\"}\n";
        std::fs::write(project.file(), edited + added).unwrap();
        assert_eq!(tracker.show(&bead.id).await.unwrap().title, "New title", "{backend:?}");
        let snapshot = tracker.snapshot().await.unwrap();
        assert_eq!(snapshot.beads.len(), 2, "{backend:?}");
        assert_eq!(tracker.ready_ids(&snapshot).await.unwrap().unwrap().len(), 2, "{backend:?}");
    }
}

/// A classic write goes on over a file that it cannot read and rewrites it without what only the file had.
#[tokio::test]
async fn a_file_with_a_conflict_is_never_written_over() {
    for backend in classic() {
        let project = Project::new(&backend);
        let tracker = project.open().await;
        let bead = tracker.create(&new("Kept")).await.unwrap().id;
        let good = std::fs::read_to_string(project.file()).unwrap();
        let line = "{\"id\":\"orc-new\",\"title\":\"Only in the file\",\"status\":\"open\",\"priority\":1,\"issue_type\":\"task\",\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-01-01T00:00:00Z\"}\n";
        let conflict = format!("{good}<<<<<<< HEAD\n{line}=======\n>>>>>>> theirs\n");
        let torn = format!("{good}{line}{{\"id\":\"orc-to");
        let twice = format!("{good}{line}{line}");
        for broken in [conflict, torn, twice] {
            std::fs::write(project.file(), &broken).unwrap();
            for error in [
                tracker.comment(&bead, "maria", "word").await.err(),
                tracker.claim(&bead, &claim("r1"), ClaimFrom::Open).await.err(),
                tracker.create(&new("Another")).await.err(),
                tracker.close(&bead, "done", "maria").await.err(),
            ] {
                let error = error.unwrap_or_else(|| panic!("{backend:?} wrote over a broken file"));
                assert!(
                    matches!(&error, TrackerError::Bd(BdError::BrokenFile { .. })) && error.is_refusal(),
                    "{error}"
                );
            }
            assert_eq!(std::fs::read_to_string(project.file()).unwrap(), broken, "{backend:?}");
        }
    }
}

/// Our lock is on `.beads` itself: one Beadwork waits for another, whatever their state directories.
#[tokio::test]
async fn a_call_waits_for_its_turn() {
    let project = Project::new(&Backend::Fake("1.0.4".to_owned()));
    let tracker = project.open().await;
    let bead = tracker.create(&new("Waits")).await.unwrap().id;
    let dir = std::fs::File::open(project.root().join(".beads")).unwrap();
    rustix::fs::flock(&dir, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(300), tracker.show(&bead)).await;
    assert!(waiting.is_err(), "somebody else has the turn");
    drop(dir);
    tracker.show(&bead).await.unwrap();
}

/// Where the program and the store do not fit, the user is told what does.
#[tokio::test]
async fn a_program_of_the_other_era_is_not_driven() {
    let project = Project::new(&Backend::Fake("1.0.4".to_owned()));
    for (version, said) in
        [("0.49.6", "1.0.4 or later"), ("0.62.1", "too old"), ("nonsense", "is not the `bd`")]
    {
        std::fs::write(project.dir.path().join("bin/bd.version"), version).unwrap();
        let environment = project.environment();
        let means = Means {
            environment: &environment,
            clock: std::sync::Arc::new(beadwork::clock::SystemClock::default()),
            ids: std::sync::Arc::new(beadwork::clock::RandomIds),
        };
        let error = beads::open(&project.root(), &means).await.err().unwrap();
        assert!(error.is_refusal() && error.to_string().contains(said), "{version}: {error}");
    }
    // A classic database beside its file is left alone by a later program, as it was before.
    let project = Project::new(&Backend::Fake("0.49.6".to_owned()));
    let bead = project.open().await.create(&new("In both")).await.unwrap().id;
    std::fs::write(project.dir.path().join("bin/bd.version"), "1.0.4").unwrap();
    let snapshot = project.open().await.snapshot().await.unwrap();
    assert!(snapshot.get(&bead).is_some());
    assert!(snapshot.notes.iter().any(|note| note.contains("keeps beads otherwise")), "{:?}", snapshot.notes);
}

/// From 1.2.1 on a look at `ready` opens deferred beads whose date has passed: mentioned, and not asked.
#[tokio::test]
async fn deferred_beads_are_not_woken_by_looking() {
    let project = Project::new(&Backend::Fake("1.0.4".to_owned()));
    let tracker = project.open().await;
    let bead = tracker.create(&new("Sleeps")).await.unwrap().id;
    let deferred = project.bd(&["update", bead.as_str(), "--defer", "2020-01-01", "--json"]);
    assert_eq!(deferred.code, 0, "{deferred:?}");
    assert!(tracker.ready_ids(&tracker.snapshot().await.unwrap()).await.unwrap().is_some());
    std::fs::write(project.dir.path().join("bin/bd.version"), "1.3.0").unwrap();
    let tracker = project.open().await;
    let snapshot = tracker.snapshot().await.unwrap();
    assert!(snapshot.notes.iter().any(|note| note.contains(bead.as_str())), "{:?}", snapshot.notes);
    assert_eq!(tracker.ready_ids(&snapshot).await.unwrap(), None);
    assert_eq!(tracker.show(&bead).await.unwrap().status, Status::Deferred);
}

/// A comment of a released bead reaches the file of a classic tracker: it is said before the status changes.
#[tokio::test]
async fn comments_reach_the_file_with_the_next_change() {
    let project = Project::new(&Backend::Fake("0.49.6".to_owned()));
    let tracker = project.open().await;
    let bead = tracker.create(&new("Parked")).await.unwrap().id;
    tracker.update(&bead, &Edit::park("a question"), "maria").await.unwrap();
    assert!(std::fs::read_to_string(project.file()).unwrap().contains("a question"));
}

//! Locks between processes, tried with open files: the kernel treats each as another holder.

use super::{Taken, daemon, look, take};
use crate::domain::ids::{BeadId, ProjectId};

fn place() -> (tempfile::TempDir, ProjectId, BeadId) {
    (tempfile::tempdir().unwrap(), ProjectId::of_path(std::path::Path::new("/p")), BeadId::new("b-1"))
}

#[test]
fn a_lock_names_who_has_it_and_goes_with_its_holder() {
    let (dir, project, bead) = place();
    let Taken::Ours(held) = take(dir.path(), &project, &bead).unwrap() else { panic!() };
    let own = Some(std::process::id());
    assert!(matches!(take(dir.path(), &project, &bead).unwrap(), Taken::Theirs(pid) if pid == own));
    assert!(matches!(look(dir.path(), &project, &bead).unwrap(), Taken::Theirs(pid) if pid == own));
    drop(held);
    assert!(matches!(look(dir.path(), &project, &bead).unwrap(), Taken::Ours(_)));
    assert!(matches!(take(dir.path(), &project, &bead).unwrap(), Taken::Ours(_)));
}

/// Between fork and exec a child has all files of its parent, those that close on exec as well.
#[test]
fn a_child_that_is_being_started_does_not_hold_what_was_let_go() {
    let (dir, project, bead) = place();
    let Taken::Ours(held) = take(dir.path(), &project, &bead).unwrap() else { panic!() };
    let childs = held.file.try_clone().unwrap();
    drop(held);
    let Taken::Ours(looking) = look(dir.path(), &project, &bead).unwrap() else { panic!("held on") };
    let another = looking.file.try_clone().unwrap();
    drop(looking);
    assert!(matches!(take(dir.path(), &project, &bead).unwrap(), Taken::Ours(_)));
    drop((childs, another));
}

#[test]
fn those_who_only_look_keep_nobody_from_work() {
    let (dir, project, bead) = place();
    let looking = look(dir.path(), &project, &bead).unwrap();
    assert!(matches!(look(dir.path(), &project, &bead).unwrap(), Taken::Ours(_)), "nor each other");
    let eyes = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(15));
        drop(looking);
    });
    assert!(matches!(take(dir.path(), &project, &bead).unwrap(), Taken::Ours(_)));
    eyes.join().unwrap();
}

#[test]
fn f09_a_stale_file_of_a_dead_daemon_never_blocks() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("daemon.lock"), "1\n").unwrap();
    let first = daemon(dir.path()).unwrap();
    assert!(matches!(first, Taken::Ours(_)));
    let own = Some(std::process::id());
    assert!(matches!(daemon(dir.path()).unwrap(), Taken::Theirs(pid) if pid == own));
}

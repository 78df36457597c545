use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::workspace::fixture::{Bench, run_id, write};

#[tokio::test]
async fn f05_the_same_inputs_give_the_same_commit() {
    let bench = Bench::new();
    let base = bench.main();
    let work = bench.work(&run_id(1), |clone| write(clone, "src/c.txt", "c\n")).await.unwrap();
    bench.commit(&[("src/b.txt", "user\n")], "User");
    let first = bench.merged(&run_id(1), &base, &work.tip).await;
    let again = bench.merged(&run_id(1), &base, &work.tip).await;
    assert_eq!(first, again);
    let (commit, tree) = first;
    let user = bench.user();
    assert_eq!(bench.oid(&user, &format!("{commit}^{{tree}}")), tree);
    let parents = format!("{} {}", bench.main(), work.tip);
    assert_eq!(bench.git(&["show", "-s", "--format=%P", commit.as_str()]), parents);
    let body = bench.git(&[
        "show",
        "-s",
        "--format=%an <%ae>|%cn|%s|%(trailers:only,separator=%x3b)",
        commit.as_str(),
    ]);
    assert_eq!(
        body,
        format!("Beadwork <bead@localhost>|Beadwork|Do the thing|Bead: demo-1;Bead-Run: {}", run_id(1))
    );
}

#[tokio::test]
async fn even_an_unmoved_target_gets_a_true_merge() {
    let bench = Bench::new();
    let base = bench.main();
    let work = bench.work(&run_id(1), |clone| write(clone, "src/c.txt", "c\n")).await.unwrap();
    let (commit, _) = bench.merged(&run_id(1), &base, &work.tip).await;
    assert_eq!(bench.git(&["show", "-s", "--format=%P", commit.as_str()]), format!("{base} {}", work.tip));
}

#[tokio::test]
async fn t30_the_trackers_files_stay_the_targets() {
    let bench = Bench::new();
    let base = bench.commit(&[(".beads/issues.jsonl", "one\ntwo\n")], "Tracker");
    let agent = |clone: &std::path::Path| {
        write(clone, ".beads/issues.jsonl", "all closed\n");
        write(clone, ".beads/extra", "x");
        write(clone, ".Beads/issues.jsonl", "case\n");
        write(clone, "src/c.txt", "c\n");
    };
    // A second spelling of an existing folder is refused as a collision.
    assert!(bench.work(&run_id(1), agent).await.is_err());
    let agent = |clone: &std::path::Path| {
        write(clone, ".beads/issues.jsonl", "all closed\n");
        write(clone, ".beads/extra", "x");
        write(clone, "src/c.txt", "c\n");
    };
    let work = bench.work(&run_id(2), agent).await.unwrap();
    assert_eq!(work.tracker_touched, [".beads/extra", ".beads/issues.jsonl"]);
    bench.commit(&[(".beads/issues.jsonl", "one\ntwo\nthree\n")], "Tracker moves on");
    let (commit, _) = bench.merged(&run_id(2), &base, &work.tip).await;
    let user = bench.user();
    assert_eq!(bench.oid(&user, &format!("{commit}:.beads")), bench.oid(&user, "main:.beads"));
    assert_eq!(bench.git(&["show", &format!("{commit}:src/c.txt")]), "c");
}

#[tokio::test]
async fn t30_a_tracker_that_is_not_committed_does_not_land() {
    let bench = Bench::new();
    let base = bench.main();
    let agent = |clone: &std::path::Path| {
        write(clone, ".beads/issues.jsonl", "mine\n");
        write(clone, "src/c.txt", "c\n");
    };
    let work = bench.work(&run_id(1), agent).await.unwrap();
    let (commit, _) = bench.merged(&run_id(1), &base, &work.tip).await;
    assert!(!bench.git(&["ls-tree", "-r", "--name-only", commit.as_str()]).contains(".beads"));
}

#[tokio::test]
async fn conflicts_name_their_paths() {
    let bench = Bench::new();
    let base = bench.main();
    let work = bench.work(&run_id(1), |clone| write(clone, "src/b.txt", "agent\n")).await.unwrap();
    let target = bench.commit(&[("src/b.txt", "user\n")], "User");
    let quarantine = bench.quarantine().await;
    quarantine.fetch(&bench.repo().await, &target).await.unwrap();
    let request = MergeRequest {
        target: &target,
        tip: &work.tip,
        base: &base,
        bead: &BeadId::new("d"),
        title: "t",
        run: &run_id(1),
        date: DateTime::UNIX_EPOCH,
        identity: &Identity::default(),
        purpose: crate::workspace::merge::Purpose::Landing,
    };
    let merged = merge(&quarantine, &request).await.unwrap();
    let Merged::Conflict { paths, .. } = merged else { panic!("{merged:?}") };
    assert_eq!(paths, ["src/b.txt"]);
}

proptest! {
    #[test]
    fn t52_a_title_cannot_become_a_trailer(title in "(\\PC|[\n\r\u{85}\u{2028}\t\u{0}\u{202e}]){0,120}", id in "\\PC{0,20}|x\nBead: y") {
        let (target, run) = (Oid::parse(&"a".repeat(40)).unwrap(), run_id(1));
        let request = MergeRequest {
            target: &target, tip: &target, base: &target, bead: &BeadId::new(id), title: &title, run: &run,
            date: DateTime::UNIX_EPOCH, identity: &Identity::default(),
            purpose: crate::workspace::merge::Purpose::Landing,
        };
        let text = message(&request);
        let lines: Vec<&str> = text.split('\n').collect();
        prop_assert_eq!(lines.len(), 5);
        prop_assert!((1..=72).contains(&lines[0].chars().count()));
        prop_assert!(lines[1].is_empty() && lines[2].starts_with("Bead: ") && lines[3].starts_with("Bead-Run: r"));
        prop_assert!(!text.contains('\r') && !text.contains('\0'));
    }
}

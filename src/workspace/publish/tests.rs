use super::*;
use crate::workspace::fixture::Bench;

/// The bench with a bare remote called `origin` that has main.
fn with_remote() -> (Bench, std::path::PathBuf) {
    let bench = Bench::new();
    let bare = bench.dir.path().join("remote.git");
    bench.git(&["init", "-q", "--bare", &bare.to_string_lossy()]);
    bench.git(&["remote", "add", "origin", &bare.to_string_lossy()]);
    bench.git(&["push", "-q", "origin", "main"]);
    (bench, bare)
}

#[tokio::test]
async fn a_commit_reaches_its_branch_and_nothing_else_moves() {
    let (bench, bare) = with_remote();
    let commit = bench.commit(&[("x.txt", "1\n")], "one");
    let later = bench.commit(&[("x.txt", "2\n")], "not yet to be pushed");
    bench.write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
    let repo = bench.repo().await;
    for _ in 0..2 {
        assert_eq!(push(&repo, "origin", &commit, "main").await.unwrap(), Pushed::Done, "may be repeated");
        assert_eq!(bench.oid(&bare, "main"), commit);
    }
    assert_eq!(bench.main(), later);
    assert_eq!(push(&repo, "origin", &commit, "bead/demo-1").await.unwrap(), Pushed::Done);
    assert_eq!(bench.oid(&bare, "bead/demo-1"), commit);
}

#[tokio::test]
async fn a_remote_that_went_on_is_never_forced() {
    let (bench, bare) = with_remote();
    let base = bench.main();
    let theirs = bench.commit(&[("theirs.txt", "1\n")], "theirs");
    bench.git(&["push", "-q", "origin", "main"]);
    bench.git(&["reset", "-q", "--hard", base.as_str()]);
    let ours = bench.commit(&[("ours.txt", "1\n")], "ours");
    bench.git(&["config", "--add", "remote.origin.push", "+refs/heads/*:refs/heads/*"]);
    let repo = bench.repo().await;
    let Pushed::Refused(why) = push(&repo, "origin", &ours, "main").await.unwrap() else { panic!("forced") };
    assert!(why.contains("rejected"), "{why}");
    assert_eq!(bench.oid(&bare, "main"), theirs);
}

#[tokio::test]
async fn remotes_that_are_away_or_unknown_give_a_reason() {
    let (bench, _) = with_remote();
    let commit = bench.main();
    bench.git(&["remote", "add", "away", "https://me:secret@127.0.0.1:9/x.git"]);
    bench.git(&["remote", "add", "gone", "/nowhere/at/all.git"]);
    let repo = bench.repo().await;
    for (name, word) in
        [("away", "127.0.0.1"), ("gone", "nowhere"), ("missing", "no remote"), ("-x", "no name")]
    {
        let pushed = push(&repo, name, &commit, "main").await.unwrap();
        let Pushed::Refused(why) = pushed else { panic!("{name} took it") };
        assert!(why.contains(word) && !why.contains("secret"), "{name}: {why}");
    }
    // A name that is no remote would be a path to git.
    let inside = bench.dir.path().join("user/sneaky.git");
    bench.git(&["init", "-q", "--bare", &inside.to_string_lossy()]);
    assert!(matches!(push(&repo, "sneaky.git", &commit, "main").await.unwrap(), Pushed::Refused(_)));
}

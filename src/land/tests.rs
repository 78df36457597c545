use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::workspace::fixture::{Bench, run_id, write};

/// Does something once at one step, or abandons the landing there.
struct At<'a> {
    step: Step,
    act: Box<dyn Fn() -> ControlFlow<()> + Send + Sync + 'a>,
    seen: Mutex<Vec<Step>>,
}

impl<'a> At<'a> {
    fn new(step: Step, act: impl Fn() -> ControlFlow<()> + Send + Sync + 'a) -> Self {
        Self { step, act: Box::new(act), seen: Mutex::default() }
    }

    fn crash(step: Step) -> Self {
        Self::new(step, || ControlFlow::Break(()))
    }

    fn has_seen(&self) -> bool {
        self.seen.lock().unwrap().contains(&self.step)
    }
}

impl Steps for At<'_> {
    fn reached(&self, step: Step) -> ControlFlow<()> {
        let mut seen = self.seen.lock().unwrap();
        let first = !seen.contains(&step);
        seen.push(step);
        if step == self.step && first { (self.act)() } else { ControlFlow::Continue(()) }
    }
}

/// A gated piece of work, ready to land.
struct Ready {
    repo: UserRepo,
    target: String,
    old: Oid,
    new: Oid,
    tree: Oid,
    run: RunId,
    bead: BeadId,
    notes: PathBuf,
}

impl Ready {
    async fn new(bench: &Bench, agent: impl FnOnce(&Path)) -> Self {
        let (run, old) = (run_id(1), bench.main());
        let work = bench.work(&run, agent).await.unwrap();
        let (new, tree) = bench.merged(&run, &old, &work.tip).await;
        let notes = bench.places().landing(&run);
        let bead = BeadId::new("demo-1");
        Self { repo: bench.repo().await, target: "main".into(), old, new, tree, run, bead, notes }
    }

    fn request(&self) -> LandRequest<'_> {
        LandRequest {
            repo: &self.repo,
            target: &self.target,
            old: &self.old,
            new: &self.new,
            tree: &self.tree,
            run: &self.run,
            bead: &self.bead,
            notes: &self.notes,
        }
    }

    async fn land(&self) -> Result<Landing, LandError> {
        land(&self.request(), &Unwatched).await
    }

    fn is_landed(&self, bench: &Bench) {
        assert_eq!(bench.main(), self.new);
        assert_eq!(bench.oid(&bench.user(), "main^{tree}"), self.tree);
        assert!(!self.notes.exists());
        assert!(!bench.user().join(".git/HEAD.lock").exists());
        assert!(!bench.user().join(".git/refs/heads/main.lock").exists());
        assert!(!bench.user().join(".git/index.lock").exists());
        bench.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

fn change(clone: &Path) {
    let text = std::fs::read_to_string(clone.join("src/a.txt")).unwrap();
    write(clone, "src/a.txt", &text.replace("line 3\n", "line three\n"));
    write(clone, "src/new/c.txt", "c\n");
    std::fs::remove_file(clone.join("src/b.txt")).unwrap();
}

async fn beside(bench: &Bench, ready: &Ready) -> Obstacle {
    let before = bench.snapshot();
    let old = bench.main();
    let Landing::Beside { branch, why } = ready.land().await.unwrap() else { panic!("not beside") };
    assert_eq!(bench.snapshot(), before);
    assert_eq!(bench.main(), old);
    assert_eq!(bench.oid(&bench.user(), &format!("refs/heads/{branch}")), ready.new);
    assert!(!why.to_string().is_empty());
    why
}

#[tokio::test]
async fn a_clean_checkout_moves_with_its_branch() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.write(".env", "secret\n");
    bench.write("notes.log", "mine\n");
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    ready.is_landed(&bench);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    assert_eq!(bench.read("src/new/c.txt"), "c\n");
    assert_eq!((bench.read(".env"), bench.read("notes.log")), ("secret\n".into(), "mine\n".into()));
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
}

#[tokio::test]
async fn files_only_touched_do_not_stop_a_landing() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    let text = bench.read("src/a.txt");
    std::fs::remove_file(bench.user().join("src/a.txt")).unwrap();
    bench.write("src/a.txt", &text);
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
}

#[tokio::test]
async fn a_target_nobody_has_checked_out_is_swapped() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["checkout", "-q", "-b", "elsewhere"]);
    bench.write("src/a.txt", "dirty\n");
    let before = bench.snapshot();
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    assert_eq!(bench.snapshot(), before);
    ready.is_landed(&bench);

    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["checkout", "-q", "--detach"]);
    let before = bench.snapshot();
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    assert_eq!(bench.snapshot(), before);
}

#[tokio::test]
async fn t29_dirty_checkouts_are_landed_beside() {
    for staged in [false, true] {
        let bench = Bench::new();
        let ready = Ready::new(&bench, change).await;
        bench.write("untracked.txt", "u\n");
        bench.write("README.md", "stashed\n");
        bench.git(&["stash"]);
        bench.write("README.md", "my own edit\n");
        if staged {
            bench.git(&["add", "README.md"]);
        }
        assert_eq!(beside(&bench, &ready).await, Obstacle::Dirty(vec!["README.md".into()]));
        assert_eq!(bench.oid(&bench.user(), "refs/heads/bead/demo-1"), ready.new);
        // Said again, it is the same branch.
        beside(&bench, &ready).await;
    }
}

#[tokio::test]
async fn the_tracker_is_never_dirt_and_never_touched() {
    let bench = Bench::new();
    bench.commit(&[(".beads/issues.jsonl", "one\n")], "Tracker");
    let ready = Ready::new(&bench, |clone| {
        change(clone);
        write(clone, ".beads/issues.jsonl", "hijacked\n");
    })
    .await;
    bench.write(".beads/issues.jsonl", "one\nstaged\n");
    bench.git(&["add", ".beads"]);
    bench.write(".beads/issues.jsonl", "one\nstaged\nclaimed\n");
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    assert_eq!(bench.read(".beads/issues.jsonl"), "one\nstaged\nclaimed\n");
    assert_eq!(bench.git(&["show", ":.beads/issues.jsonl"]), "one\nstaged");
    assert_eq!(bench.git(&["show", "main:.beads/issues.jsonl"]), "one");
}

#[tokio::test]
async fn t29_an_ignored_file_in_the_way_is_not_overwritten() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, |clone| {
        write(clone, ".env", "agent\n");
        std::fs::write(clone.join(".gitignore"), "*.log\n").unwrap();
    })
    .await;
    bench.write(".env", "the user's secret\n");
    assert_eq!(beside(&bench, &ready).await, Obstacle::InTheWay(vec![".env".into()]));

    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.write("src/new", "a file where a folder comes\n");
    assert_eq!(beside(&bench, &ready).await, Obstacle::InTheWay(vec!["src/new".into()]));

    let bench = Bench::new();
    let ready = Ready::new(&bench, |clone| write(clone, "build", "a file\n")).await;
    bench.write("build/x.log", "where a folder is\n");
    assert_eq!(beside(&bench, &ready).await, Obstacle::InTheWay(vec!["build".into()]));
}

#[tokio::test]
async fn a_folder_may_become_a_file_and_back() {
    let bench = Bench::new();
    bench.commit(&[("thing/a", "a\n"), ("other", "o\n")], "Folder");
    let ready = Ready::new(&bench, |clone| {
        std::fs::remove_dir_all(clone.join("thing")).unwrap();
        std::fs::remove_file(clone.join("other")).unwrap();
        write(clone, "thing", "now a file\n");
        write(clone, "other/b", "b\n");
    })
    .await;
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
}

#[tokio::test]
async fn t02_a_landed_attribute_does_not_run_the_users_filter() {
    let bench = Bench::new();
    let canary = bench.dir.path().join("canary");
    let smudge = format!("sh -c 'touch {}; cat'", canary.display());
    bench.git(&["config", "filter.evil.smudge", &smudge]);
    let ready = Ready::new(&bench, |clone| {
        write(clone, ".gitattributes", "*.x filter=evil\n");
        write(clone, "c.x", "c\n");
    })
    .await;
    assert_eq!(beside(&bench, &ready).await, Obstacle::Filtered(vec!["c.x".into()]));
    assert!(!canary.exists());

    // The attribute may also stand in a file of the user's that is not tracked.
    let bench = Bench::new();
    bench.git(&["config", "filter.evil.smudge", &smudge]);
    let ready = Ready::new(&bench, |clone| write(clone, "sub/d.y", "d\n")).await;
    bench.write("sub/.gitattributes", "*.y filter=evil\n");
    assert_eq!(beside(&bench, &ready).await, Obstacle::Filtered(vec!["sub/d.y".into()]));
    assert!(!canary.exists());
}

#[tokio::test]
async fn t29_edits_git_was_told_not_to_see_are_kept() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let bench = Bench::new();
        let ready = Ready::new(&bench, change).await;
        bench.git(&["update-index", flag, "src/a.txt"]);
        bench.write("src/a.txt", "a private edit\n");
        assert_eq!(beside(&bench, &ready).await, Obstacle::Flagged(vec!["src/a.txt".into()]));
    }
}

#[tokio::test]
async fn sparse_and_unfinished_checkouts_are_landed_beside() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["sparse-checkout", "set", "--no-cone", "/README.md"]);
    assert_eq!(beside(&bench, &ready).await, Obstacle::Sparse);
    bench.git(&["sparse-checkout", "disable"]);
    std::fs::write(bench.user().join(".git/MERGE_HEAD"), format!("{}\n", ready.old)).unwrap();
    let why = beside(&bench, &ready).await;
    assert_eq!(why.to_string(), "a merge is in progress");
}

#[tokio::test]
async fn a_branch_named_bead_gives_the_other_name() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["branch", "bead"]);
    bench.write("README.md", "edit\n");
    beside(&bench, &ready).await;
    let name = format!("refs/heads/bead-demo-1-{}", ready.run);
    assert_eq!(bench.oid(&bench.user(), &name), ready.new);
}

#[tokio::test]
async fn a_users_branch_of_our_name_is_not_moved() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["branch", "bead/demo-1"]);
    bench.write("README.md", "edit\n");
    beside(&bench, &ready).await;
    assert_eq!(bench.oid(&bench.user(), "refs/heads/bead/demo-1"), ready.old);
}

#[tokio::test]
async fn linked_work_trees_move_too() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    let linked = bench.dir.path().join("linked");
    bench.git(&["checkout", "-q", "-b", "elsewhere"]);
    bench.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    let before = bench.snapshot();
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    assert_eq!(bench.snapshot(), before);
    assert_eq!(bench.git_in(&linked, &["status", "--porcelain"]), "");
    assert!(linked.join("src/new/c.txt").exists());
    ready.is_landed(&bench);
}

#[tokio::test]
async fn work_trees_that_are_gone_or_doubled_are_landed_beside() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    let linked = bench.dir.path().join("linked");
    bench.git(&["worktree", "add", "-q", "-f", linked.to_str().unwrap(), "main"]);
    assert_eq!(beside(&bench, &ready).await, Obstacle::SeveralWorkTrees);
    bench.git(&["checkout", "-q", "-b", "elsewhere"]);
    std::fs::remove_dir_all(&linked).unwrap();
    assert!(matches!(beside(&bench, &ready).await, Obstacle::WorkTreeGone(_)));
}

#[tokio::test]
async fn t28_the_users_commits_win() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    let user = bench.user();
    let watch = At::new(Step::Checked, || {
        assert_eq!(bench.try_git(&user, &["commit", "-q", "--allow-empty", "-m", "quick"]).0, 0);
        ControlFlow::Continue(())
    });
    let tip = match land(&ready.request(), &watch).await.unwrap() {
        Landing::Moved { tip } => tip,
        other => panic!("{other:?}"),
    };
    assert_eq!(tip, Some(bench.main()));
    assert!(!user.join("src/new/c.txt").exists());
}

#[tokio::test]
async fn t28_while_the_branch_is_locked_a_commit_fails_cleanly() {
    for step in [Step::Prepared, Step::Rechecked, Step::FilesMoved] {
        let bench = Bench::new();
        let ready = Ready::new(&bench, change).await;
        let user = bench.user();
        let watch = At::new(step, || {
            let (code, _, err) = bench.try_git(&user, &["commit", "-q", "--allow-empty", "-m", "quick"]);
            assert!(code != 0 && err.contains("lock"), "{err}");
            ControlFlow::Continue(())
        });
        assert_eq!(land(&ready.request(), &watch).await.unwrap(), Landing::Advanced);
        assert!(watch.has_seen());
        ready.is_landed(&bench);
        assert_eq!(bench.git(&["status", "--porcelain"]), "");
    }
}

#[tokio::test]
async fn an_edit_in_the_last_moment_is_seen() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    let watch = At::new(Step::Prepared, || {
        bench.write("src/a.txt", "in the last moment\n");
        ControlFlow::Continue(())
    });
    let landed = land(&ready.request(), &watch).await.unwrap();
    assert!(matches!(landed, Landing::Beside { why: Obstacle::Dirty(_), .. }), "{landed:?}");
    assert_eq!(bench.read("src/a.txt"), "in the last moment\n");
    assert_eq!(bench.main(), ready.old);
    bench.git(&["commit", "-q", "-a", "-m", "free again"]);
}

#[tokio::test]
async fn f39_a_deleted_or_rewritten_target_is_not_made_again() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["checkout", "-q", "-b", "elsewhere"]);
    bench.git(&["branch", "-q", "-D", "main"]);
    assert_eq!(ready.land().await.unwrap(), Landing::Moved { tip: None });
    assert_eq!(bench.repo().await.branch_tip("main").await.unwrap(), None);
}

#[tokio::test]
async fn t28_another_tree_than_the_gated_one_never_lands() {
    let bench = Bench::new();
    let mut ready = Ready::new(&bench, change).await;
    ready.tree = bench.oid(&bench.user(), "main^{tree}");
    assert!(matches!(ready.land().await, Err(LandError::WrongTree { .. })));
    assert_eq!(bench.main(), ready.old);
}

#[tokio::test]
async fn f06_a_crash_at_any_step_is_finished_by_recovery() {
    for step in [Step::Checked, Step::Prepared, Step::Rechecked, Step::FilesMoved, Step::Committed] {
        for elsewhere in [false, true] {
            let bench = Bench::new();
            let ready = Ready::new(&bench, change).await;
            bench.write(".env", "mine\n");
            if elsewhere {
                bench.git(&["checkout", "-q", "--detach"]);
            }
            let crash = At::crash(step);
            let crashed = land(&ready.request(), &crash).await;
            if !crash.has_seen() {
                continue;
            }
            assert!(matches!(crashed, Err(LandError::Abandoned(at)) if at == step), "{crashed:?}");
            assert_eq!(recover(&ready.request(), &Unwatched).await.unwrap(), Landing::Advanced, "{step:?}");
            ready.is_landed(&bench);
            assert_eq!(bench.read(".env"), "mine\n");
            if !elsewhere {
                assert_eq!(bench.git(&["status", "--porcelain"]), "", "{step:?}");
            }
            assert_eq!(recover(&ready.request(), &Unwatched).await.unwrap(), Landing::Advanced);
            bench.git(&["commit", "-q", "--allow-empty", "-m", "free again"]);
        }
    }
}

#[tokio::test]
async fn f06_a_crash_beside_is_finished_too() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.write("README.md", "edit\n");
    assert!(land(&ready.request(), &At::crash(Step::BranchMade)).await.is_err());
    let again = recover(&ready.request(), &Unwatched).await.unwrap();
    assert!(matches!(again, Landing::Beside { branch, .. } if branch == "bead/demo-1"));
}

#[tokio::test]
async fn f06_half_written_files_are_ours_and_finished() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    assert!(land(&ready.request(), &At::crash(Step::Rechecked)).await.is_err());
    // What a killed read-tree leaves: some files written, one cut off, one gone, the index as it was.
    let whole = bench.git(&["show", &format!("{}:src/a.txt", ready.new)]);
    bench.write("src/a.txt", &whole[..30]);
    bench.write("src/new/c.txt", "c\n");
    std::fs::remove_file(bench.user().join("src/b.txt")).unwrap();
    assert_eq!(recover(&ready.request(), &Unwatched).await.unwrap(), Landing::Advanced);
    ready.is_landed(&bench);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
}

#[tokio::test]
async fn f06_what_the_user_wrote_after_the_crash_is_kept() {
    // Before files moved: their edit is dirt.
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    assert!(land(&ready.request(), &At::crash(Step::Rechecked)).await.is_err());
    bench.write("src/a.txt", "edited after the crash\n");
    let landed = recover(&ready.request(), &Unwatched).await.unwrap();
    assert!(matches!(landed, Landing::Beside { why: Obstacle::Dirty(_), .. }), "{landed:?}");
    assert_eq!(bench.read("src/a.txt"), "edited after the crash\n");
    bench.git(&["commit", "-q", "-a", "-m", "free again"]);

    // After files moved: the ref follows, the edit stays an edit.
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    assert!(land(&ready.request(), &At::crash(Step::FilesMoved)).await.is_err());
    bench.write("src/a.txt", "edited after the crash\n");
    assert_eq!(recover(&ready.request(), &Unwatched).await.unwrap(), Landing::Advanced);
    assert_eq!(bench.read("src/a.txt"), "edited after the crash\n");
    assert_eq!(bench.git(&["status", "--porcelain"]), " M src/a.txt");

    // In between, mixed with half-written files: nothing is touched, the user is told.
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    assert!(land(&ready.request(), &At::crash(Step::Rechecked)).await.is_err());
    bench.write("src/new/c.txt", "c\n");
    bench.write("README.md", "edited after the crash\n");
    let told = recover(&ready.request(), &Unwatched).await;
    assert!(
        matches!(told, Err(LandError::HalfMoved { ref paths, .. }) if paths == &["README.md"]),
        "{told:?}"
    );
    assert_eq!(bench.read("README.md"), "edited after the crash\n");
}

#[tokio::test]
async fn f38_a_lock_that_is_not_ours_stays() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    let lock = bench.user().join(".git/refs/heads/main.lock");
    let head = bench.user().join(".git/HEAD.lock");
    for content in [String::new(), format!("{}\n", ready.old)] {
        std::fs::write(&lock, &content).unwrap();
        std::fs::write(&head, "").unwrap();
        let blocked = recover(&ready.request(), &Unwatched).await;
        assert!(matches!(blocked, Err(LandError::Locked(_))), "{blocked:?}");
        assert!(lock.exists() && head.exists());
    }
    // It holds the new commit, but no dead git of ours is on record.
    let _ = std::fs::remove_file(&ready.notes);
    std::fs::write(&lock, format!("{}\n", ready.new)).unwrap();
    let blocked = recover(&ready.request(), &Unwatched).await;
    assert!(matches!(blocked, Err(LandError::Locked(_))), "{blocked:?}");
    assert!(lock.exists() && head.exists());
    assert_eq!(bench.main(), ready.old);
    std::fs::remove_file(&lock).unwrap();
    std::fs::remove_file(&head).unwrap();
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
}

#[tokio::test]
async fn f38_an_index_lock_is_waited_for_then_landed_beside() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    std::fs::write(bench.user().join(".git/index.lock"), "").unwrap();
    let landed = ready.land().await.unwrap();
    assert!(matches!(landed, Landing::Beside { why: Obstacle::IndexLocked(_), .. }), "{landed:?}");
    assert!(bench.user().join(".git/index.lock").exists());
}

#[tokio::test]
async fn f40_landed_objects_survive_the_users_gc() {
    let bench = Bench::new();
    let ready = Ready::new(&bench, change).await;
    bench.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(ready.land().await.unwrap(), Landing::Advanced);
    bench.git(&["gc", "-q", "--prune=now"]);
    ready.is_landed(&bench);
}

/// One round of a queue: whoever finds the target moved merges again, as the engine does.
async fn land_in_turn(bench: &Bench, run: &RunId, base: &Oid, tip: &Oid) {
    for _ in 0..4 {
        let old = bench.main();
        let (new, tree) = bench.merged(run, base, tip).await;
        let (repo, bead) = (bench.repo().await, BeadId::new(format!("demo-{run}")));
        let notes = bench.places().landing(run);
        let request = LandRequest {
            repo: &repo,
            target: "main",
            old: &old,
            new: &new,
            tree: &tree,
            run,
            bead: &bead,
            notes: &notes,
        };
        match land(&request, &Unwatched).await.unwrap() {
            Landing::Advanced => return,
            Landing::Moved { .. } => {}
            Landing::Beside { why, .. } => panic!("{why}"),
            Landing::OnBranch { branch } => panic!("{branch}"),
        }
    }
    panic!("never landed");
}

async fn queue(lines: &[(usize, bool)]) -> Result<(), TestCaseError> {
    let bench = Bench::new();
    let base = bench.main();
    let mut works = Vec::new();
    for (n, (line, _)) in lines.iter().enumerate() {
        let run = run_id(u32::try_from(n).unwrap() + 1);
        let agent = |clone: &Path| {
            let text = std::fs::read_to_string(clone.join("src/a.txt")).unwrap();
            write(clone, "src/a.txt", &text.replace(&format!("line {line}\n"), &format!("by {n} {line}\n")));
            write(clone, &format!("new/{n}.txt"), "new\n");
        };
        let work = bench.work(&run, agent).await.unwrap();
        works.push((run, work.tip));
    }
    for (n, ((_, user_commits), (run, tip))) in lines.iter().zip(&works).enumerate() {
        if *user_commits {
            bench.commit(&[(&format!("user/{n}.txt"), "user\n")], "User");
        }
        land_in_turn(&bench, run, &base, tip).await;
    }
    let text = bench.git(&["show", "main:src/a.txt"]);
    for (n, (line, user_commits)) in lines.iter().enumerate() {
        prop_assert!(text.contains(&format!("by {n} {line}")), "{}", text);
        let landed = bench.user().join(format!("new/{n}.txt")).exists();
        prop_assert!(landed);
        prop_assert_eq!(bench.user().join(format!("user/{n}.txt")).exists(), *user_commits);
    }
    prop_assert_eq!(bench.git(&["status", "--porcelain"]), "");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 4, ..ProptestConfig::default() })]

    #[test]
    fn t28_every_landed_hunk_of_a_queue_survives(
        picked in proptest::sample::subsequence(vec![1_usize, 4, 7, 10, 13, 16], 1..=6).prop_shuffle(),
        users in proptest::collection::vec(any::<bool>(), 6),
    ) {
        let lines: Vec<(usize, bool)> = picked.into_iter().zip(users).collect();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(queue(&lines))?;
    }
}

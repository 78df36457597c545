use super::*;
use crate::workspace::fixture::Bench;

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let bench = Bench::new();
    let git = bench.program();
    let at = |name: &str| bench.dir.path().join(name);
    let open = |path: PathBuf| {
        let git = git.clone();
        async move { UserRepo::open(&git, &path).await.unwrap_err() }
    };
    std::fs::create_dir(at("empty")).unwrap();
    assert!(matches!(open(at("empty")).await, RepoError::NotARepository(_)));
    bench.git_in(bench.dir.path(), &["clone", "-q", "--bare", "user", "bare"]);
    assert!(matches!(open(at("bare")).await, RepoError::Bare(_)));
    assert!(matches!(open(bench.user().join(".git")).await, RepoError::Bare(_)));
    bench.commit(&[("x", "1")], "Second");
    let url = format!("file://{}", bench.user().display());
    bench.git_in(bench.dir.path(), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    assert!(matches!(open(at("shallow")).await, RepoError::Shallow(_)));
    bench.git_in(bench.dir.path(), &["init", "-q", "--object-format=sha256", "sha256"]);
    assert!(matches!(open(at("sha256")).await, RepoError::Format { .. }));
    bench.git(&["config", "uploadpack.allowFilter", "true"]);
    bench.git_in(bench.dir.path(), &["clone", "-q", "--filter=blob:none", &url, "partial"]);
    assert!(matches!(open(at("partial")).await, RepoError::Partial(_)));
}

#[tokio::test]
async fn a_foreign_owner_is_refused_whatever_the_user_trusts() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let bench = Bench::new();
    std::fs::write(bench.home().join(".gitconfig"), "[safe]\n\tdirectory = *\n").unwrap();
    for path in [bench.user(), bench.user().join(".git")] {
        std::os::unix::fs::chown(path, Some(12345), Some(12345)).unwrap();
    }
    let refused = UserRepo::open(&bench.program(), &bench.user()).await.unwrap_err();
    assert!(matches!(refused, RepoError::ForeignOwner(_)), "{refused:?}");
    assert!(refused.to_string().contains("chown"));
}

#[tokio::test]
async fn head_branches_and_dirt() {
    let bench = Bench::new();
    let repo = bench.repo().await;
    let tip = bench.main();
    assert_eq!(repo.head().await.unwrap(), Head::Branch { name: "main".into(), tip: tip.clone() });
    assert_eq!(repo.branch_tip("main").await.unwrap(), Some(tip.clone()));
    for odd in ["nothing", "main~0", "main^{commit}", "--help", "-d", "", "a b", "main@{0}"] {
        assert_eq!(repo.branch_tip(odd).await.unwrap(), None, "{odd}");
    }
    assert!(repo.check_branch("feature/x").await.is_ok());
    for bad in ["", "a..b", "a b", "-x.lock", "a\nb", "HEAD", "x/"] {
        assert!(repo.check_branch(bad).await.is_err(), "{bad}");
    }
    assert!(repo.is_reachable(&tip, "main").await.unwrap());
    assert!(!repo.is_reachable(&Oid::parse(&"1".repeat(40)).unwrap(), "main").await.unwrap());
    assert_eq!(repo.file_at(&tip, "src/b.txt", 10).unwrap().as_deref(), Some(b"b\n".as_slice()));
    assert_eq!(repo.file_at(&tip, "src", 10).unwrap(), None);
    assert!(repo.file_at(&tip, "src/a.txt", 10).is_err());

    bench.write("untracked.txt", "u");
    bench.write(".beads/issues.jsonl", "{}\n");
    bench.git(&["add", ".beads"]);
    assert!(repo.dirty_paths().await.unwrap().is_empty());
    bench.write("src/a.txt", "changed");
    bench.write("staged.txt", "s");
    bench.git(&["add", "staged.txt"]);
    let mut dirty = repo.dirty_paths().await.unwrap();
    dirty.sort();
    assert_eq!(dirty, ["src/a.txt", "staged.txt"]);

    bench.git(&["checkout", "-q", "--detach", "HEAD"]);
    assert_eq!(repo.head().await.unwrap(), Head::Detached(tip));
    bench.git(&["checkout", "-q", "--orphan", "fresh"]);
    assert_eq!(repo.head().await.unwrap(), Head::Unborn { name: "fresh".into() });
}

#[tokio::test]
async fn work_trees_that_hold_a_branch() {
    let bench = Bench::new();
    let repo = bench.repo().await;
    let linked = bench.dir.path().join("linked tree");
    bench.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let found = repo.checked_out_in("side").await.unwrap();
    assert_eq!(found.iter().map(|w| &w.root).collect::<Vec<_>>(), [&linked]);
    assert!(found[0].git_dir.as_ref().unwrap().ends_with("worktrees/linked-tree"));
    assert!(repo.checked_out_in("other").await.unwrap().is_empty());
    let inner = UserRepo::open(&bench.program(), &linked).await.unwrap();
    assert_eq!(inner.root(), linked);
    assert_eq!(inner.common_dir(), repo.common_dir());
    assert_eq!(inner.checked_out_in("main").await.unwrap()[0].root, bench.user());

    // A rebase detaches the head, but the branch is still in work there.
    bench.commit_in(&linked, &[("src/b.txt", "side\n")], "Side");
    bench.commit(&[("src/b.txt", "main\n")], "Main");
    assert_ne!(bench.try_git(&linked, &["rebase", "main"]).0, 0);
    assert_eq!(repo.checked_out_in("side").await.unwrap().len(), 1);
    assert_eq!(Operation::in_git_dir(inner.git_dir()), Some(Operation::Rebase));
    std::fs::remove_dir_all(&linked).unwrap();
    assert!(Operation::in_git_dir(repo.git_dir()).is_none());
}

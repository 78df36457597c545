use super::*;
use crate::workspace::fixture::Bench;

/// T29: what would throw away a user's work does not exist in this house.
#[test]
fn t29_the_list_of_verbs_is_closed() {
    let source = include_str!("verb.rs");
    let body = source.split("fn words").nth(1).unwrap().split("    }\n}\n").next().unwrap();
    let mut first: Vec<&str> = body
        .lines()
        .filter_map(|line| line.split("&[\"").nth(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    first.sort_unstable();
    first.dedup();
    let allowed = [
        "check-attr",
        "check-ref-format",
        "clone",
        "commit-tree",
        "config",
        "diff-index",
        "fetch",
        "gc",
        "index-pack",
        "init",
        "ls-files",
        "merge-tree",
        "mktree",
        "push",
        "read-tree",
        "rev-list",
        "rev-parse",
        "show-ref",
        "status",
        "symbolic-ref",
        "update-index",
        "update-ref",
        "version",
        "worktree",
    ];
    assert_eq!(first, allowed);
    // Packing the user's repository is the user's own matter.
    let user = [
        include_str!("../repo.rs"),
        include_str!("../repo/worktree.rs"),
        include_str!("../publish.rs"),
        include_str!("../../land/conditions.rs"),
        include_str!("../../land/transaction.rs"),
    ];
    assert!(user.iter().all(|source| !source.contains("CollectGarbage")));
    let callers = [include_str!("../../land/conditions.rs"), include_str!("../../land/transaction.rs")];
    for source in callers {
        assert!(!source.contains("--reset") && !source.contains("--force"));
    }
}

#[tokio::test]
async fn t25_a_git_that_hangs_is_stopped_with_what_it_started() {
    let bench = Bench::new();
    let shim = bench.dir.path().join("shim");
    std::fs::create_dir(&shim).unwrap();
    let pid = bench.dir.path().join("pid");
    crate::workspace::fixture::write(
        &shim,
        "git",
        &format!("#!/bin/sh\nsleep 300 &\necho $! > {}\nwait\n", pid.display()),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(shim.join("git"), mode).unwrap();
    let git = Git::new([("PATH".into(), format!("{}:{}", shim.display(), bench.path).into())]);
    let ended = git.users(bench.dir.path(), Verb::Status).deadline(Duration::from_secs(2)).run().await;
    assert!(matches!(ended, Err(GitError::Deadline { .. })), "{ended:?}");
    let child: u32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    for _ in 0..1500 {
        if Fingerprint::of(child).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child of git lives on");
}

#[tokio::test]
async fn output_beyond_the_cap_is_an_error() {
    let bench = Bench::new();
    bench.commit(&[("big", &"x".repeat(100_000))], "Big");
    let program = bench.program();
    let mut call = program.users(&bench.user(), Verb::LsFiles);
    call.cap = 10;
    assert!(matches!(call.run().await, Err(GitError::TooMuch { .. })));
}

#[tokio::test]
async fn t52_variables_of_an_outer_git_do_not_reach_ours() {
    let bench = Bench::new();
    let git = Git::new([
        ("PATH".into(), bench.path.clone().into()),
        ("HOME".into(), bench.home().into()),
        ("GIT_DIR".into(), "/nowhere".into()),
        ("GIT_CONFIG_PARAMETERS".into(), "'core.bare'='true'".into()),
    ]);
    let top = git.users(&bench.user(), Verb::RevParse).arg("--show-toplevel").ok().await.unwrap();
    assert_eq!(top.line(), bench.user().to_str().unwrap());
}

#[test]
fn a_fingerprint_tells_processes_apart() {
    let own = Fingerprint::of(std::process::id()).unwrap();
    assert!(own.is_alive());
    assert_eq!(Fingerprint::parse(&own.to_line()), Some(own.clone()));
    let later = Fingerprint { started: own.started + 1, ..own.clone() };
    assert!(!later.is_alive());
    assert!(!Fingerprint { boot: "other".into(), ..own }.is_alive());
    for junk in ["", "x", "1 2", "-1 2 b"] {
        assert_eq!(Fingerprint::parse(junk), None);
    }
}

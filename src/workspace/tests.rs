//! Threats along the whole way of the objects: clone, export, import, publish.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::clone::{CloneRequest, make, remove};
use super::fixture::{Bench, run_id, write};
use super::import::{ImportError, ImportLimits, Imported, import};
use super::publish::{publish, withdraw};
use crate::domain::ids::Oid;

fn files_below(top: &Path) -> Vec<std::path::PathBuf> {
    let (mut open, mut found) = (vec![top.to_owned()], Vec::new());
    while let Some(dir) = open.pop() {
        for entry in dir.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

fn check_of(result: Result<impl std::fmt::Debug, ImportError>) -> String {
    match result {
        Err(ImportError::Rejected { check, .. }) => check,
        other => panic!("not rejected: {other:?}"),
    }
}

/// Refs and object count of the quarantine: what a refused import must leave alone.
async fn quarantine_state(bench: &Bench) -> String {
    let path = bench.quarantine().await.path().to_owned();
    assert!(path.join("incoming").read_dir().map_or(true, |mut dir| dir.next().is_none()));
    let refs = bench.git_in(&path, &["for-each-ref"]);
    refs + &bench.git_in(&path, &["cat-file", "--batch-all-objects", "--batch-check"])
}

#[tokio::test]
async fn a_run_comes_home_with_its_leftovers() {
    let bench = Bench::new();
    let base = bench.main();
    let before = bench.snapshot();
    let work = bench
        .work(&run_id(1), |clone| {
            bench.commit_in(clone, &[("src/c.txt", "one\ntwo\n")], "Add c");
            write(clone, "src/b.txt", "B\n");
            write(clone, "debug.log", "ignored\n");
            bench.git_in(clone, &["init", "-q", "vendor/other"]);
            bench.commit_in(&clone.join("vendor/other"), &[("x", "x")], "Foreign");
        })
        .await
        .unwrap();
    assert_eq!((work.commits, work.wip), (2, true));
    let shown: Vec<_> = work.changes.iter().map(|c| (c.shown(), c.added, c.removed)).collect();
    assert_eq!(shown, [("src/b.txt".into(), 1, 1), ("src/c.txt".into(), 2, 0)]);
    assert!(work.tracker_touched.is_empty());
    let (repo, quarantine) = (bench.repo().await, bench.quarantine().await);
    assert_eq!(publish(&quarantine, &repo, &run_id(1)).await.unwrap(), Some(work.tip.clone()));
    assert!(!bench.user().join(".git/FETCH_HEAD").exists());
    assert_eq!(bench.snapshot(), before);
    assert_eq!(bench.git(&["for-each-ref", "--format=%(refname)"]).lines().count(), 2);
    // A ref that somebody moved is theirs by now.
    assert!(withdraw(&repo, &run_id(1), &base).await.is_err());
    withdraw(&repo, &run_id(1), &work.tip).await.unwrap();
    withdraw(&repo, &run_id(1), &work.tip).await.unwrap();
    assert_eq!(repo.ref_tip(&run_id(1).ref_name()).await.unwrap(), None);
    // The next attempt begins where this one stopped, on the same base.
    let clone = bench.places().clone_dir(&run_id(2));
    make(&quarantine, &CloneRequest { path: &clone, run: &run_id(2), tip: &work.tip, owner: None })
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(clone.join("src/b.txt")).unwrap(), "B\n");
    assert_eq!(bench.git_in(&clone, &["branch", "--show-current"]), "work");
    let again = bench.import(&quarantine, &bench.export(&clone, &base), &base, &run_id(2)).await.unwrap();
    assert!(matches!(again, Imported::Work(again) if again.tip == work.tip && !again.wip));
}

#[tokio::test]
async fn nothing_changed_is_told_apart() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    write(&clone, "only.log", "ignored\n");
    let bytes = bench.export(&clone, &base);
    let imported = bench.import(&quarantine, &bytes, &base, &run_id(1)).await.unwrap();
    assert_eq!(imported, Imported::Unchanged);
    assert_eq!(quarantine.kept(&run_id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn t01_the_clone_shares_no_byte_with_anyone() {
    let bench = Bench::new();
    bench.commit(&[("x", "2")], "Second");
    bench.commit(&[("x", "3")], "Third");
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let files = files_below(&clone);
    assert!(files.iter().any(|f| f.starts_with(clone.join(".git/objects"))));
    for file in files {
        assert_eq!(file.symlink_metadata().unwrap().nlink(), 1, "{}", file.display());
        if file.starts_with(clone.join(".git/objects")) {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
            std::fs::write(&file, "junk").unwrap();
        }
    }
    bench.git(&["fsck", "--strict"]);
    bench.git_in(quarantine.path(), &["fsck", "--strict"]);
    assert_eq!(std::fs::metadata(&clone).unwrap().permissions().mode() & 0o777, 0o700);
}

/// A gate's container reads the quarantine as another user; on the host its private parent hides it.
#[tokio::test]
async fn the_quarantine_is_readable_inside_and_hidden_outside() {
    let bench = Bench::new();
    let work = bench.work(&run_id(1), |clone| write(clone, "c", "c\n")).await.unwrap();
    bench.merged(&run_id(1), &bench.main(), &work.tip).await;
    let path = bench.quarantine().await.path().to_owned();
    let mode = |path: &Path| path.symlink_metadata().unwrap().permissions().mode();
    assert_eq!(mode(path.parent().unwrap()) & 0o777, 0o700);
    assert_eq!(mode(&path) & 0o005, 0o005);
    assert_eq!(mode(&path.join("objects/pack")) & 0o005, 0o005);
    for file in files_below(&path) {
        assert_eq!(mode(&file) & 0o004, 0o004, "{}", file.display());
    }
    assert_eq!(bench.git_in(&path, &["config", "core.sharedRepository"]), "0644");
}

#[tokio::test]
async fn t01_a_shared_file_stops_the_handing_over() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    std::fs::hard_link(clone.join("README.md"), bench.dir.path().join("second-name")).unwrap();
    let refused = super::clone::hand_over(&clone, None);
    assert!(matches!(refused, Err(super::clone::CloneError::Shared(_))));
}

#[tokio::test]
async fn the_clone_belongs_to_its_run_and_goes_whatever_is_in_it() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    quarantine.fetch(&bench.repo().await, &base).await.unwrap();
    let path = bench.places().clone_dir(&run_id(1));
    let request = CloneRequest { path: &path, run: &run_id(1), tip: &base, owner: Some((12345, 23456)) };
    make(&quarantine, &request).await.unwrap();
    for file in files_below(&path).into_iter().chain([path.clone(), path.join(".git")]) {
        let found = file.symlink_metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (12345, 23456), "{}", file.display());
    }
    assert!(matches!(make(&quarantine, &request).await, Err(super::clone::CloneError::Exists(_))));
    let outside = bench.dir.path().join("outside");
    write(&outside, "kept", "k");
    symlink(&outside, path.join("link")).unwrap();
    std::fs::create_dir(path.join("locked")).unwrap();
    std::fs::set_permissions(path.join("locked"), PermissionsExt::from_mode(0o0)).unwrap();
    remove(&path).unwrap();
    assert!(!path.exists() && outside.join("kept").exists());
    remove(&path).unwrap();
}

#[tokio::test]
async fn t53_the_clone_knows_no_branch_stash_or_remote() {
    let bench = Bench::new();
    let base = bench.main();
    bench.git(&["remote", "add", "origin", "https://token-in-url@example.com/x"]);
    bench.git(&["checkout", "-q", "-b", "secret"]);
    let secret = bench.commit(&[("secret.txt", "canary-on-a-branch")], "Secret");
    bench.git(&["tag", "secret-tag"]);
    bench.write("secret.txt", "canary-in-a-stash");
    bench.git(&["stash"]);
    let stash = bench.oid(&bench.user(), "refs/stash");
    bench.git(&["checkout", "-q", "main"]);
    let clone = bench.clone(&bench.quarantine().await, &run_id(1), &base).await;
    for oid in [secret, stash] {
        assert_ne!(bench.try_git(&clone, &["cat-file", "-e", oid.as_str()]).0, 0);
    }
    assert_eq!(bench.git_in(&clone, &["for-each-ref", "--format=%(refname)"]), "refs/heads/work");
    assert_eq!(bench.git_in(&clone, &["remote"]), "");
    assert_eq!(bench.git_in(&clone, &["status", "--porcelain"]), "");
    let host = bench.dir.path().to_string_lossy().into_owned();
    for file in files_below(&clone) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains("token-in-url") && !text.contains(&host), "{}", file.display());
    }
}

/// T02: sixteen settings and ten hooks that run programs; the export runs none, the host none either.
#[tokio::test]
async fn t02_planted_settings_never_run() {
    let bench = Bench::new();
    let canary = bench.dir.path().join("canary");
    let touch = format!("touch {}", canary.display());
    let work = bench.work(&run_id(1), |clone| plant(clone, &touch)).await.unwrap();
    assert!(work.wip);
    let (commit, _) = bench.merged(&run_id(1), &bench.main(), &work.tip).await;
    assert_eq!(bench.git(&["show", &format!("{commit}:src/b.txt")]), "changed");
    assert!(!canary.exists());
}

fn plant(clone: &Path, touch: &str) {
    let mut config = "[core]\n\trepositoryformatversion = 0\n".to_owned();
    config +=
        &format!("\tfsmonitor = {touch}\n\tsshCommand = {touch}\n\teditor = {touch}\n\tpager = {touch}\n");
    config += &format!("\tgitProxy = {touch}\n\talternateRefsCommand = {touch}\n\taskPass = {touch}\n");
    config +=
        &format!("[filter \"f\"]\n\tclean = {touch}\n\tsmudge = {touch}\n\tprocess = {touch}\n\trequired\n");
    config +=
        &format!("[diff]\n\texternal = {touch}\n[diff \"f\"]\n\ttextconv = {touch}\n\tcommand = {touch}\n");
    config += &format!("[merge \"f\"]\n\tdriver = {touch}\n[uploadpack]\n\tpackObjectsHook = {touch}\n");
    config += &format!(
        "[credential]\n\thelper = !{touch}\n[gpg]\n\tprogram = {touch}\n[commit]\n\tgpgSign = true\n"
    );
    config += "[extensions]\n\tworktreeConfig = true\n[include]\n\tpath = more\n";
    write(clone, ".git/config", &config);
    write(clone, ".git/config.worktree", &format!("[core]\n\tfsmonitor = {touch}\n"));
    write(clone, ".git/more", &format!("[core]\n\tfsmonitor = {touch}\n"));
    write(clone, ".git/info/attributes", "* filter=f diff=f merge=f\n");
    write(clone, ".gitattributes", "*.txt filter=f diff=f merge=f\n");
    let hooks = [
        "pre-commit",
        "post-commit",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-push",
        "post-merge",
        "update",
        "post-update",
        "pre-auto-gc",
    ];
    for hook in hooks {
        let path = format!(".git/hooks/{hook}");
        write(clone, &path, &format!("#!/bin/sh\n{touch}\n"));
        std::fs::set_permissions(clone.join(path), PermissionsExt::from_mode(0o755)).unwrap();
    }
    write(clone, "src/b.txt", "changed\n");
}

/// T02: after the clone is handed over, no git of the host has it as argument, folder or repository.
#[tokio::test]
async fn t02_the_host_runs_no_git_in_the_clone() {
    let mut bench = Bench::new();
    let (shim, log) = (bench.dir.path().join("shim"), bench.dir.path().join("git.log"));
    let real = bench.path.split(':').map(|dir| Path::new(dir).join("git")).find(|git| git.exists()).unwrap();
    let script = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$@\" \"cwd $(pwd)\"; env | grep '^GIT_'; }} >> {}\nexec {} \"$@\"\n",
        log.display(),
        real.display()
    );
    write(&shim, "git", &script);
    std::fs::set_permissions(shim.join("git"), PermissionsExt::from_mode(0o755)).unwrap();
    bench.path = format!("{}:{}", shim.display(), bench.path);
    let base = bench.main();
    let quarantine = bench.quarantine().await;
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    // The shim does see the clone while it is made: the check below can fail.
    let seen = std::fs::read_to_string(&log).unwrap();
    assert!(seen.contains(clone.to_str().unwrap()));
    std::fs::write(&log, "").unwrap();
    write(&clone, "src/b.txt", "changed\n");
    let bytes = bench.export(&clone, &base);
    let Imported::Work(work) = bench.import(&quarantine, &bytes, &base, &run_id(1)).await.unwrap() else {
        panic!()
    };
    let (new, tree) = bench.merged(&run_id(1), &base, &work.tip).await;
    let (repo, notes) = (bench.repo().await, bench.places().landing(&run_id(1)));
    let bead = crate::domain::ids::BeadId::new("demo-1");
    let request = crate::land::LandRequest {
        repo: &repo,
        target: "main",
        old: &base,
        new: &new,
        tree: &tree,
        run: &run_id(1),
        bead: &bead,
        notes: &notes,
    };
    let landed = crate::land::land(&request, &crate::land::Unwatched).await.unwrap();
    assert_eq!(landed, crate::land::Landing::Advanced);
    remove(&clone).unwrap();
    let seen = std::fs::read_to_string(&log).unwrap();
    assert!(seen.contains("index-pack") && seen.contains("update-ref"));
    assert!(!seen.contains("clones/"), "{seen}");
}

/// T03: four ways to point the clone at another repository of the user.
#[tokio::test]
async fn t03_a_detour_to_another_repository_is_refused() {
    for way in ["gitfile", "symlink", "alternates", "objects", "loose"] {
        let bench = Bench::new();
        let other = bench.dir.path().join("private");
        bench.git_in(bench.dir.path(), &["clone", "-q", "user", "private"]);
        let canary = bench.commit_in(&other, &[("canary", "private words")], "Private");
        let before = quarantine_state(&bench).await;
        let _ = before;
        let base = bench.main();
        let quarantine = bench.quarantine().await;
        let clone = bench.clone(&quarantine, &run_id(1), &base).await;
        let before = quarantine_state(&bench).await;
        let dot = clone.join(".git");
        match way {
            "gitfile" => {
                std::fs::remove_dir_all(&dot).unwrap();
                std::fs::write(&dot, format!("gitdir: {}/.git\n", other.display())).unwrap();
            }
            "symlink" => {
                std::fs::remove_dir_all(&dot).unwrap();
                symlink(other.join(".git"), &dot).unwrap();
            }
            "alternates" => {
                write(&dot, "objects/info/alternates", &format!("{}/.git/objects\n", other.display()));
                write(&dot, "refs/heads/work", &format!("{canary}\n"));
            }
            "objects" => {
                std::fs::remove_dir_all(dot.join("objects")).unwrap();
                symlink(other.join(".git/objects"), dot.join("objects")).unwrap();
                write(&dot, "refs/heads/work", &format!("{canary}\n"));
            }
            _ => {
                let folder = &canary.as_str()[..2];
                symlink(other.join(".git/objects").join(folder), dot.join("objects").join(folder)).unwrap();
                write(&dot, "refs/heads/work", &format!("{canary}\n"));
            }
        }
        let bytes = bench.export(&clone, &base);
        let check = check_of(bench.import(&quarantine, &bytes, &base, &run_id(1)).await);
        assert!(["clone_replaced", "alternates", "object_files"].contains(&check.as_str()), "{way}: {check}");
        assert_eq!(quarantine_state(&bench).await, before);
        for dir in [quarantine.path(), &bench.user()] {
            assert_ne!(bench.try_git(dir, &["cat-file", "-e", canary.as_str()]).0, 0, "{way}");
        }
    }
}

#[tokio::test]
async fn t04_a_renamed_git_folder_gains_nothing() {
    let bench = Bench::new();
    let canary = bench.dir.path().join("canary");
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    std::fs::rename(clone.join(".git"), clone.join("old")).unwrap();
    bench.git_in(&clone, &["init", "-q"]);
    write(&clone, ".git/hooks/pre-commit", &format!("#!/bin/sh\ntouch {}\n", canary.display()));
    std::fs::set_permissions(clone.join(".git/hooks/pre-commit"), PermissionsExt::from_mode(0o755)).unwrap();
    let bytes = bench.export(&clone, &base);
    assert_eq!(check_of(bench.import(&quarantine, &bytes, &base, &run_id(1)).await), "unborn");
    assert!(!canary.exists());
}

#[tokio::test]
async fn t25_pipes_in_the_clone_do_not_hang_the_export() {
    for place in [
        ".git/config",
        ".git/HEAD",
        ".git/packed-refs",
        ".git/objects/info/alternates",
        ".gitignore",
        "sub/.gitattributes",
        ".git/objects/00/11",
        ".git/index",
        "sub/.git/HEAD",
    ] {
        let bench = Bench::new();
        let (base, quarantine) = (bench.main(), bench.quarantine().await);
        let clone = bench.clone(&quarantine, &run_id(1), &base).await;
        write(&clone, "src/b.txt", "changed\n");
        let path = clone.join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::RWXU, 0).unwrap();
        let bytes = bench.export(&clone, &base);
        let header = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        assert!(header.starts_with("BEADEXPORT1 "), "{place}: {header:?}");
        let result = bench.import(&quarantine, &bytes, &base, &run_id(1)).await;
        let harmless = matches!(place, ".git/config" | ".git/packed-refs" | ".git/index");
        assert_eq!(result.is_ok(), harmless, "{place}: {result:?}");
    }
}

/// A bundle of one commit whose tree is made of `lines` for mktree, as an agent's git would never make it.
fn crafted(bench: &Bench, clone: &Path, base: &Oid, lines: &str) -> Vec<u8> {
    let blob = bench.git_input(clone, &["hash-object", "-w", "--stdin"], b"text\n");
    let up = bench.git_input(clone, &["hash-object", "-w", "--stdin"], b"../outside");
    let root = bench.git_input(clone, &["hash-object", "-w", "--stdin"], b"/etc/passwd");
    let modules = b"[submodule \"x\"]\n\tpath = x\n\turl = --upload-pack=touch\n";
    let modules = bench.git_input(clone, &["hash-object", "-w", "--stdin"], modules);
    let inner = bench.git_input(clone, &["mktree"], format!("100644 blob {blob}\tconfig\n").as_bytes());
    let text = lines
        .replace("BLOB", &blob)
        .replace("UP", &up)
        .replace("ROOT", &root)
        .replace("MODULES", &modules)
        .replace("TREE", &inner)
        .replace("BASE", base.as_str());
    let tree = bench.git_input(clone, &["mktree", "--missing"], text.as_bytes());
    let args =
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", &tree, "-p", base.as_str(), "-m", "x"];
    let tip = bench.git_in(clone, &args);
    bundle(bench, clone, base, &tip)
}

fn bundle(bench: &Bench, clone: &Path, base: &Oid, tip: &str) -> Vec<u8> {
    bench.git_in(clone, &["update-ref", "refs/heads/crafted", tip]);
    let file = bench.dir.path().join("crafted.bundle");
    let not_base = format!("^{base}");
    let args = ["bundle", "create", "-q", file.to_str().unwrap(), "refs/heads/crafted", &not_base];
    bench.git_in(clone, &args);
    let mut bytes = format!("BEADEXPORT1 ok {tip} 0\n").into_bytes();
    bytes.extend(std::fs::read(file).unwrap());
    bytes
}

#[tokio::test]
async fn t24_hostile_trees_are_refused_by_name() {
    let cases = [
        ("040000 tree TREE\t.git\n", "hasDotgit"),
        ("040000 tree TREE\t.GIT\n", "hasDotgit"),
        ("040000 tree TREE\tgit~1\n", "hasDotgit"),
        ("040000 tree TREE\t..\n", "hasDotdot"),
        ("160000 commit BASE\tmodule\n", "submodule"),
        ("100644 blob MODULES\t.gitmodules\n", "gitmodulesUrl"),
        ("100644 blob BLOB\t.gitmodules\n", "submodule"),
        ("120000 blob UP\tlink\n", "symlink"),
        ("120000 blob ROOT\tlink\n", "symlink"),
        ("100644 blob BLOB\tFile\n100644 blob BLOB\tfile\n", "case_collision"),
    ];
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let before = quarantine_state(&bench).await;
    for (lines, expected) in cases {
        let bytes = crafted(&bench, &clone, &base, lines);
        let check = check_of(bench.import(&quarantine, &bytes, &base, &run_id(1)).await);
        assert_eq!(check, expected, "{lines}");
        assert_eq!(quarantine_state(&bench).await, before);
    }
    let fine = crafted(&bench, &clone, &base, "100644 blob BLOB\tfile\n");
    assert!(bench.import(&quarantine, &fine, &base, &run_id(1)).await.is_ok());
}

/// A pack that leaves out what its tree needs.
#[tokio::test]
async fn t24_an_incomplete_pack_is_refused() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let tip = bench.commit_in(&clone, &[("c", "c")], "C");
    let tree = bench.oid(&clone, "HEAD^{tree}");
    let pack = bench.dir.path().join("part");
    let listed = format!("{tip}\n{tree}\n");
    let hash = bench.git_input(&clone, &["pack-objects", "-q", pack.to_str().unwrap()], listed.as_bytes());
    let mut bytes = format!("BEADEXPORT1 ok {tip} 0\n# v2 git bundle\n{tip} refs/heads/x\n\n").into_bytes();
    bytes.extend(std::fs::read(format!("{}-{hash}.pack", pack.display())).unwrap());
    let before = quarantine_state(&bench).await;
    let result = bench.import(&quarantine, &bytes, &base, &run_id(1)).await;
    assert!(["pack", "connectivity"].contains(&check_of(result).as_str()));
    assert_eq!(quarantine_state(&bench).await, before);
}

#[test]
fn t24_links_that_leave_are_told_from_those_that_stay() {
    use super::scan::leaves;
    for (path, target) in
        [("a", "b"), ("d/a", "../b"), ("d/a", "./b/c"), ("a/b/c", "../../x"), ("a", "..b/c")]
    {
        assert_eq!(leaves(path.as_bytes(), target.as_bytes()), None, "{path} -> {target}");
    }
    for (path, target) in [
        ("a", "/etc"),
        ("a", ".."),
        ("d/a", "../../b"),
        ("a", "b/.."),
        ("a/b", "../c/../../x"),
        ("a", ""),
        ("a", ".git/config"),
        ("a/b", "../.GIT"),
        ("a", "x\0y"),
    ] {
        assert!(leaves(path.as_bytes(), target.as_bytes()).is_some(), "{path} -> {target}");
    }
}

#[tokio::test]
async fn t25_sizes_are_capped_and_nothing_stays() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    // Packs to a few kilobytes, unpacks to 24 MB.
    std::fs::write(clone.join("bomb"), vec![0_u8; 24 << 20]).unwrap();
    let bytes = bench.export(&clone, &base);
    let before = quarantine_state(&bench).await;
    let limits = ImportLimits { unpacked_bytes: 10 << 20, ..ImportLimits::default() };
    let result = import(&quarantine, &mut &bytes[..], limits, &base, &run_id(1)).await;
    assert_eq!(check_of(result), "too_large");
    let limits = ImportLimits { bytes: 1000, ..ImportLimits::default() };
    assert_eq!(check_of(import(&quarantine, &mut &bytes[..], limits, &base, &run_id(1)).await), "too_large");
    let limits = ImportLimits { files: 0, ..ImportLimits::default() };
    assert_eq!(check_of(import(&quarantine, &mut &bytes[..], limits, &base, &run_id(1)).await), "too_large");
    let cut = &bytes[..bytes.len() - 30];
    assert_eq!(check_of(bench.import(&quarantine, cut, &base, &run_id(1)).await), "pack");
    let (mut reader, _writer) = tokio::io::duplex(64);
    let limits = ImportLimits { deadline: std::time::Duration::from_millis(300), ..ImportLimits::default() };
    assert_eq!(check_of(import(&quarantine, &mut reader, limits, &base, &run_id(1)).await), "deadline");
    assert_eq!(quarantine_state(&bench).await, before);
    assert!(bench.import(&quarantine, &bytes, &base, &run_id(1)).await.is_ok());
}

#[tokio::test]
async fn t26_only_the_tip_comes_in() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let tip = bench.commit_in(&clone, &[("c", "c")], "C");
    let mut refs = format!("create refs/heads/main {tip}\ncreate refs/replace/{base} {tip}\n");
    (0..1000).for_each(|n| refs += &format!("create refs/tags/t{n} {tip}\n"));
    bench.git_input(&clone, &["update-ref", "--stdin"], refs.as_bytes());
    let file = bench.dir.path().join("all.bundle");
    let not_base = format!("^{base}");
    bench.git_in(
        &clone,
        &["--no-replace-objects", "bundle", "create", "-q", file.to_str().unwrap(), "--all", &not_base],
    );
    let mut bytes = format!("BEADEXPORT1 ok {tip} 0\n").into_bytes();
    bytes.extend(std::fs::read(file).unwrap());
    let refs = || bench.git_in(quarantine.path(), &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let user = bench.git(&["for-each-ref"]);
    let before = refs();
    assert!(matches!(bench.import(&quarantine, &bytes, &base, &run_id(1)).await, Ok(Imported::Work(_))));
    let mut expected: Vec<String> = before.lines().map(str::to_owned).collect();
    expected.push(format!("{} {tip}", run_id(1).ref_name()));
    expected.sort();
    let mut found: Vec<String> = refs().lines().map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(bench.git(&["for-each-ref"]), user);
}

#[tokio::test]
async fn t27_work_that_does_not_come_from_the_base_is_refused() {
    let bench = Bench::new();
    let first = bench.main();
    let base = bench.commit(&[("x", "2")], "Second");
    let quarantine = bench.quarantine().await;
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let tree = bench.git_in(&clone, &["rev-parse", "HEAD^{tree}"]);
    let identity = ["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", &tree];
    // An orphan, and a side branch of an older commit.
    for parents in [vec![], vec!["-p", first.as_str()]] {
        let args: Vec<&str> = identity.iter().copied().chain(parents).chain(["-m", "x"]).collect();
        let tip = bench.git_in(&clone, &args);
        write(&clone, ".git/refs/heads/work", &format!("{tip}\n"));
        let bytes = bench.export(&clone, &base);
        assert_eq!(check_of(bench.import(&quarantine, &bytes, &base, &run_id(1)).await), "descends");
    }
    // A shallow graft cuts history off below the base; what it hides is here all the same.
    write(&clone, ".git/refs/heads/work", &format!("{base}\n"));
    write(&clone, ".git/shallow", &format!("{base}\n"));
    write(&clone, "y", "y\n");
    let bytes = bench.export(&clone, &base);
    assert!(bench.import(&quarantine, &bytes, &base, &run_id(1)).await.is_ok());
    std::fs::remove_file(clone.join(".git/shallow")).unwrap();
    // Standing behind the base is no work.
    std::fs::remove_file(clone.join("y")).unwrap();
    bench.git_in(&clone, &["reset", "-q", "--hard", first.as_str()]);
    let bytes = bench.export(&clone, &base);
    assert_eq!(check_of(bench.import(&quarantine, &bytes, &base, &run_id(1)).await), "not_ahead");
}

#[tokio::test]
async fn t27_too_many_commits_are_refused() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let stream = |count: usize| {
        let mut text = "reset refs/heads/work\n".to_owned();
        for n in 1..=count {
            text += &format!("commit refs/heads/work\nmark :{n}\ncommitter a <a@x> {n} +0000\ndata 1\nx\n");
            let from = if n == 1 { base.to_string() } else { format!(":{}", n - 1) };
            text += &format!("from {from}\nM 644 inline f\ndata {}\n{n}\n", n.to_string().len());
        }
        text
    };
    for (count, expected) in [(200, true), (201, false), (10_000, false)] {
        bench.git_input(&clone, &["fast-import", "--quiet", "--force"], stream(count).as_bytes());
        bench.git_in(&clone, &["reset", "-q", "--hard"]);
        let bytes = bench.export(&clone, &base);
        let result = bench.import(&quarantine, &bytes, &base, &run_id(1)).await;
        assert_eq!(result.is_ok(), expected, "{count}: {result:?}");
        if !expected {
            assert_eq!(check_of(result), "commits");
        }
    }
}

#[tokio::test]
async fn a_detached_head_and_packed_refs_are_read() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    let clone = bench.clone(&quarantine, &run_id(1), &base).await;
    let tip = bench.commit_in(&clone, &[("c", "c")], "C");
    bench.git_in(&clone, &["gc", "-q"]);
    assert!(!clone.join(".git/refs/heads/work").exists());
    for detach in [false, true] {
        if detach {
            bench.git_in(&clone, &["checkout", "-q", "--detach"]);
        }
        let bytes = bench.export(&clone, &base);
        let imported = bench.import(&quarantine, &bytes, &base, &run_id(1)).await.unwrap();
        assert!(matches!(imported, Imported::Work(work) if work.tip == tip));
    }
}

#[tokio::test]
async fn t23_a_silent_or_garbled_export_is_no_import() {
    let bench = Bench::new();
    let (base, quarantine) = (bench.main(), bench.quarantine().await);
    assert!(matches!(bench.import(&quarantine, b"", &base, &run_id(1)).await, Err(ImportError::Silent)));
    assert_eq!(check_of(bench.import(&quarantine, b"\x7fELF\n", &base, &run_id(1)).await), "header");
}

//! Everything a user can get wrong before any container starts: refused with the right code, with words that
//! name the thing and what to do next, and with nothing changed.
//!
//! No test here needs an engine: `DOCKER_HOST` leads nowhere, which also proves that cheap facts are told
//! first. Start with [`Case`].

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::{BeadEnv, Ran};

/// A command, its exit code, and what must stand in its message.
struct Case<'a>(&'a [&'a str], i32, &'a [&'a str]);

fn project() -> BeadEnv {
    let mut env = BeadEnv::python();
    env.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    env
}

#[track_caller]
fn check(env: &BeadEnv, Case(args, code, words): &Case<'_>) -> Ran {
    let before = snapshot(&env.repo());
    let ran = env.bead(args);
    assert_eq!(ran.code, *code, "bead {args:?}\n{}{}", ran.out, ran.err);
    for word in *words {
        assert!(ran.err.contains(word), "bead {args:?} does not say `{word}`:\n{}", ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert_eq!(before, snapshot(&env.repo()), "bead {args:?} was refused and yet changed something");
    ran
}

/// Every file of the repository but git's own bookkeeping, and where the refs are.
fn snapshot(repo: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(dir: &Path, all: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let name = path.to_string_lossy().into_owned();
            // Locks say nothing; the index is refreshed by any `git status`.
            if name.ends_with(".lock") || name.ends_with(".git/index") {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                walk(&path, all);
            } else {
                all.push((name, std::fs::read(&path).unwrap_or_default()));
            }
        }
    }
    let mut all = Vec::new();
    walk(repo, &mut all);
    all.sort();
    all
}

#[test]
fn beads_that_cannot_be_worked_on() {
    let env = project();
    let first = env.add("First", &[]);
    let second = env.add("Second", &["--dep", &first]);
    let done = env.add("Done", &[]);
    let parked = env.add("Parked", &[]);
    let theirs = env.add("Theirs", &[]);
    env.bead(&["close", &done, "--reason", "done"]).expect(0);
    let tracker = env.read(".beads/issues.jsonl");
    let edited: String = tracker
        .lines()
        .map(|line| {
            let line = if line.contains(&format!("\"id\":\"{parked}\"")) {
                line.replace("\"status\":\"open\"", "\"status\":\"blocked\",\"labels\":[\"parked\"]")
            } else if line.contains(&format!("\"id\":\"{theirs}\"")) {
                line.replace("\"status\":\"open\"", "\"status\":\"in_progress\",\"assignee\":\"ann\"")
            } else {
                line.to_owned()
            };
            line + "\n"
        })
        .collect();
    env.write(".beads/issues.jsonl", &edited);
    let near = format!("{first}x");
    for case in [
        Case(&["work", &near], 3, &["unknown bead", &first, "bead list --all"]),
        Case(&["work", "nowhere-to-be-found"], 3, &["unknown bead", "bead list --all"]),
        Case(&["work", &second], 3, &["blocked by", &first, "--force"]),
        Case(&["work", &done], 3, &["closed", "done", "bead reopen"]),
        Case(&["work", &done, "--force"], 3, &["closed", "bead reopen"]),
        Case(&["work", &parked], 3, &["parked", "bead why", "bead retry"]),
        Case(&["work", &theirs], 3, &["claimed by `ann`", "bead reopen"]),
        Case(&["close", &done, "--reason", "again"], 3, &["already closed", "bead reopen"]),
        Case(&["close", &first, "--reason", " "], 2, &["--reason", "empty"]),
        Case(&["close", &first], 2, &["--reason"]),
        Case(&["reopen", &first], 3, &["open already", "bead work"]),
        Case(&["show", "nope"], 3, &["unknown bead"]),
        Case(&["why", &near], 3, &["unknown bead", &first]),
        Case(&["logs", "nope"], 3, &["no run or bead", "bead runs"]),
    ] {
        check(&env, &case);
    }
    env.bead(&["reopen", &parked]).expect(0);
    assert!(env.bead(&["why", &parked]).expect(0).out.contains("ready"), "a parked bead is opened again");
}

#[test]
fn new_beads_that_make_no_sense() {
    let env = project();
    let first = env.add("First", &[]);
    let blocks = format!("blocks:{first}");
    for case in [
        Case(&["add"], 2, &["TITLE"]),
        Case(&["add", ""], 2, &["one line"]),
        Case(&["add", "two\nlines"], 2, &["one line", "-d"]),
        Case(&["add", "x", "-p", "9"], 2, &["0..=4"]),
        Case(&["add", "x", "--dep", "nope"], 3, &["unknown bead `nope`"]),
        Case(&["add", "x", "--blocks", "nope"], 3, &["unknown bead `nope`"]),
        Case(&["add", "x", "--dep", &blocks], 2, &["ambiguous", "--dep", "--blocks"]),
        Case(&["add", "x", "--dep", "related:"], 2, &["expected ID or TYPE:ID"]),
        Case(&["add", "x", "--dep", &first, "--blocks", &first], 3, &["circle"]),
    ] {
        check(&env, &case);
    }
    let odd = env.bead(&["add", "x", "--dep", &format!("block:{first}")]).expect(0);
    assert!(odd.err.contains("`block` is no edge type"), "{}", odd.err);
}

#[test]
fn checkouts_that_are_not_ready() {
    let env = project();
    let id = env.add("First", &[]);
    env.write("calc.py", "dirty\n");
    check(&env, &Case(&["work", &id], 3, &["calc.py", "commit or stash", "--force"]));
    env.git(&["checkout", "-q", "calc.py"]);
    env.git(&["checkout", "-q", "--detach"]);
    check(&env, &Case(&["work", &id], 3, &["detached", "git switch"]));
    env.git(&["checkout", "-q", "main"]);
    check(&env, &Case(&["work", &id, "--target", "nope"], 3, &["no branch `nope`", "--target"]));
    env.git(&["rm", "-q", "--cached", "bead.yaml"]);
    env.git(&["commit", "-q", "-m", "forget"]);
    check(&env, &Case(&["work", &id], 3, &["not committed", "git add bead.yaml"]));
    std::fs::remove_file(env.repo().join("bead.yaml")).unwrap();
    check(&env, &Case(&["work", &id], 3, &["no `bead.yaml`", "bead init"]));
}

#[test]
fn places_that_are_no_project() {
    let env = project();
    let at = |name: &str| env.dir.path().join(name).to_string_lossy().into_owned();
    let git = |args: &[&str]| env.git(args);
    std::fs::create_dir(at("plain")).unwrap();
    git(&["init", "-q", "-b", "main", &at("unborn")]);
    git(&["init", "-q", "--bare", &at("bare")]);
    env.add("More history", &[]);
    env.commit("second");
    git(&["clone", "-q", "--depth", "1", &format!("file://{}", env.repo().display()), &at("shallow")]);
    env.bead(&["--project", &at("unborn"), "init", "--yes"]).expect(0);
    let first = env.bead(&["--project", &at("unborn"), "add", "One"]).expect(0).out;
    for case in [
        Case(&["--project", &at("plain"), "list"], 3, &["not in a git repository", "git init"]),
        Case(&["--project", &at("plain"), "init", "--yes"], 3, &["not in a git repository"]),
        Case(&["--project", &at("missing"), "list"], 3, &["does not exist"]),
        Case(&["--project", &at("repo/calc.py"), "list"], 3, &["is not a folder"]),
        Case(&["--project", &at("bare"), "list"], 3, &["bare repository"]),
        Case(&["--project", &at("shallow"), "work", "x"], 3, &["shallow", "--unshallow"]),
        Case(&["--project", &at("unborn"), "work", first.trim()], 3, &["no commit yet"]),
    ] {
        check(&env, &case);
    }
}

#[test]
fn a_bead_yaml_that_cannot_be_followed() {
    let env = project();
    let id = env.add("First", &[]);
    for (text, words) in [
        ("target: main\n\ngatez: []\n", &["bead.yaml:3", "`gatez`", "`gates`"][..]),
        ("gates:\n  - { name: t, run: x, timout: 3m }\n", &["bead.yaml:2", "timout", "`timeout`"]),
        ("gates: [\n", &["bead.yaml:2", "commit it"]),
        ("gates: [{ name: t, run: x, timeout: soon }]\n", &["duration", "`soon`", "10m"]),
        ("target: main\n", &["no gates", "--no-gates"]),
        (
            "limits: { run_time: 99h }\ngates: [{ name: t, run: x }]\n",
            &["narrow", "99h", "6h", "config.yaml"],
        ),
        ("review: { rounds: many }\ngates: [{ name: t, run: x }]\n", &["rounds", "`many`"]),
        ("target: nope\ngates: [{ name: t, run: x }]\n", &["no branch `nope`"]),
    ] {
        env.write("bead.yaml", text);
        env.commit("change bead.yaml");
        check(&env, &Case(&["work", &id], 3, words));
        env.bead(&["ready"]).expect(0);
    }
}

#[test]
fn f15_engine_and_key_are_asked_for_last() {
    let mut env = project();
    let id = env.add("First", &[]);
    check(&env, &Case(&["work", &id], 3, &["no key", "ANTHROPIC_API_KEY", "bead rehearse"]));
    let key = env.dir.path().join("config/credential");
    std::fs::write(&key, "sk-ant-none\n").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    check(&env, &Case(&["work", &id], 3, &["0644", "chmod 600"]));
    check(&env, &Case(&["work", "nope"], 3, &["unknown bead"]));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    check(&env, &Case(&["work", &id], 3, &["no container engine", "/nonexistent", "DOCKER_HOST"]));
    check(&env, &Case(&["image", "list"], 3, &["no container engine"]));
    for host in ["tcp://127.0.0.1:2375", "ssh://somewhere"] {
        env.set("DOCKER_HOST", host);
        check(&env, &Case(&["work", &id], 3, &[host, "local", "unset `DOCKER_HOST`"]));
    }
    env.set("ANTHROPIC_BASE_URL", "http://example.com");
    check(&env, &Case(&["work", &id], 3, &["plain http", "example.com", "https"]));
}

#[test]
fn state_directories_that_are_not_safe() {
    let mut env = project();
    let loose = env.dir.path().join("loose");
    std::fs::create_dir(&loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o755)).unwrap();
    let home = env.vars["HOME"].clone();
    for (state, words) in [
        (loose.to_string_lossy().into_owned(), &["0755", "chmod 700"][..]),
        ("/".to_owned(), &["root of the file system", "BEAD_STATE_DIR"]),
        (home, &["home directory", "BEAD_STATE_DIR"]),
        ("/proc/beads".to_owned(), &["directory of the system"]),
        ("relative".to_owned(), &["absolute"]),
    ] {
        env.set("BEAD_STATE_DIR", &state);
        check(&env, &Case(&["list"], 3, words));
    }
}

#[test]
fn trackers_that_are_not_ours_to_write() {
    let env = project();
    std::fs::create_dir(env.repo().join(".beads/dolt")).unwrap();
    for args in [&["list"][..], &["ready"], &["add", "x"], &["work", "x"]] {
        check(&env, &Case(args, 3, &["Dolt", "install `bd`"]));
    }
    // A config may be written; the tracker stays its own `bd`'s.
    let before = env.git(&["status", "--porcelain", "--", ".beads"]);
    check(&env, &Case(&["init", "--yes"], 0, &[]));
    assert_eq!(env.git(&["status", "--porcelain", "--", ".beads"]), before);
    std::fs::remove_dir_all(env.repo().join(".beads")).unwrap();
    check(&env, &Case(&["list"], 3, &["no tracker", "bead init"]));
    check(&env, &Case(&["init", "--yes", "--prefix", "a b"], 3, &["prefix"]));
}

#[test]
fn a_line_of_the_tracker_that_cannot_be_read_is_told_and_kept() {
    let env = project();
    env.add("First", &[]);
    let with = env.read(".beads/issues.jsonl") + "<<<<<<< HEAD\n";
    env.write(".beads/issues.jsonl", &with);
    let ran = env.bead(&["list"]).expect(0);
    assert!(ran.err.contains("line 2") && ran.err.contains("merge conflict"), "{}", ran.err);
    assert!(ran.out.contains("First"));
    assert_eq!(env.read(".beads/issues.jsonl"), with);
}

#[test]
fn rehearsals_that_cannot_begin() {
    let env = project();
    let id = env.add("First", &[]);
    let script = env.script("conversations:\n  - match: x\n    turnz: []\n");
    check(&env, &Case(&["rehearse", &script, "--", "work", &id], 3, &["line 3", "turnz", "`turns`"]));
    let script = env.script("conversations:\n  - turns:\n      - text: hi\n");
    for case in [
        Case(&["rehearse", "missing.yaml", "--", "work", &id], 3, &["missing.yaml"]),
        Case(&["rehearse", &script], 2, &["COMMAND"]),
        Case(&["rehearse", &script, "--", "frob"], 2, &["frob"]),
        Case(
            &["rehearse", &script, "--", "rehearse", "x", "--", "list"],
            2,
            &["cannot rehearse a rehearsal"],
        ),
        Case(&["rehearse", &script, "--", "list", "--project", "/"], 2, &["before `rehearse`"]),
        Case(&["rehearse", &script, "--", "work", "nope"], 3, &["unknown bead"]),
        Case(&["rehearse", &script, "--", "add", "Only on the copy"], 0, &["nothing of it is kept"]),
        Case(&["rehearse", &script, "--", "close", &id, "--reason", "only there"], 0, &[]),
    ] {
        check(&env, &case);
    }
    let events = env.bead(&["events"]).expect(0).out;
    assert!(!events.contains("only there"), "the copy has a state of its own: {events}");
}

#[test]
fn usage_mistakes() {
    let env = project();
    for case in [
        Case(&[], 2, &["Usage"]),
        Case(&["frob"], 2, &["frob"]),
        Case(&["work"], 2, &["ID"]),
        Case(&["work", "x", "--forse"], 2, &["--force"]),
        Case(&["events", "--since", "x"], 2, &["--since"]),
        Case(&["--color", "maybe", "list"], 2, &["auto"]),
        Case(&["--profile", "x", "list"], 3, &["not built yet"]),
        Case(&["list", "-p", "7"], 2, &["0..=4"]),
        Case(&["inspect-stream", "missing"], 3, &["missing", "bead logs RUN --raw"]),
    ] {
        check(&env, &case);
    }
}

#[test]
fn a_reader_that_leaves_and_a_narrow_terminal_are_fine() {
    let mut env = project();
    for n in 0..20 {
        env.add(&format!("A title that is long enough to need more than forty columns, number {n}"), &[]);
    }
    let line = format!("set -o pipefail; {} list | head -1", env!("CARGO_BIN_EXE_bead"));
    let mut command = env.bead_command(&[]);
    let shell = std::process::Command::new("bash")
        .args(["-c", &line])
        .current_dir(command.get_current_dir().unwrap())
        .env_clear()
        .envs(&env.vars)
        .output()
        .unwrap();
    command.stdin(std::process::Stdio::null());
    assert!(shell.status.success() && shell.stderr.is_empty(), "{shell:?}");
    env.set("COLUMNS", "60");
    for line in env.bead(&["list"]).expect(0).out.lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}

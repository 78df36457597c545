//! The daemon and its control socket, with an engine that runs nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::harness::engine::{Engine, SILENT, UP, answers_all_through, ask};
use crate::harness::{BeadEnv, finish, signal, until};

const SOON: Duration = Duration::from_secs(30);

/// A registered project, a key, and an engine.
fn ready() -> (BeadEnv, Engine) {
    let mut env = BeadEnv::python();
    let engine = Engine::new(env.dir.path());
    env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
    env.bead(&["project", "add"]).expect(0);
    (env, engine)
}

fn socket(env: &BeadEnv) -> PathBuf {
    env.state().join("run/daemon.sock")
}

fn serving(env: &BeadEnv) -> Child {
    let child = env.start(&["serve"]);
    until("the daemon's first look", SOON, || {
        ask(&socket(env), "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
    });
    child
}

fn ended(child: Child) -> crate::harness::Ran {
    signal(&child, "TERM");
    finish(child, SOON)
}

#[test]
fn f09_the_second_daemon_exits_and_names_the_first_and_what_a_dead_one_left_blocks_nobody() {
    let (env, _engine) = ready();
    let mut first = serving(&env);
    let pid = first.id().to_string();
    for second in [&["serve"][..], &["night"], &["serve", "--stop-runs"], &["night", "--until", "07:00"]] {
        let ran = env.bead(second).expect(3);
        assert!(ran.err.contains(&format!("process {pid}")), "{second:?}: {}", ran.err);
    }
    // Reading commands and a dry run need no lock.
    env.bead(&["ready"]).expect(0);
    env.bead(&["night", "--dry-run"]).expect(0);
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(socket(&env).exists() && env.state().join("locks/daemon.lock").exists(), "as a crash leaves it");
    env.bead(&["ready"]).expect(0);
    let ran = ended(serving(&env)).expect(0);
    assert!(!ran.err.contains("error:"), "{}", ran.err);
    assert!(!socket(&env).exists(), "a proper end takes its socket along");
}

#[test]
fn the_socket_is_for_its_owner_alone_and_wrong_requests_are_problems() {
    let (env, _engine) = ready();
    let daemon = serving(&env);
    let mode = std::fs::metadata(socket(&env)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for (method, path, expected) in [
        ("GET", "/healthz", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/projects/nope/beads", 404),
        ("GET", "/api/projects/repo/beads/t-none/why", 404),
        ("POST", "/api/projects/repo/work/t-none", 404),
        ("POST", "/api/projects/repo/runs/r0/cancel", 404),
        ("GET", "/api/poke", 405),
        ("POST", "/api/projects", 422),
    ] {
        let (status, body) = ask(&socket(&env), method, path).unwrap();
        assert_eq!(status, expected, "{method} {path}: {body}");
        if status >= 400 && status != 422 {
            let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(problem["status"], expected, "{method} {path}: {body}");
        }
    }
    // No browser speaks to it; one that was tricked into it says where it comes from, or cannot send JSON.
    for (headers, expected) in [
        ("origin: http://localhost\r\ncontent-type: application/json", 403),
        ("content-type: text/plain", 415),
    ] {
        let request = format!(
            "DELETE /api/projects/repo HTTP/1.1\r\nhost: x\r\n{headers}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let mut stream = std::os::unix::net::UnixStream::connect(socket(&env)).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "t13: {headers}: {answer}");
    }
    ended(daemon).expect(0);
}

#[test]
fn why_tells_what_the_scheduler_thinks_while_a_daemon_runs() {
    let (env, _engine) = ready();
    let id = env.add("Adding subtracts", &[]);
    let human = env.add("For a person", &["-l", "human"]);
    let alone = env.bead(&["why", &id]).expect(0).out;
    assert!(!alone.contains("window"), "without a daemon nothing is known of windows: {alone}");
    let told = env.bead(&["why", &human]).expect(0).out;
    assert!(told.contains("the night leaves it alone") && told.contains("`human`"), "{told}");
    let window = "windows: [{ start: \"0 3 1 1 *\", stop: 1h, zone: Europe/Berlin }]\n";
    std::fs::write(env.dir.path().join("config/config.yaml"), window).unwrap();
    let daemon = serving(&env);
    let why = env.bead(&["why", &id, "--json"]).expect(0).json();
    let reason = why["reason"].as_str().unwrap();
    assert!(reason.starts_with(&format!("`{id}` waits: ")) && reason.contains("window"), "{why}");
    // The config is read again without a restart.
    std::fs::write(env.dir.path().join("config/config.yaml"), "slots: 2\nwindows: []\n").unwrap();
    ended(daemon).expect(0);
}

#[test]
fn f13_an_engine_that_never_answers_does_not_keep_the_daemon_from_answering() {
    let (env, engine) = ready();
    let id = env.add("Adding subtracts", &[]);
    let daemon = serving(&env);
    engine.set(SILENT);
    let path = format!("/api/projects/repo/work/{id}");
    assert_eq!(ask(&socket(&env), "POST", &path).unwrap().0, 202);
    answers_all_through(&socket(&env), Duration::from_secs(3));
    // It also ends in time: nothing is under way that would have to be waited for.
    let begin = Instant::now();
    ended(daemon).expect(0);
    assert!(begin.elapsed() < Duration::from_secs(20), "ended after {:?}", begin.elapsed());
    engine.set(UP);
    assert_eq!(env.shown(&id)["status"], "open", "nothing was claimed");
}

#[test]
fn work_that_waits_for_a_slot_can_be_cancelled_before_it_began() {
    let (env, engine) = ready();
    std::fs::write(env.dir.path().join("config/config.yaml"), "slots: 1\n").unwrap();
    let (first, second) = (env.add("First", &[]), env.add("Second", &[]));
    let daemon = serving(&env);
    engine.set(SILENT);
    assert_eq!(ask(&socket(&env), "POST", &format!("/api/projects/repo/work/{first}")).unwrap().0, 202);
    let client = env.start(&["work", &second, "--json"]);
    until("the second one's place in the queue", SOON, || {
        ask(&socket(&env), "GET", "/api/status").unwrap().1.contains(&second)
    });
    signal(&client, "INT");
    let ran = finish(client, SOON);
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cancelled before it began"), "{}", ran.err);
    engine.set(UP);
    ended(daemon).expect(0);
    assert_eq!(env.shown(&second)["status"], "open");
}

#[test]
fn work_that_is_only_being_checked_can_be_cancelled_before_it_began() {
    let (env, engine) = ready();
    let id = env.add("Adding subtracts", &[]);
    let interrupted = |client: Child| {
        signal(&client, "INT");
        let ran = finish(client, SOON);
        assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("cancelled before it began"), "{}", ran.err);
    };
    let daemon = serving(&env);
    // Its checks wait for an answer that does not come.
    engine.set(SILENT);
    let client = env.start(&["work", &id, "--json"]);
    until("its checks", SOON, || {
        let status = ask(&socket(&env), "GET", "/api/status").unwrap().1;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["running"].as_array().is_some_and(|all| all.iter().any(|one| one["bead"] == id.as_str()))
    });
    interrupted(client);
    ended(daemon).expect(0);
    assert_eq!(env.shown(&id)["status"], "open");
    engine.set(UP);
}

#[test]
fn a_night_that_cannot_begin_says_what_is_missing() {
    let mut env = BeadEnv::python();
    let engine = Engine::new(env.dir.path());
    env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
    for wrong in ["25:99", "7", "tomorrow", "", "-1:00"] {
        let ran = env.bead(&["night", &format!("--until={wrong}")]).expect(2);
        assert!(ran.err.contains("07:00"), "{wrong}: {}", ran.err);
    }
    env.vars.remove("ANTHROPIC_API_KEY");
    for command in ["night", "serve"] {
        let ran = env.bead(&[command]).expect(3);
        assert!(ran.err.contains("ANTHROPIC_API_KEY") && ran.err.contains("hint:"), "{command}: {}", ran.err);
    }
    env.set("ANTHROPIC_API_KEY", "k").set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    for command in ["night", "serve"] {
        let ran = env.bead(&[command]).expect(3);
        assert!(ran.err.contains("docker.sock") && ran.err.contains("hint:"), "{command}: {}", ran.err);
    }
    env.set("DOCKER_HOST", &engine.host());
    let mut command = env.bead_command(&["night"]);
    let ran = crate::harness::Ran::of(&command.current_dir(env.dir.path().join("home")).output().unwrap());
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("bead project add"), "{}", ran.err);
    // A night with nothing to do is over at once, and says so.
    let ran = env.bead(&["night"]).expect(0);
    assert!(ran.out.contains("nothing was started"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_daemon_that_can_be_seen_already_leaves_properly_when_told_to() {
    let (env, _engine) = ready();
    // The signals that a process has its own way with, as a mask; 15 is SIGTERM.
    let catches = |daemon: &Child| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & (1 << (15 - 1)) != 0
    };
    for _ in 0..3 {
        let daemon = env.start(&["serve"]);
        let begin = Instant::now();
        while !socket(&env).exists() {
            assert!(begin.elapsed() < SOON, "no socket");
            std::thread::yield_now();
        }
        assert!(catches(&daemon), "it is reached, and SIGTERM would end it on the spot");
        ended(daemon).expect(0);
    }
}

#[test]
fn two_signals_end_an_idle_daemon_no_worse_than_one() {
    let (env, _engine) = ready();
    let daemon = serving(&env);
    signal(&daemon, "INT");
    let _ = std::process::Command::new("kill").args(["-INT", &daemon.id().to_string()]).output();
    finish(daemon, SOON).expect(0);
    let daemon = serving(&env);
    assert_eq!(ask(&socket(&env), "POST", "/api/shutdown").unwrap().0, 202);
    finish(daemon, SOON).expect(0);
}

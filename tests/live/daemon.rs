//! A daemon that is killed, stopped, asked and cut off from its engine while real agents work.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::harness::engine::{GONE, Proxy, SILENT, UP, answers_all_through, ask, send};
use crate::harness::{BeadEnv, Ran, finish, signal, until};

const MINUTE: Duration = Duration::from_secs(60);

fn turn(command: &str) -> String {
    format!("      - run: \"{command}\"\n")
}

fn script(turns: &[String]) -> String {
    format!("conversations:\n  - turns:\n{}      - text: \"Done.\"\n", turns.concat())
}

const FIX: &str = "sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt";

/// A registered project with one bead whose agent makes a step, waits, and makes another.
fn slow(seconds: u32) -> (BeadEnv, String, crate::harness::Model) {
    let mut env = BeadEnv::python();
    let model = env.model(&script(&[turn(FIX), turn(&format!("sleep {seconds}; echo two >> steps.txt"))]));
    env.bead(&["project", "add"]).expect(0);
    let id = env.add("Adding subtracts", &[]);
    (env, id, model)
}

pub(crate) fn socket(env: &BeadEnv) -> PathBuf {
    env.state().join("run/daemon.sock")
}

pub(crate) fn started(env: &BeadEnv, args: &[&str]) -> Child {
    let child = env.start(args);
    until("the daemon's first look", MINUTE, || {
        ask(&socket(env), "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
    });
    child
}

fn first_step(env: &BeadEnv) {
    until("the agent's first step", MINUTE, || env.in_a_clone("steps.txt", "one"));
}

/// The full ids of our containers.
fn ids(env: &BeadEnv) -> Vec<String> {
    let names = env.containers();
    let id = |name: &String| {
        let output = Command::new("docker").args(["inspect", "-f", "{{.Id}}", name]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    names.iter().map(id).collect()
}

fn events(env: &BeadEnv, kind: &str) -> Vec<serde_json::Value> {
    let all = env.bead(&["events", "--json"]).expect(0).out;
    let all = all.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    all.filter(|e| e["type"] == kind).collect()
}

/// It landed in the attempt it began with, each step stands once, and its log is whole.
#[track_caller]
fn landed_at_once(env: &BeadEnv, id: &str) {
    assert_eq!(env.shown(id)["status"], "closed");
    assert_eq!(env.git(&["show", "main:steps.txt"]), "one\ntwo");
    assert_eq!(events(env, "attempt_started").len(), 1);
    let landed = events(env, "finished");
    let runs = env.bead(&["runs", id, "--json"]).expect(0).json();
    let work: Vec<_> = runs.as_array().unwrap().iter().filter(|r| r["kind"] == "work").collect();
    assert_eq!(work.len(), 1, "{runs} {landed:?}");
    env.whole_log(work[0]["run"].as_str().unwrap());
    env.nothing_left();
}

#[test]
fn f02_ten_kills_of_the_daemon_during_one_run_change_nothing() {
    let (env, id, _model) = slow(25);
    let mut daemon = started(&env, &["night"]);
    first_step(&env);
    let container = ids(&env);
    assert_eq!(container.len(), 1);
    for round in 1..=10 {
        daemon.kill().unwrap();
        finish(daemon, MINUTE);
        assert_eq!(ids(&env), container, "round {round}: the container lives");
        daemon = env.start(&["night"]);
        until("adoption", MINUTE, || events(&env, "recovered").len() >= round);
        // At some kills it has just read the log, at some it is still about to.
        std::thread::sleep(Duration::from_millis(70 * round as u64));
        assert_eq!(ids(&env), container, "round {round}: adopted, not replaced");
    }
    finish(daemon, MINUTE * 2).expect(0);
    assert_eq!(events(&env, "agent_starting").len(), 1, "one container for the whole run");
    landed_at_once(&env, &id);
}

#[test]
fn sigterm_leaves_the_container_and_the_next_daemon_takes_it_up() {
    let (env, id, _model) = slow(8);
    let daemon = started(&env, &["night"]);
    first_step(&env);
    let container = ids(&env);
    let begin = Instant::now();
    signal(&daemon, "TERM");
    let ran = finish(daemon, MINUTE).expect(130);
    assert!(begin.elapsed() < Duration::from_secs(5), "left after {:?}", begin.elapsed());
    assert!(ran.err.contains("go on without supervision"), "{}{}", ran.out, ran.err);
    assert_eq!(ids(&env), container);
    assert!(!socket(&env).exists());
    let ran = env.bead(&["verify"]).expect(0);
    assert!(ran.out.contains("was left in phase"), "{}", ran.out);
    env.bead(&["night"]).expect(0);
    landed_at_once(&env, &id);
}

#[test]
fn stop_runs_ends_the_runs_and_keeps_their_work() {
    let (env, id, _model) = slow(60);
    let daemon = started(&env, &["night", "--stop-runs"]);
    first_step(&env);
    signal(&daemon, "TERM");
    finish(daemon, MINUTE).expect(130);
    assert_eq!(env.containers(), Vec::<String>::new());
    let runs = env.bead(&["runs", &id, "--json"]).expect(0).json();
    let run = runs.as_array().unwrap().iter().find(|r| r["kind"] == "work").unwrap();
    assert_eq!(run["state"], "cancelled", "{runs}");
    let kept = format!("refs/bead/{}:steps.txt", run["run"].as_str().unwrap());
    assert_eq!(env.git(&["show", &kept]), "one");
    assert_eq!(env.shown(&id)["status"], "open");
    env.nothing_left();
}

/// Keeps landings waiting for their turn until it is dropped.
struct Turn(Child);

impl Turn {
    fn take(env: &BeadEnv) -> Self {
        let locks = std::fs::read_dir(env.state().join("locks")).unwrap().flatten();
        let lock = locks.map(|e| e.path()).find(|p| p.to_string_lossy().ends_with(".landing.lock")).unwrap();
        let held = env.dir.path().join("held");
        let _ = std::fs::remove_file(&held);
        let script = format!("touch '{}'; exec sleep 300", held.display());
        let child = Command::new("flock").arg("-o").arg(lock).args(["sh", "-c", &script]).spawn().unwrap();
        until("the lock", MINUTE, || held.exists());
        Self(child)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // `flock` holds the lock itself (-o) and dies with it; its sleeping child is of no account.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A night whose second bead is about to land and has to wait for its turn.
fn about_to_land() -> (BeadEnv, String, crate::harness::Model, Turn, Child) {
    let mut env = BeadEnv::python();
    let other = "  - match: Say more\n    turns:\n      - run: echo more > more.txt\n      - text: Said.\n";
    let first = format!("  - turns:\n{}      - text: \"Done.\"\n", turn(FIX));
    let model = env.model(&format!("conversations:\n{other}{first}"));
    env.bead(&["project", "add"]).expect(0);
    let first = env.add("Adding subtracts", &[]);
    env.bead(&["work", &first]).expect(0);
    let turn = Turn::take(&env);
    let id = env.add("Say more", &[]);
    let daemon = started(&env, &["serve"]);
    assert_eq!(ask(&socket(&env), "POST", &format!("/api/projects/repo/work/{id}")).unwrap().0, 202);
    until("the landing", MINUTE, || {
        let (_, body) = ask(&socket(&env), "GET", "/api/status").unwrap_or_default();
        body.contains("\"phase\":\"landing\"")
    });
    (env, id, model, turn, daemon)
}

#[test]
fn f07_sigterm_during_a_landing_finishes_it() {
    let (env, id, _model, turn, daemon) = about_to_land();
    signal(&daemon, "TERM");
    std::thread::sleep(Duration::from_millis(700));
    drop(turn);
    finish(daemon, MINUTE).expect(0);
    assert_eq!(env.shown(&id)["status"], "closed", "landed and closed before it left");
    assert_eq!(env.git(&["show", "main:more.txt"]), "more");
    env.nothing_left();
}

#[test]
fn f08_the_second_signal_leaves_at_once_and_the_next_command_finishes() {
    let (env, id, _model, turn, daemon) = about_to_land();
    signal(&daemon, "TERM");
    std::thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    signal(&daemon, "INT");
    finish(daemon, MINUTE).expect(0);
    assert!(begin.elapsed() < Duration::from_secs(3), "left after {:?}", begin.elapsed());
    assert_eq!(env.shown(&id)["status"], "in_progress", "the story is open");
    drop(turn);
    env.bead(&["work", &id]).expect(0);
    assert_eq!(env.git(&["rev-list", "--count", "--merges", "main"]), "2", "each landed once");
    env.nothing_left();
}

#[test]
fn work_through_a_daemon_ends_with_the_same_last_line_and_code() {
    let mut env = BeadEnv::python();
    let nothing = "  - match: Nothing here\n    turns:\n      - text: There is nothing to do.\n";
    let more = "  - match: Say more\n    turns:\n      - run: echo more >> more.txt\n      - text: Said.\n";
    let long = "  - match: Take long\n    turns:\n      - run: echo begun > long.txt; sleep 60\n      - text: Done.\n";
    let _model = env.model(&format!("conversations:\n{nothing}{long}{more}"));
    env.write("calc.py", "def add(a, b):\n    return a + b\n");
    env.commit("green");
    env.bead(&["project", "add"]).expect(0);
    let titles = ["Say more a", "Say more b", "Nothing here a", "Nothing here b", "Say more c", "Say more d"];
    let ids = titles.map(|title| env.add(title, &[]));
    let long = env.add("Take long", &[]);
    let apart = [
        env.bead(&["work", &ids[0], "--json"]),
        env.bead(&["work", &ids[2], "--json"]),
        env.bead(&["work", &ids[4]]),
        env.bead(&["work", "t-none"]),
        env.bead(&["work", &ids[0]]),
    ];
    let daemon = started(&env, &["serve"]);
    let through = [
        env.bead(&["work", &ids[1], "--json"]),
        env.bead(&["work", &ids[3], "--json"]),
        env.bead(&["work", &ids[5]]),
        env.bead(&["work", "t-none"]),
        env.bead(&["work", &ids[0]]),
    ];
    // What differs by nature: ids, commits, and what the bead and the run are called.
    let plain = |ran: &Ran| -> String {
        let mut line = ran.out.lines().last().unwrap_or_default().to_owned();
        if let Ok(mut value) = serde_json::from_str::<serde_json::Value>(&line) {
            for key in ["bead", "run", "commit"] {
                assert!(value.get(key).is_some(), "{key}: {line}");
                value[key] = if value[key].is_null() { "none".into() } else { "some".into() };
            }
            return value.to_string();
        }
        ids.iter().for_each(|id| line = line.replace(id, "ID"));
        let hex = |c: char| c.is_ascii_hexdigit();
        let word = |w: &str| if w.len() == 10 && w.chars().all(hex) { "COMMIT".into() } else { w.to_owned() };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    for (alone, served) in apart.iter().zip(&through) {
        assert_eq!(alone.code, served.code, "{}{}\n{}{}", alone.out, alone.err, served.out, served.err);
        assert_eq!(plain(alone), plain(served));
        if alone.code != 3 {
            assert!(served.err.contains("a daemon is running"), "it did go through: {}", served.err);
        }
    }
    assert_eq!(through.iter().map(|r| r.code).collect::<Vec<_>>(), [0, 4, 0, 3, 3]);

    let client = env.start(&["work", &long, "--json"]);
    until("the agent's step", MINUTE, || env.in_a_clone("long.txt", "begun"));
    let why = env.bead(&["why", &long]).expect(0).out;
    assert!(why.contains(&format!("process {}", daemon.id())), "the daemon has it: {why}");
    signal(&client, "INT");
    let ran = finish(client, MINUTE).expect(130);
    assert_eq!(ran.last()["outcome"], "cancelled", "{}", ran.out);
    assert_eq!(env.shown(&long)["status"], "open");
    signal(&daemon, "TERM");
    finish(daemon, MINUTE).expect(0);
    env.nothing_left();
}

#[test]
fn f10_an_engine_that_is_away_for_a_while_costs_no_attempt_and_nothing_is_started_meanwhile() {
    let (mut env, id, _model) = slow(14);
    let proxy = Proxy::new(env.dir.path());
    env.set("DOCKER_HOST", &proxy.host());
    let daemon = started(&env, &["night"]);
    first_step(&env);
    let container = ids(&env);
    proxy.set(GONE);
    let begin = Instant::now();
    let second = env.add("Say more", &[]);
    assert_eq!(ask(&socket(&env), "POST", "/api/poke").unwrap().0, 204);
    until("the notice", MINUTE, || {
        let (_, status) = ask(&socket(&env), "GET", "/api/status").unwrap_or_default();
        status.contains("the container engine does not answer")
    });
    answers_all_through(
        &socket(&env),
        Duration::from_secs(10).saturating_sub(begin.elapsed()).max(Duration::from_secs(2)),
    );
    assert_eq!(env.shown(&second)["status"], "open", "nothing is started without an engine");
    // Not the second bead: its agent has the same script and would spoil the steps. Before it can be begun.
    env.bead(&["close", &second, "--reason", "seen"]).expect(0);
    proxy.set(UP);
    assert_eq!(ids(&env), container);
    finish(daemon, MINUTE * 2).expect(0);
    assert_eq!(events(&env, "agent_starting").len(), 1, "the same container");
    landed_at_once(&env, &id);
}

#[test]
fn f13_an_engine_that_is_silent_in_the_middle_of_a_run_costs_no_attempt() {
    let (mut env, id, _model) = slow(6);
    let proxy = Proxy::new(env.dir.path());
    env.set("DOCKER_HOST", &proxy.host());
    let daemon = started(&env, &["night"]);
    first_step(&env);
    proxy.set(SILENT);
    // Longer than the tool: the agent ends while nobody can be asked.
    answers_all_through(&socket(&env), Duration::from_secs(9));
    proxy.set(UP);
    finish(daemon, MINUTE * 2).expect(0);
    landed_at_once(&env, &id);
}

#[test]
fn f46_a_night_whose_output_nobody_reads_works_on() {
    use std::io::Write as _;
    let (env, id, _model) = slow(0);
    let (reader, mut full) = std::io::pipe().unwrap();
    // A pipe's whole room, so that already the first line has none.
    full.write_all(&vec![b'x'; 65_536]).unwrap();
    let mut command = env.bead_command(&["night", "--json"]);
    let night = command.stdout(full).stderr(std::process::Stdio::null()).spawn().unwrap();
    drop(command);
    until("the landing", MINUTE, || env.shown(&id)["status"] == "closed");
    until("the night's end", MINUTE, || !socket(&env).exists());
    // Only its last line waits for a reader.
    drop(reader);
    finish(night, MINUTE);
    landed_at_once(&env, &id);
}

const READS: &str = "conversations:
  - role: review
    turns:
      - review: { summary: Fine., ready: true, findings: [] }
";

#[test]
fn the_api_runs_the_gates_before_a_close_and_has_a_branch_read() {
    let mut env = BeadEnv::python();
    let _model = env.model(READS);
    env.bead(&["project", "add"]).expect(0);
    env.git(&["switch", "-q", "-c", "feature"]);
    env.write("calc.py", "def add(a, b):\n    return a + b\n");
    env.commit("it adds");
    env.git(&["switch", "-q", "main"]);
    let id = env.add("Adding subtracts", &[]);
    env.bead(&["park", &id, "--reason", "by hand"]).expect(0);
    let mut daemon = started(&env, &["serve", "--listen", "127.0.0.1:0"]);
    let post = |place: &str, body: &str| {
        let (status, text) =
            send(&socket(&env), "POST", &format!("/api/projects/repo/{place}"), body).unwrap();
        (status, serde_json::from_str::<serde_json::Value>(text.trim()).unwrap_or_else(|_| text.into()))
    };
    let (status, read) = post("review", r#"{ "what": "feature", "auto_create_beads": false }"#);
    assert_eq!((status, &read["verdict"]), (200, &"accept".into()), "{read}");
    assert_eq!(post("review", r#"{ "what": "nowhere" }"#).0, 409);

    let close = format!("beads/{id}/close");
    let (status, red) = post(&close, r#"{ "reason": "it adds", "skip_gates": false }"#);
    assert_eq!((status, &red["can_force"]), (409, &true.into()), "{red}");
    assert!(red["detail"].as_str().unwrap().contains("gate test"), "{red}");
    assert_eq!(env.shown(&id)["status"], "blocked", "it is left as it was");
    env.git(&["merge", "-q", "feature"]);
    let (status, closed) = post(&close, r#"{ "reason": "it adds", "skip_gates": false }"#);
    assert_eq!((status, &closed["status"]), (200, &"closed".into()), "{closed}");

    signal(&daemon, "TERM");
    daemon.wait().unwrap();
    env.nothing_left();
}

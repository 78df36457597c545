//! The morning without an engine: the brief of a night, the watchman, the doctor.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use beadwork::clock::{Clock, Manual};
use beadwork::daemon::simulate::{Manner, embedded, play_and_keep};
use beadwork::journal::read::Filter;
use beadwork::journal::{Entry, Journal};

use crate::harness::engine::{Engine, ask};
use crate::harness::{BeadEnv, finish, signal, until};

const SOON: Duration = Duration::from_secs(30);

/// Tells a simulated night to the journal of a real state directory, each event at its own time.
fn lived_through(env: &BeadEnv, name: &str) -> usize {
    let (_, played) = play_and_keep(&embedded(name).unwrap().unwrap(), &Manner::default()).unwrap();
    let events = played.events(0, &Filter::default(), usize::MAX).unwrap();
    env.bead(&["runs"]).expect(0);
    let clock = Arc::new(Manual::at(events[0].at));
    let journal =
        Journal::open(&env.state().join("journal.db"), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    for event in &events {
        clock.advance((event.at - clock.now()).to_std().unwrap_or_default());
        let event = event.clone();
        let (project, bead, run) = (event.project, event.bead, event.run);
        journal.tell(Entry { project, bead, run, attempt: event.attempt, body: event.body }).unwrap();
    }
    events.len()
}

#[test]
fn a_night_is_told_in_the_morning() {
    let env = BeadEnv::new();
    let events = lived_through(&env, "three_projects");
    let brief = env.bead(&["brief", "--json"]).expect(0).json();
    let night = brief["night"]["id"].as_str().unwrap();
    assert_eq!(brief["night"]["state"], "over");
    assert!(brief["tally"]["landed"].as_u64().unwrap() > 5, "{}", brief["tally"]);
    let seqs = brief["headline"]["seqs"].as_array().unwrap();
    assert!(!seqs.is_empty() && seqs.iter().all(|seq| seq.as_u64().unwrap() <= events as u64));
    let kinds: Vec<&str> =
        brief["sections"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap()).collect();
    assert!(
        kinds.contains(&"landed") && kinds.contains(&"forecast") && kinds.contains(&"money"),
        "{kinds:?}"
    );
    let listed = env.bead(&["brief", "--list", "--json"]).expect(0).json();
    assert_eq!(listed[0]["id"], night);
    let date = &night[..10];
    assert_eq!(env.bead(&["brief", date, "--json"]).expect(0).json()["night"]["id"], night);
    let text = env.bead(&["brief"]).expect(0).out;
    assert!(text.contains("Landed") && text.contains("$ git diff "), "{text}");
    let refused = env.bead(&["brief", "1999-01-01"]).expect(3);
    assert!(refused.err.contains("bead brief --list"), "{}", refused.err);
    let page = env.dir.path().join("brief.html");
    env.bead(&["brief", "--html", page.to_str().unwrap()]).expect(0);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.matches("<svg ").count() == 5);
    assert!(!page.contains("<script"));
}

#[test]
fn a_brief_fits_a_narrow_terminal() {
    let mut env = BeadEnv::new();
    lived_through(&env, "three_projects");
    env.set("COLUMNS", "36");
    for line in env.bead(&["brief"]).expect(0).out.lines() {
        let command = line.trim_start().starts_with("$ ");
        assert!(line.chars().count() <= 36 || command, "{line:?}");
    }
}

#[test]
fn without_a_night_the_last_day_is_told_and_says_so() {
    let env = BeadEnv::python();
    let text = env.bead(&["brief"]).expect(0).out;
    assert!(text.contains("no night: the last 24 hours") && text.contains("nothing was started"), "{text}");
    env.add("One", &[]);
    assert_eq!(env.bead(&["brief", "--json"]).expect(0).json()["night"]["state"], "day");
}

fn secret(env: &BeadEnv, name: &str) -> String {
    let path = env.dir.path().join(name);
    std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_daemon_beats_and_a_watchman_remembers() {
    let mut env = BeadEnv::python();
    let engine = Engine::new(env.dir.path());
    env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
    let (key, state) = (secret(&env, "secret"), env.dir.path().join("watchman.json"));
    let state = state.to_str().unwrap();
    let once = ["watchman", "--once", "--state", state];
    assert!(env.bead(&once).expect(4).err.contains("no heartbeat was ever heard"));
    env.bead(&["watchman"]).expect(2);
    let mut watchman =
        env.start(&["watchman", "--listen", "127.0.0.1:0", "--secret-file", &key, "--state", state]);
    let mut line = String::new();
    BufReader::new(watchman.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split_whitespace().nth(2).unwrap().trim_end_matches(';').to_owned();
    let text =
        format!("watch: {{ url: 'http://{address}/beat', secret_file: '{key}', name: desk, every: 5s }}\n");
    std::fs::write(std::path::Path::new(&env.vars["BEAD_CONFIG_DIR"]).join("config.yaml"), text).unwrap();
    let daemon = env.start(&["serve"]);
    let remembered = || {
        let text = std::fs::read_to_string(state).unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default()
    };
    until("the first beat", SOON, || remembered()["hosts"]["desk"]["deadline"].is_string());
    assert!(env.bead(&once).expect(0).out.is_empty());
    let briefs = ask(&env.state().join("run/daemon.sock"), "GET", "/api/briefs/last").unwrap();
    assert_eq!(briefs.0, 200, "{}", briefs.1);
    signal(&daemon, "TERM");
    finish(daemon, SOON).expect(0);
    until("the farewell", SOON, || remembered()["hosts"]["desk"]["deadline"].is_null());
    assert_eq!(remembered()["hosts"]["desk"]["state"], "closed");
    watchman.kill().unwrap();
    watchman.wait().unwrap();
    // As a power cut leaves it: a promise that nobody kept.
    let mut cut = remembered();
    cut["hosts"]["desk"]["deadline"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(state, cut.to_string()).unwrap();
    let ran = env.bead(&once).expect(4);
    assert!(ran.out.contains("ALARM desk is silent"), "{}", ran.out);
}

/// Every file and folder below, with its length.
fn listed(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(listed(&entry.path()));
        }
        all.push((entry.path(), if kind.is_file() { entry.metadata().unwrap().len() } else { 0 }));
    }
    all.sort();
    all
}

#[test]
fn the_doctor_names_what_is_missing_and_what_to_do() {
    let mut env = BeadEnv::python();
    let engine = Engine::new(env.dir.path());
    env.set("DOCKER_HOST", &engine.host());
    let before = listed(&env.state());
    let told = env.bead(&["doctor", "--json"]).expect(3).json();
    assert_eq!(listed(&env.state()), before, "the doctor leaves nothing behind");
    let checks = told["checks"].as_array().unwrap();
    let of = |name: &str| {
        let found = checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(name));
        found.unwrap_or_else(|| panic!("{name} is missing: {told:#}"))
    };
    for good in ["git", "state", "journal", "config", "daemon", "engine", "disk"] {
        assert_eq!(of(good)["health"], "good", "{}", of(good));
    }
    assert_eq!(of("credential")["health"], "bad");
    assert!(of("credential")["todo"].as_str().unwrap().contains("ANTHROPIC_API_KEY"));
    assert!(of("links")["says"].as_str().unwrap().contains("no links"));
    assert_eq!(of("windows")["health"], "mind");
    env.set("ANTHROPIC_API_KEY", "sk-ant-a-secret");
    let text = env.bead(&["doctor"]);
    assert!(text.out.contains("an API key") && !text.out.contains("sk-ant-a-secret"), "{}", text.out);
    env.set("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let ran = env.bead(&["doctor"]).expect(3);
    assert!(ran.out.contains("BAD  engine"), "{}", ran.out);
    let file = std::path::Path::new(&env.vars["BEAD_CONFIG_DIR"]).join("config.yaml");
    std::fs::write(file, "slot: 3\n").unwrap();
    let ran = env.bead(&["doctor"]).expect(3);
    assert!(ran.out.contains("did you mean `slots`"), "{}", ran.out);
}

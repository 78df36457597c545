//! `--json` is JSON and nothing else on stdout, for results and refusals alike.
//!
//! Owns the shapes that scripts written for `bd` rely on. `bead work --json` needs an engine and is tested with
//! one. Start with [`every_command_prints_one_value`].

use serde_json::Value;

use crate::harness::BeadEnv;

#[test]
fn every_command_prints_one_value() {
    let env = BeadEnv::python();
    let id = env.bead(&["add", "One", "--json"]).expect(0).json()["id"].as_str().unwrap().to_owned();
    let two = env.add("Two", &["--dep", &id, "--label", "x"]);
    env.write("stream.jsonl", "not json\n");
    let commands: &[&[&str]] = &[
        &["init", "--yes", "--json"],
        &["list", "--json"],
        &["show", &id, "--json"],
        &["ready", "--json"],
        &["why", &two, "--json"],
        &["close", &id, "--reason", "done", "--json"],
        &["reopen", &id, "--json"],
        &["runs", "--json"],
        &["verify", "--json"],
        &["inspect-stream", "stream.jsonl", "--json"],
    ];
    for command in commands {
        let ran = env.bead(command).expect(0);
        let value = ran.json();
        if matches!(command[0], "list" | "show" | "ready" | "close" | "reopen") {
            let bead = &value.as_array().unwrap_or_else(|| panic!("{command:?}: {value}"))[0];
            for field in ["id", "title", "status", "priority", "issue_type", "created_at", "updated_at"] {
                assert!(bead.get(field).is_some(), "{command:?}: no `{field}` in {bead}");
            }
        }
    }
    for line in env.bead(&["events", "--json"]).expect(0).out.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["seq"].is_u64() && event["at"].is_string() && event["type"].is_string(), "{event}");
    }
}

#[test]
fn a_refusal_is_one_object_on_stdout() {
    let env = BeadEnv::python();
    let (first, second) = (env.add("First", &[]), "nope");
    let blocked = env.add("Second", &["--dep", &first]);
    for (args, code, can_force) in [
        (vec!["show", second, "--json"], 3, false),
        (vec!["work", &blocked, "--json"], 3, true),
        (vec!["work", "--json"], 2, false),
        (vec!["list", "--bogus", "--json"], 2, false),
        (vec!["logs", second, "--json"], 3, false),
    ] {
        let value = env.bead(&args).expect(code).json();
        assert_eq!(value["type"], "error", "{value}");
        assert_eq!(value["code"], code, "{value}");
        assert_eq!(value["can_force"], can_force, "{value}");
        assert!(!value["error"].as_str().unwrap().is_empty(), "{value}");
    }
}

#[test]
fn colours_never_reach_json() {
    let env = BeadEnv::python();
    env.add("One", &[]);
    let ran = env.bead(&["--color", "always", "list", "--json"]).expect(0);
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    assert!(env.bead(&["--color", "always", "list"]).expect(0).out.contains('\u{1b}'));
    assert!(!env.bead(&["list"]).expect(0).out.contains('\u{1b}'), "NO_COLOR is set");
}

//! Finished work on its way to the target: conflicts, red bases, remembered gates, branches and remotes.

use std::time::Duration;

use crate::harness::{BeadEnv, Ran, finish, until};

const MINUTE: Duration = Duration::from_secs(60);

fn turn(command: &str) -> String {
    format!("      - tools: [{{ name: Bash, input: {{ command: \"{command}\", description: Step }} }}]\n")
}

fn say(text: &str) -> String {
    format!("      - text: \"{text}\"\n")
}

fn script(turns: &[String]) -> String {
    format!("conversations:\n  - turns:\n{}", turns.concat())
}

fn events(ran: &Ran, kind: &str) -> Vec<serde_json::Value> {
    let values = ran.out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    values.filter(|value| value["type"] == kind).collect()
}

#[track_caller]
fn ended(ran: &Ran, outcome: &str, cause: Option<&str>, attempts: u64) -> serde_json::Value {
    let result = ran.last();
    let found = (result["outcome"].as_str(), result["cause"].as_str(), result["attempts"].as_u64());
    assert_eq!(found, (Some(outcome), cause, Some(attempts)), "{result}\n{}", ran.out);
    result
}

/// `origin`, a bare repository beside the project, with main.
fn with_remote(land: &str) -> BeadEnv {
    let env = BeadEnv::python();
    env.write("bead.yaml", &format!("{}land: {land}\n", env.read("bead.yaml")));
    env.commit("land");
    env.git(&["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    env.git(&["remote", "add", "origin", "../remote.git"]);
    env.git(&["push", "-q", "origin", "main"]);
    env
}

fn fix() -> [String; 2] {
    [turn("sed -i 's/a - b/a + b/' calc.py"), say("It adds now.")]
}

#[test]
fn a_conflict_is_resolved_by_one_run_and_lands_in_the_same_attempt() {
    let mut env = BeadEnv::python();
    let _model = env.model(&script(&[
        turn("sed -i 's/a - b/b + a/' calc.py; sleep 6"),
        say("It adds now."),
        turn("printf 'def add(a, b):\\\\n    return a + b\\\\n' > calc.py"),
        say("Both are in."),
    ]));
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id, "--json"]);
    until("the agent's edit", MINUTE, || env.in_a_clone("calc.py", "b + a"));
    env.write("calc.py", "def add(a, b):\n    return a + b  # theirs\n");
    env.git(&["commit", "-q", "-m", "theirs", "--", "calc.py"]);
    let ran = finish(child, 2 * MINUTE).expect(0);
    ended(&ran, "landed", None, 1);
    assert_eq!((events(&ran, "conflicted").len(), events(&ran, "conflict_run_started").len()), (1, 1));
    assert_eq!(env.git(&["show", "main:calc.py"]), "def add(a, b):\n    return a + b");
    env.nothing_left();
}

#[test]
fn a_conflict_that_is_left_in_the_files_parks_with_the_paths() {
    let mut env = BeadEnv::python();
    let turns =
        [turn("sed -i 's/a - b/b + a/' calc.py; sleep 6"), say("It adds now."), say("I cannot decide.")];
    let _model = env.model(&script(&turns));
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id, "--json"]);
    until("the agent's edit", MINUTE, || env.in_a_clone("calc.py", "b + a"));
    env.write("calc.py", "def add(a, b):\n    return a + b  # theirs\n");
    env.git(&["commit", "-q", "-m", "theirs", "--", "calc.py"]);
    let ran = finish(child, 2 * MINUTE).expect(4);
    let result = ended(&ran, "parked", Some("conflict"), 1);
    assert!(result["reason"].as_str().unwrap().contains("calc.py"), "{result}");
    assert!(!env.git(&["show", "main:calc.py"]).contains("<<<<"));
    env.nothing_left();
}

#[test]
fn what_fails_on_the_base_too_does_not_hold_up_other_work() {
    let env = BeadEnv::python();
    env.write("bead.yaml", &format!("{}limits: {{ attempts: 1 }}\n", env.read("bead.yaml")));
    env.commit("one attempt");
    let id = env.add("Write notes", &[]);
    let ran =
        env.rehearse(&script(&[turn("echo notes > notes.txt"), say("Written.")]), &["work", &id, "--json"]);
    let ran = ran.expect(0);
    ended(&ran, "landed", None, 1);
    let compared = &events(&ran, "gate_compared")[0];
    assert_eq!((compared["against"].as_str(), compared["new"].as_array().unwrap().len()), (Some("known"), 0));
    assert!(compared["known"][0].as_str().unwrap().contains("test_add"), "{compared}");
    env.nothing_left();
}

#[test]
fn a_new_failure_counts_on_a_red_base() {
    let env = BeadEnv::python();
    env.write("bead.yaml", &format!("{}limits: {{ attempts: 1 }}\n", env.read("bead.yaml")));
    env.write("test_more.py", "import unittest, calc\n\nclass M(unittest.TestCase):\n    def test_there(self):\n        self.assertTrue(calc.add)\n");
    env.commit("two tests");
    let id = env.add("Break it", &[]);
    let turns = [turn("echo 'add = None' >> calc.py"), say("Done.")];
    let ran = env.rehearse(&script(&turns), &["work", &id, "--json"]).expect(4);
    let result = ended(&ran, "parked", Some("gate"), 1);
    let reason = result["reason"].as_str().unwrap();
    assert!(reason.contains("test_there") && !reason.contains("test_add"), "{reason}");
    env.nothing_left();
}

#[test]
fn a_base_that_cannot_run_its_gate_costs_no_second_attempt() {
    let env = BeadEnv::python();
    env.write("bead.yaml", "gates:\n  - { name: check, run: no-such-program --all, timeout: 1m }\n");
    env.commit("a gate that cannot run");
    let id = env.add("Write notes", &[]);
    let ran =
        env.rehearse(&script(&[turn("echo notes > notes.txt"), say("Written.")]), &["work", &id, "--json"]);
    let result = ended(&ran.expect(4), "parked", Some("red_base"), 1);
    let reason = result["reason"].as_str().unwrap();
    assert!(reason.contains("the base is red") && reason.contains("no-such-program"), "{reason}");
    env.nothing_left();
}

#[test]
fn a_base_that_passed_before_is_not_run_again() {
    let env = BeadEnv::python();
    let first = env.add("Adding subtracts", &[]);
    env.rehearse(&script(&fix()), &["work", &first, "--json"]).expect(0);
    let second = env.add("Multiply", &[]);
    let turns = [
        turn("sed -i 's/a + b/a * b/' calc.py"),
        say("It multiplies."),
        turn("sed -i 's/a [*] b/a + b/' calc.py; echo notes > notes.txt"),
        say("It adds again."),
    ];
    let ran = env.rehearse(&script(&turns), &["work", &second, "--json"]).expect(0);
    ended(&ran, "landed", None, 2);
    assert_eq!(events(&ran, "gate_compared")[0]["against"], "new");
    assert_eq!(events(&ran, "gate_started").len(), 2, "the base's pass is remembered: {}", ran.out);
    env.nothing_left();
}

#[test]
fn branch_mode_leaves_the_work_to_its_user_and_closes_after_the_merge() {
    let env = with_remote("{ mode: branch, push: origin }");
    let id = env.add("Adding subtracts", &[]);
    let main = env.git(&["rev-parse", "main"]);
    let ran = env.rehearse(&script(&fix()), &["work", &id, "--json"]).expect(0);
    let result = ended(&ran, "parked", Some("branch"), 1);
    let branch = format!("bead/{id}");
    assert_eq!(result["branch"], branch.as_str());
    assert_eq!(env.git(&["rev-parse", "main"]), main, "the target is the user's to move");
    let there = env.git(&["--git-dir=../remote.git", "rev-parse", &branch]);
    assert_eq!(there, env.git(&["rev-parse", &branch]));
    env.git(&["merge", "-q", "--no-edit", &branch]);
    env.bead(&["ready"]).expect(0);
    assert_eq!(env.shown(&id)["status"], "closed");
    env.nothing_left();
}

#[test]
fn what_landed_is_pushed_and_a_remote_that_went_on_is_asked_again() {
    let env = with_remote("{ push: origin }");
    let first = env.add("Adding subtracts", &[]);
    env.rehearse(&script(&fix()), &["work", &first, "--json"]).expect(0);
    let at = |env: &BeadEnv| env.git(&["--git-dir=../remote.git", "rev-parse", "main"]);
    assert_eq!(at(&env), env.git(&["rev-parse", "main"]));
    // Somebody else pushes.
    env.git(&["clone", "-q", "../remote.git", "../other"]);
    env.git(&["-C", "../other", "commit", "-q", "--allow-empty", "-m", "theirs"]);
    env.git(&["-C", "../other", "push", "-q", "origin", "main"]);
    let theirs = at(&env);
    let second = env.add("Write notes", &[]);
    let notes = [turn("echo notes > notes.txt"), say("Written.")];
    let ran = env.rehearse(&script(&notes), &["work", &second, "--json"]).expect(0);
    ended(&ran, "landed", None, 1);
    assert_eq!(at(&env), theirs, "never forced");
    env.git(&["fetch", "-q", "origin"]);
    env.git(&["merge", "-q", "--no-edit", "origin/main"]);
    env.git(&["push", "-q", "origin", "main"]);
    // The next command finds the commit there.
    let third = env.add("Write more", &[]);
    let more = [turn("echo more > more.txt"), say("Written.")];
    env.rehearse(&script(&more), &["work", &third, "--json"]).expect(0);
    assert_eq!(at(&env), env.git(&["rev-parse", "main"]));
    let told = env.bead(&["events"]).expect(0).out;
    assert!(told.contains("not pushed to main of origin"), "{told}");
    env.nothing_left();
}

//! What happened meanwhile: a container that is gone, a limit that was reached, a user who went on working.

use std::process::{Child, Command};
use std::time::Duration;

use crate::harness::{BeadEnv, Ran, finish, until};

const MINUTE: Duration = Duration::from_secs(60);

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn kill(mut child: Child) {
    let _ = child.kill();
    finish(child, Duration::from_secs(10));
}

/// A turn that runs one command, told without quotes of its own.
fn turn(command: &str) -> String {
    format!("      - tools: [{{ name: Bash, input: {{ command: \"{command}\", description: Step }} }}]\n")
}

fn script(turns: &[String]) -> String {
    format!("conversations:\n  - turns:\n{}      - text: \"Done.\"\n", turns.concat())
}

fn fix() -> String {
    turn("sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt")
}

/// The last line says landed in one attempt, and the branch has each step once.
#[track_caller]
fn landed_in_one_attempt(env: &BeadEnv, ran: &Ran, steps: &str) -> serde_json::Value {
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["attempts"].as_u64()),
        (Some("landed"), Some(1)),
        "{result}"
    );
    assert_eq!(env.git(&["show", "main:steps.txt"]), steps);
    env.whole_log(result["run"].as_str().unwrap());
    env.nothing_left();
    result
}

#[track_caller]
fn cost(result: &serde_json::Value, model: &str, input: u64, output: u64) {
    let usage = beadwork::domain::usage::Usage { input, output, ..Default::default() };
    let expected = beadwork::domain::prices::list_prices().cost(model, usage);
    let cost = result["cost_usd"].as_f64().unwrap();
    assert!((cost - expected).abs() < 1e-9, "cost {cost}, expected {expected}");
}

#[test]
fn f11_a_container_that_was_removed_is_no_failure_of_the_agent() {
    let mut env = BeadEnv::python();
    let first = "      - tools: [{ name: Bash, input: { command: \"sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt; sleep 20\", description: Step }, }]\n        usage: { input: 1000, output: 100 }\n";
    let second = "      - text: \"Done.\"\n        usage: { input: 2000, output: 50 }\n";
    let _model = env.model(&format!("conversations:\n  - turns:\n{first}{second}"));
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id]);
    until("the agent's edit", MINUTE, || env.in_a_clone("steps.txt", "one"));
    kill(child);
    for name in env.containers() {
        docker(&["rm", "-f", &name]);
    }
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    assert!(ran.out.contains("\"infrastructure\""), "{}", ran.out);
    let result = landed_in_one_attempt(&env, &ran, "one");
    cost(&result, "claude-opus-5-5", 3000, 150);
}

#[test]
fn f11_a_container_that_dies_under_a_living_bead_goes_on_in_the_same_clone() {
    let mut env = BeadEnv::python();
    let _model = env.model(&script(&[
        turn("sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt; sleep 20"),
        turn("echo two >> steps.txt"),
    ]));
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id, "--json"]);
    until("the agent's edit", MINUTE, || env.in_a_clone("steps.txt", "one"));
    docker(&["kill", &env.containers()[0]]);
    let ran = finish(child, 3 * MINUTE).expect(0);
    landed_in_one_attempt(&env, &ran, "one\ntwo");
}

#[test]
fn f04_an_agent_that_ended_while_nobody_looked_is_exported() {
    let mut env = BeadEnv::python();
    let _model =
        env.model(&script(&[turn("sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt; sleep 30")]));
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id]);
    until("the agent's edit", MINUTE, || env.in_a_clone("steps.txt", "one"));
    let name = env.containers()[0].clone();
    kill(child);
    // As an engine's restart does it: the container stands there, ended from outside.
    docker(&["kill", "-s", "KILL", &name]);
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    landed_in_one_attempt(&env, &ran, "one");
}

#[test]
fn an_agent_that_lost_its_connection_meanwhile_is_told_to_continue() {
    let mut env = BeadEnv::python();
    let slow = "      - { text: \"Done.\", delay: 15s }\n".to_owned();
    let _model = env.model(&format!("conversations:\n  - turns:\n{}{slow}", fix()));
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id]);
    until("the agent's edit", MINUTE, || env.in_a_clone("steps.txt", "one"));
    std::thread::sleep(Duration::from_millis(1500));
    let before = env.containers();
    kill(child);
    until("its error", MINUTE, || docker(&["logs", &before[0]]).contains("\"type\":\"result\""));
    assert_eq!(env.containers(), before);
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    assert!(!ran.out.contains("agent_starting"), "the same container: {}", ran.out);
    let result = landed_in_one_attempt(&env, &ran, "one");
    let log = env.bead(&["logs", result["run"].as_str().unwrap(), "--raw"]).expect(0).out;
    assert_eq!(log.matches("\"type\":\"result\"").count(), 2, "an error, and then a result");
}

#[test]
fn f26_a_usage_limit_suspends_and_the_same_attempt_goes_on_even_after_another_kill() {
    let mut env = BeadEnv::python();
    let limited = "      - tools: [{ name: Bash, input: { command: \"echo two >> steps.txt; sleep 5\", description: Step } }]\n        fail: { usage_limit: { resets_in: 2h } }\n        usage: { input: 500, output: 20 }\n";
    let first = format!("{}        usage: {{ input: 1000, output: 100 }}\n", fix());
    let last = "      - text: \"Done.\"\n        usage: { input: 2000, output: 50 }\n";
    let _model = env.model(&format!("conversations:\n  - turns:\n{first}{limited}{last}"));
    env.vars.remove("ANTHROPIC_API_KEY");
    env.set("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-placeholder-of-a-test-0123456789");
    let id = env.add("Adding subtracts", &[]);
    let ran = env.bead(&["work", &id, "--json"]).expect(5);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("suspended"), Some("usage_limit")),
        "{result}"
    );
    let run = result["run"].as_str().unwrap().to_owned();
    assert_eq!(env.shown(&id)["status"], "in_progress", "the claim stays");
    assert_eq!(env.git(&["show", &format!("refs/bead/{run}:steps.txt")]), "one", "the work is safe");
    assert_eq!(
        (env.containers().len(), env.clones().len()),
        (0, 1),
        "the clone waits, the container is gone"
    );
    let why = env.bead(&["why", &id]).expect(0).out;
    assert!(why.contains("suspended") && why.contains("usage_limit") && why.contains("UTC"), "{why}");
    let child = env.start(&["work", &id]);
    until("the second step", MINUTE, || env.in_a_clone("steps.txt", "two"));
    std::thread::sleep(Duration::from_millis(500));
    kill(child);
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    assert_eq!(ran.last()["run"], run.as_str(), "the same run");
    let result = landed_in_one_attempt(&env, &ran, "one\ntwo");
    // The client takes another model by itself for a subscription.
    cost(&result, "claude-sonnet-5-5", 3500, 170);
    let runs = env.bead(&["runs", &id, "--json"]).expect(0).json();
    let work = runs.as_array().unwrap().iter().find(|r| r["kind"] == "work").unwrap();
    assert_eq!(work["state"], "completed", "{runs}");
}

/// Starts a bead in the background and comes back when its agent has made its first step.
fn at_work(env: &BeadEnv, id: &str, commands: &[&str]) -> Child {
    let turns: Vec<String> = commands.iter().map(|c| turn(c)).collect();
    let path = env.script(&script(&turns));
    let child = env.start(&["rehearse", "--in-place", &path, "--", "work", id, "--json"]);
    until("the agent's edit", MINUTE, || env.in_a_clone("steps.txt", "one"));
    child
}

const FIX_AND_WAIT: &str = "sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt; sleep 2";

#[test]
fn dirty_at_landing_lands_beside_and_the_users_own_merge_closes_the_bead() {
    let env = BeadEnv::python();
    env.write("notes.txt", "mine\n");
    env.commit("notes");
    let id = env.add("Adding subtracts", &[]);
    let tip = env.git(&["rev-parse", "main"]);
    let child = at_work(&env, &id, &[FIX_AND_WAIT]);
    env.write("notes.txt", "mine, and more\n");
    let ran = finish(child, MINUTE).expect(4);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("parked"), Some("landed_beside")),
        "{result}"
    );
    let branch = format!("bead/{id}");
    assert_eq!(result["branch"], branch.as_str());
    assert_eq!(env.git(&["rev-parse", &branch]), result["commit"].as_str().unwrap());
    assert_eq!(env.git(&["rev-parse", "main"]), tip, "the target did not move");
    assert_eq!(env.read("notes.txt"), "mine, and more\n");
    assert!(env.read("calc.py").contains("a - b"));
    assert_eq!(env.shown(&id)["status"], "blocked", "not closed");
    env.nothing_left();
    env.git(&["commit", "-qm", "my notes", "notes.txt"]);
    env.git(&["merge", "-q", "--no-edit", &branch]);
    env.bead(&["ready"]).expect(0);
    let shown = env.shown(&id);
    assert_eq!(shown["status"], "closed", "{shown}");
    assert!(shown["close_reason"].as_str().unwrap_or_default().contains("merged by hand"), "{shown}");
    env.nothing_left();
}

#[test]
fn a_user_who_commits_meanwhile_is_merged_with_and_a_conflict_waits_for_a_person() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let child = at_work(&env, &id, &[FIX_AND_WAIT]);
    env.write("test_more.py", "import unittest\nfrom calc import add\nclass M(unittest.TestCase):\n    def test_more(self):\n        self.assertEqual(add(2, 2), 4)\n");
    env.git(&["add", "test_more.py"]);
    env.git(&["commit", "-qm", "another test"]);
    let moved = env.git(&["rev-parse", "main"]);
    let ran = finish(child, MINUTE).expect(0);
    assert_eq!(ran.last()["outcome"], "landed");
    assert_eq!(env.git(&["rev-parse", "main^1"]), moved, "merged onto the user's commit");
    let log = env.bead(&["events", "--json"]).expect(0).out;
    let gate = log.lines().rev().find(|l| l.contains("\"gate_ended\"")).unwrap();
    assert!(gate.contains('2'), "the gate saw both tests: {gate}");
    env.nothing_left();

    let id = env.add("Subtract in it", &[]);
    let child = at_work(&env, &id, &["sed -i 's/a + b/b + a/' calc.py; echo one >> steps.txt; sleep 2"]);
    env.write("calc.py", "def add(a, b):\n    return sum([a, b])\n");
    env.git(&["commit", "-qm", "sum", "calc.py"]);
    let tip = env.git(&["rev-parse", "main"]);
    let ran = finish(child, MINUTE).expect(4);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("parked"), Some("conflict")),
        "{result}"
    );
    assert!(result["reason"].as_str().unwrap().contains("calc.py"), "{result}");
    assert_eq!(env.git(&["rev-parse", "main"]), tip);
    let run = result["run"].as_str().unwrap();
    assert!(env.git(&["show", &format!("refs/bead/{run}:calc.py")]).contains("b + a"));
    env.nothing_left();
}

#[test]
fn t30_the_tracker_is_not_the_agents_and_a_lost_close_is_told() {
    let env = BeadEnv::python();
    let first = env.add("Adding subtracts", &[]);
    let second = env.add("Say so", &[]);
    env.commit("beads");
    let tracked = env.git(&["show", "main:.beads/issues.jsonl"]);
    let tamper = script(&[
        fix(),
        turn(
            "sed -i 1d .beads/issues.jsonl; echo junk > .beads/more; git add -A; git commit -qm sly; git status --short",
        ),
    ]);
    let ran = env.rehearse(&tamper, &["work", &first, "--json"]).expect(0);
    let exported = ran.out.lines().find(|l| l.contains("\"exported\"")).unwrap();
    assert!(exported.contains(".beads/issues.jsonl"), "the event names what was touched: {exported}");
    assert_eq!(
        env.git(&["show", "main:.beads/issues.jsonl"]),
        tracked,
        "landed with the target's own tracker"
    );
    assert_eq!(env.git(&["ls-tree", "--name-only", "main", ".beads/more"]), "");
    assert_eq!(env.git(&["diff", "--name-only", "main^1", "main"]), "calc.py\nsteps.txt");
    // No commit in between: the tracker's changed file is never in the way.
    let more = script(&[turn("echo said >> steps.txt")]);
    assert_eq!(env.rehearse(&more, &["work", &second, "--json"]).expect(0).last()["outcome"], "landed");
    env.nothing_left();
    env.git(&["checkout", "-q", ".beads/issues.jsonl"]);
    let ran = env.bead(&["ready"]).expect(0);
    assert!(
        !ran.out.contains(&first) && ran.err.contains(&format!("`{first}` landed as")),
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = env.rehearse(&more, &["work", &first]).expect(3);
    assert!(ran.err.contains("landed as") && ran.err.contains("bead reopen"), "{}", ran.err);
    env.bead(&["reopen", &first]).expect(0);
    assert!(env.bead(&["ready"]).expect(0).out.contains(&first));
    let again = script(&[turn("echo again >> steps.txt")]);
    assert_eq!(env.rehearse(&again, &["work", &first, "--json"]).expect(0).last()["outcome"], "landed");
    env.nothing_left();
}

#[test]
fn t17_a_protected_path_waits_for_a_person() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let tip = env.git(&["rev-parse", "main"]);
    let sly = script(&[fix(), turn("mkdir -p .github/workflows; echo on: push > .github/workflows/x.yml")]);
    let result = env.rehearse(&sly, &["work", &id, "--json"]).expect(4).last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("parked"), Some("protected")),
        "{result}"
    );
    assert!(result["reason"].as_str().unwrap().contains(".github/workflows/x.yml"), "{result}");
    assert_eq!(env.git(&["rev-parse", "main"]), tip);
    env.nothing_left();
}

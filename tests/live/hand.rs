//! A person's hand on a running agent: paused, told, resumed, cancelled; and a shell on what it left.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{BeadEnv, Model, finish, until};

const MINUTE: Duration = Duration::from_secs(60);
const THREE: &str = "echo three >> steps.txt";

/// A bead whose agent makes a step, sleeps, makes another, and ends after one more command.
fn at_work(seconds: u32, last: &str) -> (BeadEnv, Model, String, Child) {
    let mut env = BeadEnv::python();
    let turn = |command: &str| format!("      - run: \"{command}\"\n");
    let first = turn("sed -i 's/a - b/a + b/' calc.py; echo one >> steps.txt");
    let second = turn(&format!("sleep {seconds}; echo two >> steps.txt"));
    let script =
        format!("conversations:\n  - turns:\n{first}{second}{}      - text: \"Done.\"\n", turn(last));
    let model = env.model(&script);
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["work", &id, "--json"]);
    until("the first step", MINUTE, || env.in_a_clone("steps.txt", "one"));
    // The sleep has begun.
    until("the tool", MINUTE, || events(&env, &id, "task_given") == 1 && log(&env, &id).contains("sleep"));
    (env, model, id, child)
}

fn log(env: &BeadEnv, id: &str) -> String {
    env.bead(&["logs", id, "--raw"]).out
}

/// The log as a person reads it, with what people said.
fn read(env: &BeadEnv, id: &str) -> String {
    env.bead(&["logs", id]).expect(0).out
}

fn events(env: &BeadEnv, id: &str, kind: &str) -> usize {
    let all = env.bead(&["events", "--bead", id, "--json"]).expect(0).out;
    all.lines().filter(|line| line.contains(&format!("\"type\":\"{kind}\""))).count()
}

#[track_caller]
fn kept(env: &BeadEnv, run: &str) -> String {
    env.git(&["show", &format!("refs/bead/{run}:steps.txt")])
}

#[test]
fn a_running_agent_is_paused_told_something_resumed_and_cancelled() {
    let (env, _model, id, child) = at_work(60, "echo three >> steps.txt; sleep 60");
    let begin = Instant::now();
    env.bead(&["pause", &id]).expect(0);
    let ran = finish(child, MINUTE).expect(5);
    assert!(begin.elapsed() < Duration::from_secs(20), "the sleep was stopped: {:?}", begin.elapsed());
    let result = ran.last();
    assert_eq!((result["outcome"].as_str(), result["cause"].as_str()), (Some("suspended"), Some("user")));
    let run = result["run"].as_str().unwrap().to_owned();
    assert_eq!(kept(&env, &run), "one", "its work is exported");
    assert_eq!(
        (env.containers().len(), env.clones().len()),
        (0, 1),
        "the clone waits, the container is gone"
    );
    let again = env.bead(&["pause", &run]).expect(3);
    assert!(again.err.contains("suspended") && again.err.contains("bead work"), "{}", again.err);
    env.bead(&["send", &run, "mind the sign of zero"]).expect(0);
    assert_eq!(events(&env, &id, "message_delivered"), 0);

    let child = env.start(&["resume", &run, "--json"]);
    until("delivery", MINUTE, || events(&env, &id, "message_delivered") == 1);
    until("its next step", MINUTE, || env.in_a_clone("steps.txt", "\nt"));
    env.bead(&["cancel", &run]).expect(0);
    let ran = finish(child, MINUTE).expect(4);
    assert_eq!(ran.last()["outcome"], "cancelled", "{}", ran.out);
    assert!(read(&env, &id).contains("you: mind the sign of zero"), "it was told");
    let steps = kept(&env, &run);
    assert!(steps.starts_with("one\n") && steps.contains('t'), "its work is still there: {steps}");
    env.nothing_left();
}

#[test]
fn a_message_enters_the_turn_after_the_tool_and_now_stops_the_tool() {
    let (env, _model, id, child) = at_work(5, THREE);
    env.bead(&["send", &id, "a plain word"]).expect(0);
    until("delivery", MINUTE, || events(&env, &id, "message_delivered") == 1);
    let ran = finish(child, MINUTE).expect(0);
    assert_eq!(ran.last()["outcome"], "landed");
    assert_eq!(env.git(&["show", "main:steps.txt"]), "one\ntwo\nthree", "nothing was stopped");
    assert_eq!(log(&env, &id).matches("\"type\":\"result\"").count(), 1, "in the same turn");
    env.nothing_left();
}

#[test]
fn now_stops_a_running_sleep_and_the_run_goes_on() {
    let (env, _model, id, child) = at_work(90, THREE);
    let begin = Instant::now();
    env.bead(&["send", &id, "--now", "no more sleeping"]).expect(0);
    until("delivery", MINUTE, || events(&env, &id, "message_delivered") == 1);
    let ran = finish(child, MINUTE).expect(0);
    assert!(begin.elapsed() < Duration::from_secs(45), "the sleep was stopped: {:?}", begin.elapsed());
    assert_eq!(ran.last()["outcome"], "landed");
    let steps = env.git(&["show", "main:steps.txt"]);
    assert!(steps.starts_with("one") && !steps.contains("two"), "{steps}");
    assert!(read(&env, &id).contains("you: Continue: no more sleeping"));
    assert_eq!(ran.last()["attempts"], 1);
    env.nothing_left();
}

#[test]
fn t50_a_killed_shell_leaves_no_container_and_loses_nothing() {
    let (env, _model, id, child) = at_work(60, THREE);
    env.bead(&["cancel", &id]).expect(0);
    let run = finish(child, MINUTE).expect(4).last()["run"].as_str().unwrap().to_owned();
    let mut shell = env.bead_command(&["shell", &run]);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut keys = shell.stdin.take().unwrap();
    std::io::Write::write_all(&mut keys, b"echo by hand >> steps.txt; echo left > left.txt\n").unwrap();
    until("the file", MINUTE, || env.in_a_clone("left.txt", "left"));
    let there = |env: &BeadEnv| (env.containers().len(), env.clones().len());
    env.bead(&["gc"]).expect(0);
    assert_eq!(there(&env), (1, 1), "somebody sits in it");
    let told = env.bead(&["verify"]).expect(0);
    assert!(!told.out.contains("note"), "{}", told.out);

    shell.kill().unwrap();
    shell.wait().unwrap();
    assert_eq!(there(&env), (1, 1), "the container outlives the command");
    let told = env.bead(&["verify"]).expect(0).out;
    assert!(told.contains("was cut off") && told.contains("whose process is gone"), "{told}");
    let told = env.bead(&["gc"]).expect(0).out;
    assert_eq!(there(&env), (0, 1), "{told}");
    let told = env.bead(&["gc"]).expect(0).out;
    assert!(told.contains("what a person left in a shell is only there"), "{told}");
    assert!(env.in_a_clone("left.txt", "left"));

    env.bead(&["retry", &id]).expect(0);
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    assert_eq!(ran.last()["outcome"], "landed", "{}", ran.out);
    assert_eq!(env.git(&["show", "main:steps.txt"]), "one\nby hand");
    assert_eq!(env.git(&["show", "main:left.txt"]), "left");
    env.nothing_left();
}

#[test]
fn a_cancelled_bead_has_a_shell_and_goes_on_to_the_gates() {
    let (env, _model, id, child) = at_work(60, THREE);
    env.bead(&["cancel", &id]).expect(0);
    let ran = finish(child, MINUTE).expect(4);
    let run = ran.last()["run"].as_str().unwrap().to_owned();
    assert_eq!(ran.last()["outcome"], "cancelled");
    assert_eq!(kept(&env, &run), "one");
    let mut shell = env.bead_command(&["shell", &run]);
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let typed = "cat steps.txt\nls ~/.claude 2>&1\nenv | grep -c ANTHROPIC\n(echo > /dev/tcp/1.1.1.1/53) 2>&1 | head -1\necho by hand >> steps.txt\ngit commit -qam 'by hand'\necho left > left.txt\n";
    std::io::Write::write_all(&mut shell.stdin.take().unwrap(), typed.as_bytes()).unwrap();
    let ran = finish(shell, MINUTE).expect(0);
    assert!(ran.out.starts_with("one\n"), "on its work: {}{}", ran.out, ran.err);
    assert!(ran.out.contains("No such file") && ran.out.contains("\n0\n"), "no credential: {}", ran.out);
    assert!(ran.out.contains("kept as refs/bead/"), "{}{}", ran.out, ran.err);
    assert!(env.containers().is_empty() && env.clones().is_empty());
    env.bead(&["verify"]).expect(0);
    env.bead(&["retry", &id]).expect(0);
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    assert_eq!(ran.last()["outcome"], "landed", "{}", ran.out);
    assert!(!ran.out.contains("agent_starting"), "no agent was needed: {}", ran.out);
    assert_eq!(env.git(&["show", "main:steps.txt"]), "one\nby hand");
    assert_eq!(env.git(&["show", "main:left.txt"]), "left");
    env.nothing_left();
}

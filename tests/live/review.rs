//! Reviews, blockers and questions with the real engine, the real CLI and a scripted model.

use std::time::Duration;

use serde_json::Value;

use crate::daemon::{socket, started};
use crate::harness::engine::send;
use crate::harness::{BeadEnv, finish, signal, until};
use crate::trackers::Tracked;

/// The gate says no once, the reviewer once; what was always there becomes nobody's task.
const ROUNDS: &str = r#"
conversations:
  - role: review
    match: round 1 of at most 3
    turns:
      - text: "Let me see what I may do here."
        tools: [{ name: Bash, input: { command: "touch /work/mine; echo x >> /work/calc.py; git -C /work commit --allow-empty -m mine; grep -rlE 'multiplies[ ]now' ~/.claude || echo no other conversation; timeout 5 bash -c 'exec 3<>/dev/tcp/1.1.1.1/53' || echo no way out; env | grep -c sk-ant", description: Look } }]
      - review:
          summary: Two things.
          ready: false
          findings:
            - { title: add has no docstring, description: Nobody knows what it adds., severity: major, file: calc.py, line: 2 }
            - { title: add takes anything, description: Strings are joined., severity: critical, file: calc.py, line: 2 }
            - { title: only one sum is tested, description: Zero is not., severity: major, file: test_calc.py, line: 6 }
  - role: review
    turns:
      - review:
          summary: Good now.
          ready: true
          findings:
            - { title: only one sum is tested, description: Zero is not., severity: major, file: test_calc.py, line: 6 }
  - turns:
      - tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a * b/' calc.py", description: Try } }]
      - text: "It multiplies now."
      - tools: [{ name: Bash, input: { command: "sed -i 's/a [*] b/a + b/' calc.py", description: Fix } }]
      - text: "Now it adds."
      - tools: [{ name: Bash, input: { command: "sed -i '2i\\    \\\"\\\"\\\"Adds two numbers.\\\"\\\"\\\"' calc.py", description: Document } }]
      - text: "Documented."
"#;

fn events(out: &str) -> Vec<Value> {
    out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn goes_all_the_way(env: &BeadEnv) {
    let gates = "gates:\n  - { name: test, run: python3 -m unittest -q, timeout: 2m }\n";
    env.write("bead.yaml", &format!("{gates}review: {{ create_beads: auto }}\n"));
    env.commit("review it");
    let id = env.add("Adding subtracts", &["-t", "bug"]);
    let ran = env.rehearse(ROUNDS, &["work", &id, "--json"]).expect(0);
    let result = ran.last();
    assert_eq!((&result["outcome"], &result["attempts"]), (&"landed".into(), &3.into()), "{result}");
    let told = events(&ran.out);
    let verdicts: Vec<&Value> =
        told.iter().filter(|e| e["type"] == "reviewed").map(|e| &e["review"]["verdict"]).collect();
    assert_eq!(verdicts, ["revise", "accept"]);
    let landed = env.git(&["show", "main:calc.py"]);
    assert!(landed.contains("Adds two numbers.") && landed.contains("a + b"), "{landed}");

    // The third finding is a bead, found on the way of this one; the author's two are none.
    let listed = env.bead(&["list", "--all", "--json"]).expect(0).json();
    let made: Vec<&Value> = listed.as_array().unwrap().iter().filter(|b| b["id"] != id.as_str()).collect();
    assert_eq!(made.len(), 1, "{listed}");
    assert_eq!(made[0]["title"], "only one sum is tested");
    let shown = env.bead(&["show", made[0]["id"].as_str().unwrap(), "--json"]).expect(0).json();
    let edge = &shown[0]["dependencies"][0];
    let kind = edge.get("type").or(edge.get("dependency_type")).unwrap();
    assert_eq!(kind, "discovered-from", "{shown}");
    assert!(edge.to_string().contains(&id), "{shown}");

    // The reviewer's money is the bead's, and its run is listed.
    let runs = env.bead(&["runs", &id, "--json"]).expect(0).json();
    let reviews: Vec<&Value> = runs.as_array().unwrap().iter().filter(|r| r["kind"] == "review").collect();
    assert_eq!(reviews.len(), 2, "{runs}");
    let ended = told.iter().filter(|e| e["type"] == "agent_ended");
    let sum: f64 = ended.map(|e| e["cost_usd"].as_f64().unwrap()).sum();
    assert!((result["cost_usd"].as_f64().unwrap() - sum).abs() < 1e-9 && sum > 0.0);
    let first = told.iter().find(|e| e["type"] == "review_started").unwrap()["run"].as_str().unwrap();
    nothing_was_touched(env, first);
    env.nothing_left();
}

/// What the reviewer tried with every permission of its client.
fn nothing_was_touched(env: &BeadEnv, run: &str) {
    let log = env.bead(&["logs", run, "--raw"]).expect(0).out;
    assert!(log.contains("Read-only file system"), "t04: it could write: {log}");
    assert!(log.contains("no way out"), "t04: it reached the network: {log}");
    let saw = log.lines().filter(|line| line.contains("tool_result")).collect::<String>();
    assert!(saw.contains("no other conversation"), "t55: it saw the author's: {saw}");
    assert!(!env.git(&["ls-tree", "-r", "--name-only", "main"]).contains("mine"));
}

#[test]
fn t04_t55_work_gate_fix_review_fix_accept_land_and_a_finding_becomes_a_bead() {
    goes_all_the_way(&BeadEnv::python());
}

#[test]
fn a_finding_becomes_a_bead_through_bd_as_well() {
    let tracked = Tracked::new(&crate::harness::fake_bd(), "1.0.4");
    goes_all_the_way(&tracked.env);
    tracked.commit();
}

const BLOCKED: &str = r#"
conversations:
  - turns:
      - tools: [{ name: Bash, input: { command: "echo half > half.txt", description: Half } }]
      - text: "I cannot go on.\n\nBLOCKED: the adder needs a parser for its input"
      - tools: [{ name: Bash, input: { command: "test -e parser.txt && sed -i 's/a - b/a + b/' calc.py", description: Finish } }]
      - text: "The parser is there, and it adds."
"#;

#[test]
fn a_blocked_bead_waits_for_a_bead_of_its_own_and_later_finishes() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let ran = env.rehearse(BLOCKED, &["work", &id, "--json"]).expect(4);
    assert_eq!(ran.last()["outcome"], "blocked", "{}", ran.last());
    let ready = env.bead(&["ready", "--json"]).expect(0).json();
    let blocker = ready[0].clone();
    assert_eq!(ready.as_array().unwrap().len(), 1, "{ready}");
    assert_eq!((&blocker["issue_type"], &blocker["priority"]), (&"bug".into(), &1.into()), "{blocker}");
    assert!(blocker["title"].as_str().unwrap().contains("needs a parser"));
    let by = blocker["id"].as_str().unwrap();
    let shown = env.shown(&id);
    assert_eq!((&shown["status"], shown.get("assignee")), (&"open".into(), None), "{shown}");
    assert!(env.bead(&["why", &id]).expect(0).out.contains(by));
    env.bead(&["work", &id]).expect(3);

    // Somebody does it; meanwhile the target has moved.
    env.write("parser.txt", "parses\n");
    env.commit("a parser");
    env.bead(&["close", by, "--reason", "done"]).expect(0);
    let ran = env.rehearse(BLOCKED, &["work", &id, "--json"]).expect(0);
    assert_eq!(ran.last()["outcome"], "landed", "{}", ran.err);
    let started = events(&ran.out).into_iter().find(|e| e["type"] == "attempt_started").unwrap();
    assert_eq!(started["resume"], true, "in the same conversation");
    assert_eq!(env.git(&["show", "main:half.txt"]), "half", "its work went on");
    env.nothing_left();
}

const QUESTION: &str = r#"
conversations:
  - turns:
      - tools: [{ name: Bash, input: { command: "echo half > half.txt", description: Half } }]
      - text: "QUESTION: which rounding shall it have?"
      - tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a + b/' calc.py", description: Finish } }]
      - text: "Rounded as you said."
"#;

#[test]
fn a_question_waits_for_its_answer_and_is_no_attempt_lost() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let ran = env.rehearse(QUESTION, &["work", &id, "--json"]).expect(4);
    let result = ran.last();
    assert_eq!((&result["outcome"], &result["cause"]), (&"parked".into(), &"question".into()));
    assert_eq!(result["reason"], "which rounding shall it have?");
    let shown = env.shown(&id);
    let comment = shown["comments"][0]["text"].as_str().unwrap();
    assert!(comment.contains("which rounding") && comment.contains("bead answer"), "{comment}");
    env.bead(&["answer", &id, "half to even"]).expect(0);
    let ran = env.rehearse(QUESTION, &["work", &id, "--json"]).expect(0);
    assert_eq!(ran.last()["outcome"], "landed");
    let run = ran.last()["run"].as_str().unwrap().to_owned();
    assert!(env.bead(&["logs", &run, "--raw"]).expect(0).out.contains("Rounded as you said."));
    env.nothing_left();
}

const OPINION: &str = r#"
conversations:
  - role: review
    turns:
      - review: { summary: Fine., ready: true, findings: [{ title: a long name, description: It is., severity: note }] }
"#;

#[test]
fn a_branch_is_read_without_a_claim() {
    let env = BeadEnv::python();
    env.git(&["switch", "-q", "-c", "feature"]);
    env.write("calc.py", "def add(a, b):\n    return a + b\n");
    env.commit("it adds");
    env.git(&["switch", "-q", "main"]);
    let before = env.git(&["for-each-ref"]);
    let ran = env.rehearse(OPINION, &["review", "feature", "--json"]).expect(0);
    let result = ran.last();
    assert_eq!((&result["verdict"], &result["ready"]), (&"accept".into(), &true.into()), "{result}");
    assert_eq!(result["findings"][0]["finding"]["title"], "a long name");
    assert_eq!(env.git(&["for-each-ref"]), before, "no ref moved");
    env.bead(&["review", "nowhere"]).expect(3);
    env.nothing_left();
}

const SLOW: &str = "
conversations:
  - role: review
    turns:
      - { review: { summary: Fine., ready: true, findings: [] }, delay: 5s }
";

#[test]
fn a_review_goes_through_a_running_daemon_and_ctrl_c_takes_it_back() {
    let mut env = BeadEnv::python();
    let _model = env.model(SLOW);
    env.bead(&["project", "add"]).expect(0);
    env.git(&["switch", "-q", "-c", "feature"]);
    env.write("calc.py", "def add(a, b):\n    return a + b\n");
    env.commit("it adds");
    env.git(&["switch", "-q", "main"]);
    let mut daemon = started(&env, &["serve", "--listen", "127.0.0.1:0"]);

    let ran = env.bead(&["review", "feature"]).expect(0);
    assert!(ran.err.contains("a daemon is running"), "{}", ran.err);
    assert!(ran.out.contains("accepted"), "{}", ran.out);

    let minute = Duration::from_secs(60);
    let asked = env.start(&["review", "feature"]);
    until("the reviewer", minute, || !env.containers().is_empty());
    // It is no bead's own work, so no hand is laid on one by its name.
    let newest = env.bead(&["runs", "--json"]).expect(0).json()[0]["run"].as_str().unwrap().to_owned();
    let refused = env.bead(&["cancel", &newest]).expect(3);
    assert!(refused.err.contains("outside any claim"), "{}", refused.err);
    let cancel = format!("/api/projects/repo/runs/{newest}/cancel");
    let (status, told) = send(&socket(&env), "POST", &cancel, "{}").unwrap();
    assert!(status == 409 && told.contains("outside any claim"), "{status}: {told}");
    signal(&asked, "INT");
    let ran = finish(asked, minute);
    assert_eq!(ran.code, 130, "{}\n{}", ran.out, ran.err);
    until("its container's end", minute, || env.containers().is_empty());
    let runs = env.bead(&["runs", "--json"]).expect(0).json();
    let states: Vec<&str> = runs.as_array().unwrap().iter().filter_map(|run| run["state"].as_str()).collect();
    assert_eq!(states, ["cancelled", "completed"], "{runs}");

    signal(&daemon, "TERM");
    daemon.wait().unwrap();
    env.nothing_left();
}

//! `bead work` dies, at any moment and in every way; the next command tells the same story to its end.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::harness::{BeadEnv, Ran, finish, signal, until};

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("BEAD_KILL_SEED").ok().and_then(|s| s.parse().ok());
        let seed = seed.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into());
        println!("BEAD_KILL_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A project whose gate already passes, so that a bead only has to add something.
fn green() -> BeadEnv {
    let env = BeadEnv::python();
    env.write("calc.py", "def add(a, b):\n    return a + b\n");
    env.commit("green");
    env
}

fn kill(mut child: Child) -> Ran {
    let _ = child.kill();
    finish(child, Duration::from_secs(10))
}

/// One conversation a round; what a tool call does twice stands twice in the file.
fn conversation(name: &str) -> String {
    let step = |word: &str, pause: &str| {
        format!(
            "      - tools: [{{ name: Bash, input: {{ command: \"echo {word} >> {name}.txt; sleep {pause}\", description: Step }} }}]\n"
        )
    };
    format!(
        "  - match: \"write {name}\"\n    turns:\n{}{}      - text: \"Done.\"\n",
        step("one", "1.2"),
        step("two", "0.8")
    )
}

/// The round's kills, in milliseconds from the start of each `bead work`.
fn rounds(first: u32, count: u32) {
    let mut env = green();
    let mut dice = Dice::new();
    let names: Vec<String> = (first..first + count).map(|n| format!("round{n}x")).collect();
    let script: String = names.iter().map(|n| conversation(n)).collect();
    let _model = env.model(&format!("conversations:\n{script}"));
    for name in &names {
        let id = env.add(name, &["-d", &format!("write {name}")]);
        let tip = env.git(&["rev-parse", "main"]);
        let mut told = Vec::new();
        let mut kills = 1 + dice.below(3);
        let ran = loop {
            let child = env.start(&["work", &id, "--json"]);
            if kills == 0 {
                break finish(child, Duration::from_secs(90));
            }
            kills -= 1;
            let moment = dice.below(7_000);
            told.push(moment);
            let begin = Instant::now();
            let mut child = child;
            while begin.elapsed() < Duration::from_millis(moment) && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
            if child.try_wait().unwrap().is_some() {
                break finish(child, Duration::from_secs(1));
            }
            kill(child);
            let ran = env.bead(&["verify"]);
            assert_eq!(ran.code, 0, "{name} {told:?}: right after the kill: {}{}", ran.out, ran.err);
        };
        println!("{name}: killed after {told:?} ms");
        // A kill between the last event and the result line leaves a closed bead, which is refused.
        if ran.code == 3 {
            assert!(ran.err.contains("closed"), "{name} {told:?}: {}", ran.err);
        } else {
            assert_eq!(ran.code, 0, "{name} {told:?}\n{}\n{}", ran.out, ran.err);
            let result = ran.last();
            assert_eq!(result["outcome"], "landed", "{name} {told:?}");
            assert_eq!(result["attempts"], 1, "{name} {told:?}");
        }
        assert_eq!(env.shown(&id)["status"], "closed", "{name} {told:?}");
        assert_eq!(
            env.git(&["rev-list", "--count", "--merges", &format!("{tip}..main")]),
            "1",
            "{name} {told:?}: one merge commit"
        );
        assert_eq!(env.git(&["rev-parse", "main^1"]), tip, "{name} {told:?}: on the tip that was there");
        assert_eq!(env.read(&format!("{name}.txt")), "one\ntwo\n", "{name} {told:?}: each step once");
        let runs = env.bead(&["runs", &id, "--json"]).expect(0).json();
        let work: Vec<_> = runs.as_array().unwrap().iter().filter(|r| r["kind"] == "work").collect();
        assert_eq!(work.len(), 1, "{name} {told:?}: one run: {runs}");
        env.whole_log(work[0]["run"].as_str().unwrap());
        env.nothing_left();
    }
}

#[test]
fn f01_random_kills_end_in_the_same_story() {
    rounds(0, 5);
}

#[test]
fn f01_random_kills_end_in_the_same_story_again() {
    rounds(5, 5);
}

const SLOW: &str = r#"
conversations:
  - match: "Slow one"
    turns:
      - tools: [{ name: Bash, input: { command: "echo slow > slow.txt; sleep 6; echo woke", description: Slow } }]
      - text: "Done."
  - turns:
      - tools: [{ name: Bash, input: { command: "echo quick > quick.txt", description: Quick } }]
      - text: "Done."
"#;

#[test]
fn f08_a_second_ctrl_c_leaves_at_once_and_the_next_command_finishes() {
    let mut env = green();
    let _model = env.model(SLOW);
    let id = env.add("Slow one", &[]);
    let mut child = env.start(&["work", &id, "--json"]);
    until("the agent's edit", Duration::from_secs(60), || env.in_a_clone("slow.txt", "slow"));
    signal(&child, "INT");
    // Two signals at once may be one; the second comes when the first was heard, and long before the agent has ended.
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("again to leave at once")));
    signal(&child, "INT");
    finish(child, Duration::from_secs(60)).expect(130);
    assert_eq!(env.shown(&id)["status"], "in_progress", "nothing was waited for: the claim stays");
    let ran = env.bead(&["verify"]);
    assert_eq!(ran.code, 0, "verify: {}{}", ran.out, ran.err);
    // The interrupt of the first Ctrl-C has ended the agent's turn; that costs no attempt.
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["attempts"].as_u64()),
        (Some("landed"), Some(1)),
        "{result}"
    );
    env.nothing_left();
}

#[test]
fn another_beads_work_stops_an_abandoned_one_and_keeps_what_it_did() {
    let mut env = green();
    let _model = env.model(SLOW);
    let slow = env.add("Slow one", &[]);
    let quick = env.add("Quick one", &[]);
    let child = env.start(&["work", &slow, "--json"]);
    until("the agent's edit", Duration::from_secs(60), || env.in_a_clone("slow.txt", "slow"));
    kill(child);
    let why = env.bead(&["why", &slow]).expect(0).out;
    assert!(why.contains("interrupted"), "{why}");
    let runs = env.bead(&["runs", &slow, "--json"]).expect(0).json();
    assert_eq!(runs[0]["state"], "interrupted", "{runs}");
    let run = runs[0]["run"].as_str().unwrap().to_owned();
    let ran = env.bead(&["work", &quick, "--json"]).expect(0);
    assert_eq!(
        (ran.last()["bead"].as_str(), ran.last()["outcome"].as_str()),
        (Some(&*quick), Some("landed"))
    );
    let shown = env.shown(&slow);
    assert_eq!(shown["status"], "open", "given back: {shown}");
    assert!(shown.get("assignee").is_none() && shown.get("metadata").is_none(), "{shown}");
    assert_eq!(env.git(&["show", &format!("refs/bead/{run}:slow.txt")]), "slow", "its work is kept");
    let runs = env.bead(&["runs", &slow, "--json"]).expect(0).json();
    assert_eq!(runs[0]["state"], "cancelled", "{runs}");
    env.nothing_left();
    let ran = env.bead(&["work", &slow, "--json"]).expect(0);
    assert_eq!(ran.last()["outcome"], "landed");
    env.nothing_left();
}

#[test]
fn a_kill_while_claiming_leaves_nothing_that_another_bead_would_not_tidy() {
    let mut env = green();
    let _model = env.model(SLOW);
    let slow = env.add("Slow one", &[]);
    let quick = env.add("Quick one", &[]);
    let tracker = || env.read(".beads/issues.jsonl");
    let child = env.start(&["work", &slow, "--json"]);
    until("the claim", Duration::from_secs(30), || tracker().contains("in_progress"));
    kill(child);
    env.bead(&["work", &quick, "--json"]).expect(0);
    assert_eq!(env.shown(&slow)["status"], "open");
    env.nothing_left();
}

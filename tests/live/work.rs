//! `bead work` with the real engine, the real CLI and a scripted model.

use std::time::Duration;

use crate::harness::{BeadEnv, finish, signal, until};

const FIX: &str = r#"
conversations:
  - turns:
      - text: "I see the wrong sign."
        tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a + b/' calc.py && python3 -m unittest -q", description: Fix } }]
        usage: { input: 1000, output: 100 }
      - text: "Fixed."
        usage: { input: 2000, output: 50 }
"#;

#[test]
fn a_bead_goes_from_ready_to_landed_and_leaves_nothing_behind() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &["-t", "bug"]);
    let base = env.git(&["rev-parse", "main"]);
    let ran = env.rehearse(FIX, &["work", &id, "--json"]).expect(0);
    let result = ran.last();
    assert_eq!(result["outcome"], "landed");
    assert_eq!(result["cause"], serde_json::Value::Null);
    assert_eq!(result["attempts"], 1);
    let commit = result["commit"].as_str().unwrap();
    assert_eq!(env.git(&["rev-parse", "main"]), commit);
    assert_eq!(env.git(&["rev-parse", "main^1"]), base, "one merge commit on the old tip");
    let run = result["run"].as_str().unwrap();
    assert_eq!(
        env.git(&["rev-parse", &format!("refs/bead/{run}")]),
        commit,
        "the work is kept under its ref"
    );
    let message = env.git(&["log", "-1", "--format=%an <%ae>%n%B", "main"]);
    assert!(message.contains("Beadwork <bead@localhost>"), "{message}");
    assert!(
        message.contains(&format!("Bead: {id}")) && message.contains(&format!("Bead-Run: {run}")),
        "{message}"
    );
    assert!(env.read("calc.py").contains("a + b"), "the checked-out target was moved along");
    let gated = ran.out.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    let merged = gated.clone().find(|e| e["type"] == "merged").unwrap();
    assert_eq!(
        env.git(&["rev-parse", "main^{tree}"]),
        merged["tree"].as_str().unwrap(),
        "landed is what was gated"
    );
    assert!(gated.clone().any(|e| e["type"] == "gate_ended" && e["passed"] == true));
    let shown = env.bead(&["show", &id, "--json"]).expect(0).json();
    assert_eq!(shown[0]["status"], "closed");
    assert!(shown[0].get("metadata").is_none() && shown[0].get("assignee").is_none(), "{shown}");
    let log = env.bead(&["logs", run]).expect(0).out;
    assert!(log.contains("I see the wrong sign.") && log.contains("sed -i"), "{log}");
    // 3,000 tokens in, 150 out at the list price of the default model.
    let cost = result["cost_usd"].as_f64().unwrap();
    let table = beadwork::domain::prices::list_prices();
    let usage = beadwork::domain::usage::Usage { input: 3000, output: 150, ..Default::default() };
    let expected = table.cost("claude-opus-5-5", usage);
    assert!((cost - expected).abs() < 1e-9, "cost {cost}, expected {expected}");
    assert_eq!(env.git(&["status", "--porcelain", "--", ":!.beads"]), "", "index and work tree are clean");
    env.nothing_left();
}

#[test]
fn a_failed_gate_goes_back_to_the_same_conversation_and_the_second_attempt_lands() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let script = r#"
conversations:
  - turns:
      - tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a * b/' calc.py && git commit -qam multiply", description: Try } }]
      - text: "It multiplies now."
      - text: "The gate says no; addition it is."
        tools: [{ name: Bash, input: { command: "sed -i 's/a [*] b/a + b/' calc.py", description: Fix } }]
      - text: "Now it adds."
"#;
    let ran = env.rehearse(script, &["work", &id, "--json"]).expect(0);
    let result = ran.last();
    assert_eq!((result["outcome"].as_str(), result["attempts"].as_u64()), (Some("landed"), Some(2)));
    let failed = ran.out.lines().find(|l| l.contains("\"gates_failed\"")).unwrap();
    assert!(failed.contains("test_add") || failed.contains("FAILED"), "{failed}");
    env.nothing_left();
}

#[test]
fn t49_nothing_changed_is_an_outcome_of_its_own_and_parks_the_bead() {
    let env = BeadEnv::python();
    let id = env.add("Look whether it adds", &[]);
    let script = "conversations:\n  - turns:\n      - text: \"All done, everything is perfect!\"\n";
    let ran = env.rehearse(script, &["work", &id, "--json"]).expect(4);
    assert_eq!(ran.last()["outcome"], "no_change");
    let shown = env.bead(&["show", &id, "--json"]).expect(0).json();
    assert_eq!(
        (shown[0]["status"].as_str(), shown[0]["labels"][0].as_str()),
        (Some("blocked"), Some("parked"))
    );
    assert!(shown[0]["comments"][0]["text"].as_str().unwrap().contains("everything is perfect"));
    env.nothing_left();
}

#[test]
fn t06_the_key_is_nowhere() {
    let mut env = BeadEnv::python();
    let canary = "sk-ant-api03-CANARY0123456789abcdefghijklmnop";
    let id = env.add("Adding subtracts", &[]);
    let script = r#"
conversations:
  - turns:
      - text: "Let me look at my environment."
        tools: [{ name: Bash, input: { command: "env; cat /proc/*/environ | tr '\\0' '\\n' | head -c 4000", description: Snoop } }]
      - tools: [{ name: Bash, input: { command: "grep -rIl sk-ant /home /work /tmp /etc /run /var /usr/local/share; sed -i 's/a - b/a + b/' calc.py; sleep 4", description: Search } }]
      - text: "Done."
"#;
    let server = env.start(&["model", "serve", "--script", &env.script(script), "--json"]);
    let url = {
        use std::io::{BufRead as _, BufReader};
        let mut server = server;
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        (value["url"].as_str().unwrap().to_owned(), server)
    };
    let (url, mut server) = url;
    env.set("ANTHROPIC_API_KEY", canary).set("ANTHROPIC_BASE_URL", &url);
    let child = env.start(&["work", &id, "--json"]);
    until("the container", Duration::from_secs(60), || !env.containers().is_empty());
    let name = env.containers()[0].clone();
    let inspect = std::process::Command::new("docker").args(["inspect", &name]).output().unwrap();
    assert!(!String::from_utf8_lossy(&inspect.stdout).contains("CANARY"), "the key is in docker inspect");
    let pid = child.id();
    let argv = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&argv).contains("CANARY"));
    let ran = finish(child, Duration::from_secs(120)).expect(0);
    let _ = server.kill();
    let _ = server.wait();
    assert!(!ran.out.contains("CANARY") && !ran.err.contains("CANARY"));
    assert_eq!(env.files_with("CANARY0123"), Vec::<std::path::PathBuf>::new());
    let log = env.bead(&["logs", &id, "--raw"]).expect(0).out;
    assert!(log.contains("PATH="), "the agent did print its environment");
    env.nothing_left();
}

/// One run that must end by a limit of its own, with its work kept.
fn ends_by(limit: &str, script: &str, outcome: &str, cause: &str) {
    let env = BeadEnv::python();
    let gates = "gates:\n  - { name: test, run: python3 -m unittest -q, timeout: 2m }\n";
    env.write("bead.yaml", &format!("{gates}limits: {{ {limit}, attempts: 1 }}\n"));
    env.commit("limits");
    let id = env.add("Never ends", &[]);
    let ran = env.rehearse(script, &["work", &id, "--json"]).expect(4);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some(outcome), Some(cause)),
        "{result}"
    );
    let run = result["run"].as_str().unwrap();
    let kept = env.git(&["show", &format!("refs/bead/{run}:half.txt")]);
    assert_eq!(kept, "half", "the work is kept");
    env.nothing_left();
}

const HALF: &str = r#"{ name: Bash, input: { command: "echo half > half.txt", description: Half } }"#;

#[test]
fn f17_a_silent_model_ends_by_the_idle_limit() {
    let script = format!(
        "conversations:\n  - turns:\n      - tools: [{HALF}]\n      - {{ fail: {{ hang: 10m }}, text: never }}\n"
    );
    ends_by("idle: 4s", &script, "timeout", "idle");
}

#[test]
fn the_run_time_ends_a_run() {
    let script = format!(
        "conversations:\n  - turns:\n      - tools: [{HALF}]\n      - tools: [{{ name: Bash, input: {{ command: \"for i in $(seq 60); do echo $i; sleep 1; done\", description: Wait }} }}]\n"
    );
    ends_by("run_time: 8s", &script, "timeout", "run_time");
}

#[test]
fn one_tool_call_has_a_limit() {
    let script = format!(
        "conversations:\n  - turns:\n      - tools: [{HALF}]\n      - tools: [{{ name: Bash, input: {{ command: \"tail -f /dev/null\", description: Wait, timeout: 600000 }} }}]\n"
    );
    ends_by("tool: 5s", &script, "timeout", "tool");
}

#[test]
fn t32_money_ends_a_run_and_parks_the_bead() {
    let turn = format!("      - {{ tools: [{HALF}], usage: {{ input: 100000, output: 10000 }} }}\n");
    let script = format!("conversations:\n  - turns:\n{}", turn.repeat(30));
    ends_by("cost_usd: 1.0", &script, "parked", "budget");
}

const SLOW: &str = r#"
conversations:
  - turns:
      - tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a + b/' calc.py; sleep 12; echo woke", description: Fix slowly } }]
      - text: "Fixed."
"#;

#[test]
fn ctrl_c_once_stops_the_agent_and_keeps_its_work() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let child = env.start(&["rehearse", "--in-place", &env.script(SLOW), "--", "work", &id, "--json"]);
    until("the agent's edit", Duration::from_secs(60), || {
        env.clones()
            .iter()
            .any(|c| std::fs::read_to_string(c.join("calc.py")).is_ok_and(|t| t.contains("a + b")))
    });
    signal(&child, "INT");
    let ran = finish(child, Duration::from_secs(60)).expect(130);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("cancelled"), Some("interrupted"))
    );
    let run = result["run"].as_str().unwrap();
    assert!(env.git(&["show", &format!("refs/bead/{run}:calc.py")]).contains("a + b"));
    let shown = env.bead(&["show", &id, "--json"]).expect(0).json();
    assert_eq!(shown[0]["status"], "open", "the bead is given back");
    env.nothing_left();
}

#[test]
fn f02_after_a_kill_the_next_command_adopts_the_same_container() {
    let env = BeadEnv::python();
    let id = env.add("Adding subtracts", &[]);
    let script = env.script(SLOW);
    let server = env.start(&["model", "serve", "--script", &script, "--json"]);
    let (url, mut server) = {
        use std::io::{BufRead as _, BufReader};
        let mut server = server;
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        (value["url"].as_str().unwrap().to_owned(), server)
    };
    let mut env = env;
    env.set("ANTHROPIC_API_KEY", "k").set("ANTHROPIC_BASE_URL", &url);
    let mut first = env.start(&["work", &id]);
    until("the agent's edit", Duration::from_secs(60), || {
        env.clones()
            .iter()
            .any(|c| std::fs::read_to_string(c.join("calc.py")).is_ok_and(|t| t.contains("a + b")))
    });
    let before = env.containers();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(env.containers(), before, "the container runs on without us");
    assert!(env.bead(&["why", &id]).expect(0).out.contains("interrupted"));
    let ran = env.bead(&["work", &id, "--json"]).expect(0);
    let _ = server.kill();
    let _ = server.wait();
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["attempts"].as_u64()),
        (Some("landed"), Some(1)),
        "{}",
        ran.err
    );
    assert!(!ran.out.contains("agent_starting"), "no second container was started: {}", ran.out);
    let raw = env.bead(&["logs", result["run"].as_str().unwrap(), "--raw"]).expect(0).out;
    for line in raw.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("the log has no torn and no doubled line");
    }
    let ids: Vec<String> = raw
        .lines()
        .filter_map(|l| {
            serde_json::from_str::<serde_json::Value>(l).unwrap()["uuid"].as_str().map(str::to_owned)
        })
        .collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "every line is there once");
    env.nothing_left();
}

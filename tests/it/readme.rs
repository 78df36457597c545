//! The terminal session of the README is real: every command in it runs, and prints what stands there.
//!
//! Ids, commits, times and prices differ from run to run, so words with digits compare as one. Where no
//! engine with the worker image answers, the test ends before the work itself. Start with [`session`].

use std::process::Command;

use crate::harness::BeadEnv;

/// Commands of the first `console` block, each with the lines below it.
fn session(readme: &str) -> Vec<(String, Vec<String>)> {
    let block = readme.split("```console\n").nth(1).and_then(|rest| rest.split("```").next());
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.expect("the README has a terminal session").lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, output))) => output.push(line.to_owned()),
            (None, None) => panic!("the session begins with a command"),
        }
    }
    commands
}

/// What is the same in every run: words that hold a digit, and the random end of an id, become `N`.
fn plain(line: &str) -> String {
    let mut out = String::new();
    for (index, part) in line.split("tally-").enumerate() {
        let part = match index {
            0 => part.to_owned(),
            _ => format!("tally-N{}", part.trim_start_matches(|c: char| c.is_ascii_alphanumeric())),
        };
        let mut word = String::new();
        for c in part.chars().chain([' ']) {
            if c.is_ascii_alphanumeric() {
                word.push(c);
                continue;
            }
            let random = word.chars().any(|c| c.is_ascii_digit()) || matches!(word.len(), 10 | 15);
            out.push_str(if random { "N" } else { &word });
            word.clear();
            out.push(c);
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn engine_is_there() -> bool {
    let ran = Command::new("docker").args(["image", "inspect", "beadwork/worker:latest"]).output();
    ran.is_ok_and(|ran| ran.status.success())
}

#[test]
fn the_session_in_the_readme_is_real() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let env = BeadEnv::new();
    let shell = |line: &str, dir: &std::path::Path| {
        let functions = format!("bead() {{ {} \"$@\"; }}; exec 2>&1\n{line}", env!("CARGO_BIN_EXE_bead"));
        let mut bash = Command::new("bash");
        bash.args(["-c", &functions]).current_dir(dir).env_clear();
        let ran = bash.envs(&env.vars).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let project = env.dir.path().join("tally");
    let from = root.join("demo/project");
    shell(&format!("cp -r '{}' '{}'", from.display(), project.display()), root);
    shell("git init -q -b main && git add -A && git commit -qm Begin", &project);
    let rehearse =
        format!("bead rehearse --in-place '{}' -- work", root.join("demo/rehearsal.yaml").display());
    let mut ids: Vec<(String, String)> = Vec::new();
    for (command, expected) in session(&readme) {
        let mut line = command.clone();
        for (shown, real) in &ids {
            line = line.replace(shown, real);
        }
        if line.starts_with("bead work") {
            if !engine_is_there() {
                // What follows shows what the work left behind.
                println!("skipped from `{command}` on: no engine with the worker image");
                return;
            }
            line = line.replace("bead work", &rehearse);
        }
        let out = shell(&line, &project);
        if let ([shown], Some(real)) = (expected.as_slice(), out.lines().next())
            && command.starts_with("bead add")
        {
            ids.push((shown.clone(), real.to_owned()));
        }
        let found: Vec<String> = out.lines().map(plain).collect();
        let wanted: Vec<String> = expected.iter().map(|line| plain(line)).collect();
        assert_eq!(found, wanted, "`{command}` prints\n{out}");
    }
    assert_eq!(ids.len(), 2, "the session adds two beads");
}

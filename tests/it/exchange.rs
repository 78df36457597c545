//! `bead export` and `bead import` from one project to another, and back.
//!
//! What is taken and how it is spelt is tested beside the code. Start with
//! [`beads_go_from_project_to_project_and_back`].

use std::io::Write as _;
use std::process::Stdio;

use crate::harness::{BeadEnv, Ran};

const SAMPLES: &str = include_str!("../fixtures/beads/samples.jsonl");

fn with_samples() -> BeadEnv {
    let env = BeadEnv::python();
    env.write(".beads/issues.jsonl", SAMPLES);
    env
}

fn feed(env: &BeadEnv, args: &[&str], text: &str) -> Ran {
    let mut command = env.bead_command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Ran::of(&child.wait_with_output().unwrap())
}

#[test]
fn beads_go_from_project_to_project_and_back() {
    let from = with_samples();
    assert_eq!(from.bead(&["export", "-"]).expect(0).out, SAMPLES);
    let to = BeadEnv::python();
    let ran = feed(&to, &["import", "-", "--own", "--json"], SAMPLES).expect(0);
    let report = ran.json();
    assert_eq!((report["added"].as_array().unwrap().len(), &report["written"]), (28, &true.into()));
    assert!(ran.err.contains("`orc-g1t` was deleted there"), "{}", ran.err);
    let back = to.bead(&["export", "-"]).expect(0).out;
    assert!(back.lines().all(|line| SAMPLES.lines().any(|old| old == line)), "every line kept its bytes");
    let modern = to.bead(&["export", "-", "--form", "1.x"]).expect(0).out;
    assert!(modern.lines().all(|line| line.starts_with("{\"_type\":\"issue\"")), "{modern}");
    let before = to.read(".beads/issues.jsonl");
    let ran = feed(&to, &["import", "-"], &modern).expect(0);
    assert_eq!(ran.out.trim(), "0 added, 0 changed, 28 here already");
    assert_eq!(to.read(".beads/issues.jsonl"), before);
}

#[test]
fn an_import_is_all_or_nothing_and_says_each_line() {
    let env = BeadEnv::python();
    env.add("Mine", &[]);
    let before = env.read(".beads/issues.jsonl");
    env.write("in.jsonl", "{\"id\":\"x-1\",\"title\":\"ok\"}\nrubbish\n{\"id\":\"x-2\",\"title\":\"\"}\n");
    let ran = env.bead(&["import", "in.jsonl"]).expect(3);
    for word in ["2 lines cannot be taken", "line 2", "line 3", "title", "--partly"] {
        assert!(ran.err.contains(word), "no `{word}`: {}", ran.err);
    }
    assert_eq!(env.read(".beads/issues.jsonl"), before);
    let ran = env.bead(&["import", "in.jsonl", "--partly"]).expect(0);
    assert!(ran.out.contains("1 added") && ran.out.contains("2 left out"), "{}", ran.out);
    let bead = env.shown("x-1");
    assert!(bead["metadata"]["beadwork_imported"].is_string(), "{bead}");
    env.bead(&["import", "missing.jsonl"]).expect(3);
}

#[test]
fn an_export_is_whole_or_not_there_and_never_the_tracker() {
    let env = with_samples();
    let ran = env.bead(&["export", "out.jsonl", "--json"]).expect(0);
    assert_eq!((ran.json()["beads"].as_u64(), env.read("out.jsonl").as_str()), (Some(29), SAMPLES));
    env.write("out.jsonl", "mine");
    let ran = env.bead(&["export", "out.jsonl"]).expect(3);
    assert!(ran.err.contains("--force"), "{}", ran.err);
    assert_eq!(env.read("out.jsonl"), "mine");
    env.bead(&["export", "out.jsonl", "--force", "--form", "classic"]).expect(0);
    assert_eq!(env.read("out.jsonl").lines().count(), 29);
    let ran = env.bead(&["export", ".beads/issues.jsonl", "--force"]).expect(3);
    assert!(ran.err.contains("tracker"), "{}", ran.err);
    std::os::unix::fs::symlink(env.repo().join(".beads"), env.repo().join("link")).unwrap();
    env.bead(&["export", "link/issues.jsonl", "--force"]).expect(3);
    assert_eq!(env.read(".beads/issues.jsonl"), SAMPLES);
    env.bead(&["export", "out.jsonl", "--form", "2"]).expect(2);
}

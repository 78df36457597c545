//! The fake `bd` against recordings of real ones: each command again, its exit code, streams and shape compared.
//!
//! So that the adapter cannot be tuned to a friendlier `bd` than the real one. The recordings are not in the
//! repository; where they are not at hand, the test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::backend::{Backend, FAKES, Project};

#[derive(Deserialize)]
struct Step {
    step: usize,
    why: String,
    argv: Vec<String>,
    exit: i32,
    stdout: String,
    stderr: String,
    #[serde(default)]
    files_before: BTreeMap<String, String>,
}

fn recordings() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let near = ["../shared/data/bd-recordings", "../../shared/data/bd-recordings"];
    near.into_iter().map(|path| root.join(path)).find(|path| path.is_dir())
}

#[test]
fn the_fake_answers_as_the_recorded_ones_did() {
    let Some(dir) = recordings() else {
        println!("skipped: no recordings at ../shared/data/bd-recordings");
        return;
    };
    let mut wrong = Vec::new();
    for version in FAKES {
        let text = std::fs::read_to_string(dir.join(format!("{version}.jsonl"))).unwrap();
        let steps: Vec<Step> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(steps.len() > 70, "{version}");
        replay(version, &steps, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn replay(version: &str, steps: &[Step], wrong: &mut Vec<String>) {
    let project = Project::empty(&Backend::Fake(version.to_owned()));
    // Recorded ids and ours, hashes too.
    let mut ids: Vec<(String, String)> = Vec::new();
    for step in steps {
        let ours = |text: &str| ids.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        for (name, text) in &step.files_before {
            std::fs::write(project.root().join(name), ours(text)).unwrap();
        }
        let argv: Vec<String> = step.argv.iter().map(|word| ours(word)).collect();
        let ran = project.bd(&argv.iter().map(String::as_str).collect::<Vec<_>>());
        if step.argv[0] == "create" && step.exit == 0 {
            let id = |text: &str| {
                let value: Value = serde_json::from_str(text).unwrap();
                value["id"].as_str().unwrap().trim_start_matches("orc-").to_owned()
            };
            // Children are named after their parents.
            if !id(&step.stdout).contains('.') {
                ids.push((id(&step.stdout), id(&ran.out)));
            }
        }
        let at = format!("{version} step {} ({}): {:?}", step.step, step.why, argv);
        if ran.code != step.exit {
            wrong.push(format!("{at}: exit {}, recorded {}\n  {}{}", ran.code, step.exit, ran.out, ran.err));
        }
        let (found, expected) = (shape(&ran.out), shape(&step.stdout));
        if found != expected {
            wrong.push(format!("{at}: stdout\n  found    {found}\n  recorded {expected}"));
        }
        if ran.err.trim().is_empty() != step.stderr.trim().is_empty() {
            wrong.push(format!("{at}: stderr `{}`, recorded `{}`", ran.err.trim(), step.stderr.trim()));
        }
    }
}

/// Nothing, text, or JSON with its keys, nesting and numbers of elements.
fn shape(text: &str) -> String {
    if text.trim().is_empty() {
        return "nothing".to_owned();
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => of(&value),
        Err(_) => "text".to_owned(),
    }
}

fn of(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let keys: Vec<_> = map
                .iter()
                .map(|(key, value)| {
                    if value.is_string() || value.is_number() {
                        key.clone()
                    } else {
                        format!("{key}:{}", of(value))
                    }
                })
                .collect();
            format!("{{{}}}", keys.join(","))
        }
        Value::Array(items) => {
            let kinds: BTreeSet<_> = items.iter().map(of).collect();
            format!("[{} of {}]", items.len(), kinds.into_iter().collect::<Vec<_>>().join(" | "))
        }
        Value::String(_) => "text".to_owned(),
        other => other.to_string(),
    }
}

//! `bead prompt`, `bead context` and `bead findings`, as a user sees them, without any container engine.
//!
//! Owns the commands' promises; what a review decides is tested beside its code. A journal with a review in it is
//! written by the library. Start with [`findings_are_listed_and_become_beads`].

use std::sync::Arc;

use beadwork::clock::SystemClock;
use beadwork::domain::event::Body;
use beadwork::domain::finding::{Finding, Origin, Severity};
use beadwork::domain::ids::{BeadId, ProjectId, RunId};
use beadwork::domain::verdict::{Entry, Review, Standing, Verdict};
use beadwork::journal::{self, Journal};

use crate::harness::BeadEnv;

fn entry(fingerprint: &str, title: &str, line: u32, severity: Severity) -> Entry {
    Entry {
        fingerprint: fingerprint.into(),
        finding: Finding {
            source: "review".into(),
            title: title.into(),
            detail: "It goes wrong.".into(),
            file: Some("calc.py".into()),
            line: Some(line),
            severity,
        },
        origin: Origin::PreExisting,
        standing: Standing::Open,
        first: 1,
        last: 1,
        priority: 2,
        kind: "bug".into(),
    }
}

fn reviewed(env: &BeadEnv, bead: &str) {
    let journal =
        Journal::open(&env.dir.path().join("state/journal.db"), Arc::new(SystemClock::default())).unwrap();
    let review = Review {
        round: 1,
        verdict: Verdict::Accept,
        reason: "nothing material is open".into(),
        summary: "fine".into(),
        ready: Some(true),
        ledger: vec![
            entry("f1", "Big numbers\u{1b}[31m overflow", 2, Severity::Major),
            entry("f2", "The name of `add` is short", 90, Severity::Minor),
        ],
        unread: Vec::new(),
    };
    let body = Body::Reviewed { review, cost_usd: 0.0 };
    let root = env.repo().canonicalize().unwrap();
    let entry = journal::Entry {
        project: Some(ProjectId::of_path(&root)),
        bead: Some(BeadId::new(bead)),
        run: Some(RunId::from_bytes([3; 16])),
        attempt: Some(1),
        body,
    };
    journal.tell(entry).unwrap();
}

#[test]
fn findings_are_listed_and_become_beads() {
    let env = BeadEnv::python();
    let id = env.add("Add properly", &[]);
    assert_eq!(env.bead(&["findings", "--json"]).expect(0).out.trim(), "[]");
    env.bead(&["findings", "nope"]).expect(3);
    reviewed(&env, &id);
    let listed = env.bead(&["findings", &id, "--json"]).expect(0).json();
    let (one, two) = (&listed[0], &listed[1]);
    assert_eq!((one["fingerprint"].as_str(), one["severity"].as_str()), (Some("f1"), Some("major")));
    assert_eq!((one["standing"].as_str(), one["origin"].as_str()), (Some("open"), Some("there before")));
    assert_eq!((two["file"].as_str(), two["line"].as_u64()), (Some("calc.py"), Some(90)));
    let shown = env.bead(&["findings"]).expect(0).out;
    assert!(
        shown.contains("Big numbers overflow") && shown.contains("calc.py:2; there before; open"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "t34: {shown}");

    let asked = env.bead(&["findings", "--create-beads"]).expect(3);
    assert!(asked.err.contains("`--yes` agrees without being asked"), "{}", asked.err);
    env.bead(&["findings", "--create-beads", "f9", "--yes"]).expect(3);
    let made = env.bead(&["findings", "--create-beads", "f2", "--yes", "--json"]).expect(0).json();
    let bead = made["filed"][0]["bead"].as_str().unwrap().to_owned();
    assert_eq!(made["filed"][0]["created"], true);
    let new = env.bead(&["show", &bead, "--json"]).expect(0).json();
    assert_eq!(new[0]["title"], "The name of `add` is short");
    assert_eq!(new[0]["dependencies"][0]["id"], id.as_str(), "{new}");
    let again = env.bead(&["findings", "--create-beads", "f2", "--yes"]).expect(3);
    assert!(again.err.contains(&format!("is bead {bead}")), "{}", again.err);
    env.bead(&["findings", "--create-beads", "--yes"]).expect(0);
    let listed = env.bead(&["findings", "--json"]).expect(0).json();
    assert!(listed.as_array().unwrap().iter().all(|one| one["standing"] == "filed"), "{listed}");
    let beads = env.bead(&["list", "--json"]).expect(0).json();
    assert_eq!(beads.as_array().unwrap().len(), 3);
}

#[test]
fn the_next_prompt_is_shown_and_nothing_is_written() {
    let env = BeadEnv::python();
    let id = env.add("Add properly", &["-d", "See {{ config }}."]);
    let before = env.bead(&["events", "--json"]).expect(0).out;
    let prompt = env.bead(&["prompt", &id]).expect(0).out;
    assert!(prompt.starts_with("You work alone on one bead"), "{prompt}");
    for words in [
        "Title: Add properly",
        "See {{ config }}.",
        "python3 -m unittest -q",
        "`BLOCKED: reason`",
        "`QUESTION: text`",
    ] {
        assert!(prompt.contains(words), "{words}: {prompt}");
    }
    let value = env.bead(&["prompt", &id, "--json"]).expect(0).json();
    assert_eq!((value["kind"].as_str(), value["resumed"].as_bool()), (Some("work"), Some(false)));
    assert_eq!(env.bead(&["events", "--json"]).expect(0).out, before);
    env.bead(&["prompt", "nope"]).expect(3);

    let context = env.bead(&["context", &id, "--json"]).expect(0).json();
    assert_eq!(context["project"]["stacks"][0]["name"], "Python");
    assert!(env.bead(&["context", &id]).expect(0).out.contains("  calc.py"));
}

#[test]
fn a_project_s_own_prompt_comes_from_the_commit() {
    let env = BeadEnv::python();
    let id = env.add("Add properly", &[]);
    std::fs::create_dir_all(env.repo().join(".beadwork/prompts")).unwrap();
    env.write(".beadwork/prompts/work.md", "Do {{ title }}.\n");
    assert!(
        env.bead(&["prompt", &id]).expect(0).out.starts_with("You work alone"),
        "only the checkout has it"
    );
    env.commit("own prompt");
    assert_eq!(env.bead(&["prompt", &id]).expect(0).out, "Do Add properly.\n");
    // Misspelt, it would be missed in silence.
    env.write(".beadwork/prompts/reveiw.md", "Read it.\n");
    env.write(".beadwork/prompts/README.md", "What these are.\n");
    env.commit("a typo");
    let shown = env.bead(&["prompt", &id]).expect(0);
    assert_eq!(shown.out, "Do Add properly.\n");
    let notice = "`.beadwork/prompts/reveiw.md` is not read, did you mean `review.md`?";
    assert!(shown.err.contains(notice) && !shown.err.contains("README"), "{}", shown.err);
    let told = env.bead(&["prompt", &id, "--json"]).expect(0).json();
    assert_eq!(told["notices"], serde_json::json!([notice]));
    env.write(".beadwork/prompts/work.md", "Do\n{{ titel }}.\n");
    env.commit("broken prompt");
    let refused = env.bead(&["work", &id]).expect(3);
    assert!(refused.err.contains("`.beadwork/prompts/work.md` line 2: undefined value"), "{}", refused.err);
    let shown = env.bead(&["show", &id, "--json"]).expect(0).json();
    assert_eq!(shown[0]["status"], "open", "nothing was claimed");
}

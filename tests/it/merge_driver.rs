//! `bead merge-driver` as git calls it, and how `bead init` installs it.
//!
//! Real git, real branches. What the rules decide is tested beside the merge itself. Start with
//! [`branches_that_edit_beads_merge_by_bead`].

use crate::harness::{BeadEnv, Ran};

fn project() -> BeadEnv {
    let env = BeadEnv::python();
    env.bead(&["init", "--yes", "--merge-driver"]).expect(0);
    env
}

/// Merges a branch, whatever comes of it.
fn merge(env: &BeadEnv, branch: &str) -> Ran {
    let mut git = std::process::Command::new("git");
    git.args(["merge", "-q", "--no-edit", branch]).current_dir(env.repo()).env_clear().envs(&env.vars);
    Ran::of(&git.output().unwrap())
}

/// Two branches from here; each does its part and commits.
fn fork(env: &BeadEnv, ours: impl FnOnce(), theirs: impl FnOnce()) -> Ran {
    env.commit("base");
    env.git(&["checkout", "-q", "-b", "topic"]);
    theirs();
    env.commit("theirs");
    env.git(&["checkout", "-q", "main"]);
    ours();
    env.commit("ours");
    merge(env, "topic")
}

#[test]
fn branches_that_edit_beads_merge_by_bead() {
    let env = project();
    let (one, two) = (env.add("One", &[]), env.add("Two", &["--label", "x"]));
    let tracker =
        env.read(".beads/issues.jsonl").replace("\"title\":\"Two\"", "\"title\":\"Two\",\"x_mine\": [1 ]");
    env.write(".beads/issues.jsonl", &tracker);
    let mut new = (String::new(), String::new());
    let ran = fork(
        &env,
        || {
            env.bead(&["close", &one, "--reason", "done here"]).expect(0);
            new.0 = env.add("Ours", &["--blocks", &two]);
        },
        || {
            let text =
                env.read(".beads/issues.jsonl").replace("\"title\":\"One\"", "\"title\":\"One, renamed\"");
            env.write(".beads/issues.jsonl", &text);
            new.1 = env.add("Theirs", &["--dep", &two]);
        },
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let text = env.read(".beads/issues.jsonl");
    assert!(!text.contains("<<<<<<<") && text.contains("\"x_mine\": [1 ]"), "{text}");
    let first = env.shown(&one);
    assert_eq!((&first["status"], &first["title"]), (&"closed".into(), &"One, renamed".into()));
    assert_eq!(first["close_reason"], "done here");
    for id in [&new.0, &new.1] {
        assert_eq!(env.shown(id)["status"], "open");
    }
    assert_eq!(env.shown(&two)["dependencies"][0]["id"], new.0.as_str());
    assert_eq!(env.git(&["status", "--porcelain"]), "");
}

#[test]
fn what_no_rule_decides_stands_between_markers_until_a_person_chooses() {
    let env = project();
    let bead = |n: u8| {
        format!("{{\"id\":\"t-same\",\"title\":\"Bead {n}\",\"created_at\":\"2026-01-0{n}T00:00:00Z\"}}\n")
    };
    let ran = fork(
        &env,
        || env.write(".beads/issues.jsonl", &bead(1)),
        || env.write(".beads/issues.jsonl", &bead(2)),
    );
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("`t-same` is a different bead on each side"), "{}", ran.err);
    let text = env.read(".beads/issues.jsonl");
    assert_eq!(text, format!("<<<<<<< ours\n{}=======\n{}>>>>>>> theirs\n", bead(1), bead(2)));
    assert!(
        env.git(&["status", "--porcelain"]).contains("AA .beads/issues.jsonl")
            || env.git(&["status", "--porcelain"]).contains("UU .beads/issues.jsonl")
    );
    for args in [&["add", "New"][..], &["close", "t-same", "--reason", "x"], &["work", "t-same"]] {
        let ran = env.bead(args).expect(3);
        for word in ["issues.jsonl", "line 1", "conflict", "<<<<<<<"] {
            assert!(ran.err.contains(word), "bead {args:?} does not say `{word}`: {}", ran.err);
        }
    }
    assert_eq!(env.read(".beads/issues.jsonl"), text);
    for args in [&["list"][..], &["ready"], &["show", "t-same"]] {
        let ran = env.bead(args).expect(0);
        assert!(
            ran.out.contains("Bead 1") && ran.err.contains("merge conflict marker"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn git_is_told_when_nothing_could_be_merged() {
    let env = project();
    env.write("ours", "{\"id\":\"a-1\",\"title\":\"t\"}\n");
    let ran = env.bead(&["merge-driver", "missing", "ours", "ours", ".beads/issues.jsonl"]);
    assert_eq!(ran.code, 129, "{}", ran.err);
    assert!(ran.err.contains("missing"), "{}", ran.err);
    env.write("base", "");
    env.write("theirs", "{\"id\":\"a-2\",\"title\":\"t\"}\n");
    let ran = env.bead(&["merge-driver", "base", "ours", "theirs", "--json"]).expect(0);
    assert_eq!(ran.json()["clean"], true);
    assert_eq!(env.read("ours"), "{\"id\":\"a-1\",\"title\":\"t\"}\n{\"id\":\"a-2\",\"title\":\"t\"}\n");
}

#[test]
fn the_driver_is_installed_on_request_and_never_over_anothers() {
    let env = BeadEnv::python();
    assert!(!env.repo().join(".gitattributes").exists(), "only on request");
    env.write(".gitattributes", "*.png binary");
    let ran = env.bead(&["init", "--yes", "--merge-driver"]).expect(0);
    assert!(ran.out.contains(".gitattributes") && ran.out.contains("merge.beads.driver"), "{}", ran.out);
    let attributes = "*.png binary\n.beads/issues.jsonl merge=beads\n";
    assert_eq!(env.read(".gitattributes"), attributes);
    let driver = env.git(&["config", "--local", "merge.beads.driver"]);
    assert!(driver.ends_with(" merge-driver %O %A %B %P"), "{driver}");
    env.bead(&["init", "--yes", "--merge-driver"]).expect(0);
    assert_eq!(env.read(".gitattributes"), attributes, "once is enough");

    env.git(&["config", "merge.beads.driver", "bd merge %A %O %A %B"]);
    let ran = env.bead(&["init", "--yes", "--merge-driver"]).expect(3);
    assert!(ran.err.contains("bd merge") && ran.err.contains("--unset"), "{}", ran.err);
    env.git(&["config", "--unset", "merge.beads.driver"]);
    env.write(".gitattributes", ".beads/* merge=union\n");
    let ran = env.bead(&["init", "--yes", "--merge-driver"]).expect(3);
    assert!(ran.err.contains("union"), "{}", ran.err);
    assert_eq!(env.read(".gitattributes"), ".beads/* merge=union\n");
}

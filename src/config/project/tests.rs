use proptest::prelude::*;

use super::*;

fn error(text: &str) -> String {
    Project::parse(text.as_bytes(), "bead.yaml").unwrap_err().to_string()
}

const FULL: &str = r#"target: main                     # branch that work lands on
image: worker                    # a directory in images/, a tag or a digest
gates:
  - { name: test, run: python3 -m unittest -q, timeout: 10m }
  - name: lint
    run: |
      ruff check
      ruff format --check
limits: { attempts: 3, run_time: 6h, idle: 15m, tool: 60m, cost_usd: 5.0, slots: 3 }
land: { mode: merge }
review: { enabled: false }
protected: [".github/**", "deploy/"]
ready: classic
"#;

#[test]
fn reads_the_documented_file() {
    let project = Project::parse(FULL.as_bytes(), "bead.yaml").unwrap();
    assert_eq!(project.target.as_deref(), Some("main"));
    assert_eq!(project.gates[0].run, "python3 -m unittest -q");
    assert_eq!(project.gates[0].timeout, Span::from_secs(600));
    assert_eq!(project.gates[1].run, "ruff check\nruff format --check");
    assert_eq!(project.gates[1].timeout, GATE_TIMEOUT);
    assert_eq!(project.limits.cost_usd.as_ref().unwrap().value, 5.0);
    assert_eq!(project.limits.slots.as_ref().unwrap().place.line, 9);
    assert_eq!(project.ready, Some(ReadyRules::Classic));
    assert_eq!(project.protected.matching("Deploy/prod.yml"), Some("deploy/"));
    assert_eq!(project.protected.matching(".GitHub/workflows/x/y.yml"), Some(".github/**"));
    assert_eq!(project.protected.matching("src/deploy.rs"), None);
}

#[test]
fn nothing_is_a_project_that_says_nothing() {
    for text in ["", "# only a comment\n", "---\n", "gates: []"] {
        let project = Project::parse(text.as_bytes(), "bead.yaml").unwrap();
        assert!(project.gates.is_empty() && project.target.is_none(), "{text:?}");
    }
}

#[test]
fn errors_name_key_line_and_nearest_key() {
    let cases = [
        ("tarket: main", "bead.yaml:1: unknown key `tarket`, did you mean `target`?"),
        (
            "# x\n\ngates:\n- name: a\n  run: b\n  timout: 1m",
            "bead.yaml:6: unknown key `gates[0].timout`, did you mean `timeout`?",
        ),
        (
            "limits:\n  attempts: 3\n  run-time: 6h",
            "bead.yaml:3: unknown key `limits.run-time`, did you mean `run_time`?",
        ),
        ("quux: 1", "bead.yaml:1: unknown key `quux`"),
        ("7: 1", "bead.yaml:1: unknown key `7`"),
        (
            "limits: { idle: 15 }",
            "bead.yaml:1: `limits.idle`: expected a duration such as `90s`, `10m`, `6h` or `2d`, found `15`",
        ),
        (
            "limits: { attempts: 0 }",
            "bead.yaml:1: `limits.attempts`: expected a whole number from 1 to 100, found `0`",
        ),
        (
            "limits: { cost_usd: .inf }",
            "bead.yaml:1: `limits.cost_usd`: expected an amount of US dollars, 0 or more, found `.inf`",
        ),
        ("target: -x", "bead.yaml:1: `target`: expected the name of a branch, found `-x`"),
        (
            "image: --privileged",
            "bead.yaml:1: `image`: expected the name, tag or digest of an image, found `--privileged`",
        ),
        ("gates: off", "bead.yaml:1: `gates`: expected a list, found `off`"),
        ("gates:\n- run: x", "bead.yaml:2: `gates[0].name` is missing: expected a short name such as `test`"),
        ("gates:\n- name: a", "bead.yaml:2: `gates[0].run` is missing: expected a shell command"),
        (
            "gates: [{name: a, run: ' '}]",
            "bead.yaml:1: `gates[0].run`: expected a shell command of at most 16 KiB, found nothing",
        ),
        (
            "gates:\n- {name: a, run: x}\n- {name: A, run: y}",
            "bead.yaml:3: `gates[1].name`: expected a name of its own for every gate, found `A` twice",
        ),
        (
            "gates: [{name: ../x, run: y}]",
            "bead.yaml:1: `gates[0].name`: expected letters, digits, `-`, `_` and `.`, at most 40, found `../x`",
        ),
        (
            "gates: [{name: x, run: y, timeout: 9d}]",
            "bead.yaml:1: `gates[0].timeout`: expected at most 24h, found `9d`",
        ),
        (
            "protected: ['a[']",
            "bead.yaml:1: `protected`: expected a path pattern (unclosed character class; missing ']'), found `a[`",
        ),
        ("land: { mode: rebase }", "bead.yaml:1: `land.mode`: expected `merge` or `branch`, found `rebase`"),
        ("ready: never", "bead.yaml:1: `ready`: expected `default` or `classic`, found `never`"),
        ("- a\n- b", "bead.yaml:1: expected keys and values, found a list"),
        ("target: [", "bead.yaml:2: did not find expected node content"),
        ("target: a\ntarget: b", "bead.yaml:1: duplicate entry with key \"target\""),
    ];
    for (text, expect) in cases {
        assert_eq!(error(text), expect, "for:\n{text}");
    }
    assert_eq!(
        Project::parse(b"a: \xff", "bead.yaml").unwrap_err().to_string(),
        "bead.yaml:1: expected UTF-8 text"
    );
    let large = vec![b'#'; (256 << 10) + 1];
    assert!(matches!(Project::parse(&large, "x").unwrap_err(), ConfigError::TooLarge { .. }));
}

#[test]
fn a_review_is_on_where_it_is_named() {
    use crate::config::review::{CreateBeads, Review};
    let review = |text: &str| Project::parse(text.as_bytes(), "x").unwrap().review;
    assert_eq!(review("target: main"), None);
    let on = Review { enabled: true, rounds: 3, create_beads: CreateBeads::Ask, model: None };
    assert_eq!(review("review: {}"), Some(on.clone()));
    let own = Review { rounds: 2, create_beads: CreateBeads::Never, ..on };
    assert_eq!(review("review: { rounds: 2, create_beads: never }"), Some(own));
    let model = review("review: { model: claude-haiku-4-5 }").unwrap().model;
    assert_eq!(model.as_deref(), Some("claude-haiku-4-5"));
    let off = review("review: { enabled: false, rounds: 2 }").unwrap();
    assert_eq!(off.rounds_in_force(), 0);
    assert!(error("review: { create_beads: maybe }").contains("`auto`, `ask` or `never`"));
    assert!(error("review: { rounds: 0 }").contains("`review.rounds`: expected a whole number from 1 to 10"));
}

#[test]
fn t54_keys_that_give_power_are_refused_by_name() {
    for (key, why) in POWERS {
        let text = format!("target: main\n{key}: [x]\n");
        assert_eq!(error(&text), format!("bead.yaml:2: `{key}` cannot be set by a project: {why}"));
    }
    assert!(error("protected: ['!.github/**']").contains("`protected`"));
}

#[test]
fn alias_bombs_and_deep_nesting_end_in_an_error() {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, of) in ('b'..='k').zip('a'..='j') {
        bomb.push_str(&format!("{name}: &{name} [*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of}]\n"));
    }
    assert!(Project::parse(bomb.as_bytes(), "x").is_err());
    assert!(Project::parse("[".repeat(100_000).as_bytes(), "x").is_err());
}

#[test]
fn branch_names_follow_git() {
    for good in ["main", "release/1.0", "feature-x", "a@b"] {
        assert!(is_branch(good), "{good}");
    }
    for bad in [
        "",
        "-a",
        "a..b",
        "a/",
        "/a",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "HEAD",
        "@",
        "a@{1}",
        "a b",
        "a~1",
        "a:b",
        "refs/heads/x",
        "$(x)",
        "a\\b",
    ] {
        assert!(!is_branch(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(Project::parse(&bytes, "x"));
    }

    #[test]
    fn no_mangled_file_makes_it_panic(at in 0usize..FULL.len(), cut in 0usize..40, with in "[-:#{}\\[\\]'\"&*!|>%@`, a\n\t]{0,6}") {
        let mut text = FULL.to_owned();
        text.replace_range(at..(at + cut).min(FULL.len()), &with);
        if let Err(error) = Project::parse(text.as_bytes(), "bead.yaml") {
            prop_assert!(error.to_string().starts_with("bead.yaml"));
        }
    }
}

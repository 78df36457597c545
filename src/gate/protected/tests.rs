use proptest::prelude::*;

use super::*;
use crate::config::project::Project;

fn new(path: &str) -> Changed<'_> {
    Changed { path, from: None, link: None }
}

fn why(change: Changed<'_>) -> Option<String> {
    held(&[change], &Globs::default(), &|_, _| None).pop().map(|held| held.why)
}

/// One path for every entry of the lists, as a person would write it.
fn all() -> Vec<String> {
    let folders = FOLDERS.iter().flat_map(|(folder, _)| {
        [format!("{folder}/x.yml"), format!("sub/{folder}/a/b"), (*folder).to_owned()]
    });
    let names = NAMES.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("deep/er/{name}")]);
    let shapes = SHAPES
        .iter()
        .map(|(begin, end, _)| format!("a/{begin}{}{end}", if begin.is_empty() { "x" } else { "" }));
    folders.chain(names).chain(shapes).collect()
}

#[test]
fn t17_every_path_of_the_list_is_held_when_new_renamed_or_linked() {
    for path in all() {
        assert!(why(new(&path)).is_some(), "{path}");
        let upper = path.to_uppercase();
        assert!(why(new(&upper)).is_some(), "{upper}");
        assert!(why(Changed { path: "a.txt", from: Some(&path), link: None }).is_some(), "from {path}");
        let target = format!("../{path}");
        assert!(why(Changed { path: "docs/a", from: None, link: Some(&target) }).is_some(), "link to {path}");
        assert!(
            why(Changed { path: &path, from: None, link: Some("elsewhere") }).is_some(),
            "link at {path}"
        );
    }
}

#[test]
fn t17_the_paths_of_the_threat_by_name() {
    for path in [
        ".github/workflows/ci.yml",
        ".husky/pre-commit",
        ".vscode/tasks.json",
        ".idea/runConfigurations/x.xml",
        ".envrc",
        ".claude/settings.json",
        ".mcp.json",
        "CLAUDE.md",
        "Dockerfile",
        ".gitattributes",
        ".gitmodules",
        "bead.yaml",
        "packages/a/CLAUDE.md",
        "Dockerfile.dev",
        "compose.yaml",
        "docker-compose.override.yml",
    ] {
        assert!(why(new(path)).is_some(), "{path}");
    }
}

#[test]
fn t17_variants_that_file_systems_forgive() {
    for path in [
        ".GitHub/Workflows/CI.yml",
        "claude.MD",
        ".claude./settings.json",
        "CLAUDE.md ",
        ".g\u{200c}itattributes",
        ".v\u{17f}code/x",
        ".envrc::$DATA",
        ".claude\\settings.json",
        "./.envrc",
        ".github",
        ".yarn",
    ] {
        assert!(why(new(path)).is_some(), "{path}");
    }
}

#[test]
fn ordinary_work_passes() {
    for path in [
        "src/main.rs",
        "README.md",
        "docs/claude.txt",
        "github/workflows/x",
        ".gitignore",
        "dockerfiles/a.txt",
        "composer.lock",
        "src/vscode/x",
        "tests/test_a.py",
        ".beads/issues.jsonl",
        "composefile.txt",
        "Cargo.toml",
        ".github/ISSUE_TEMPLATE.md",
    ] {
        assert_eq!(why(new(path)), None, "{path}");
    }
    assert_eq!(why(Changed { path: "a", from: Some("b"), link: Some("c/d") }), None);
}

#[test]
fn a_manifest_is_held_only_when_its_commands_change() {
    let cases: &[(&str, Option<&str>, Option<&str>, bool)] = &[
        (
            "package.json",
            Some(r#"{"scripts":{"test":"x"}}"#),
            Some(r#"{"scripts":{"test":"x"},"dependencies":{"a":"1"}}"#),
            false,
        ),
        ("package.json", Some(r#"{"scripts":{"test":"x"}}"#), Some(r#"{"scripts":{"test":"true"}}"#), true),
        ("a/package.json", Some("{}"), Some(r#"{"scripts":{"postinstall":"x"}}"#), true),
        ("package.json", None, Some(r#"{"name":"a"}"#), false),
        ("package.json", None, Some(r#"{"scripts":{"prepare":"x"}}"#), true),
        ("package.json", Some("{}"), Some("{ broken"), true),
        ("package.json", Some("{}"), Some(r#"{"lint-staged":{"*":"sh x"}}"#), true),
        ("Package.JSON", Some("{}"), Some(r#"{"scripts":{}}"#), true),
        ("composer.json", Some("{}"), Some(r#"{"scripts":{"x":"y"}}"#), true),
        ("tsconfig.json", Some("{}"), Some(r#"{"scripts":1}"#), false),
    ];
    for (path, old, new_text, expect) in cases {
        let read = |side, _: &str| match side {
            Side::Base => old.map(|t| t.as_bytes().to_vec()),
            Side::Work => new_text.map(|t| t.as_bytes().to_vec()),
        };
        assert_eq!(!held(&[new(path)], &Globs::default(), &read).is_empty(), *expect, "{path} {new_text:?}");
    }
}

#[test]
fn the_project_s_own_list_adds_to_it() {
    let project = Project::parse(b"protected: ['deploy/**', '*.sql']", "x").unwrap();
    let held = held(
        &[new("Deploy/prod/a.yml"), new("a.sql"), new("db/a.sql"), new("src/x")],
        &project.protected,
        &|_, _| None,
    );
    let told: Vec<_> = held.iter().map(|h| format!("{}: {}", h.path, h.why)).collect();
    assert_eq!(
        told,
        ["Deploy/prod/a.yml: bead.yaml protects `deploy/**`", "a.sql: bead.yaml protects `*.sql`"]
    );
}

proptest! {
    #[test]
    fn no_path_makes_it_panic(path in any::<String>(), link in any::<String>()) {
        held(&[Changed { path: &path, from: Some(&link), link: Some(&link) }], &Globs::default(), &|_, _| None);
    }
}

use super::*;

struct Project(tempfile::TempDir);

impl Project {
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    fn era(&self) -> Era {
        detect(self.0.path()).unwrap()
    }

    fn file(&self) -> String {
        match self.era() {
            Era::Embedded { file, .. } | Era::ClassicSqlite { file, .. } => {
                file.strip_prefix(self.0.path()).unwrap().display().to_string()
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn nothing_is_no_tracker() {
    assert_eq!(Project::with(&[]).era(), Era::NoTracker);
    assert_eq!(Project::with(&[(".beads/README.md", "")]).era(), Era::NoTracker);
}

#[test]
fn the_file_of_issues_is_found_by_its_names() {
    assert_eq!(
        Project::with(&[(".beads/issues.jsonl", ""), (".beads/beads.jsonl", "")]).file(),
        ".beads/issues.jsonl"
    );
    assert_eq!(Project::with(&[(".beads/beads.jsonl", "")]).file(), ".beads/beads.jsonl");
    let others =
        [(".beads/deletions.jsonl", ""), (".beads/interactions.jsonl", ""), (".beads/old.jsonl", "")];
    assert_eq!(Project::with(&others).file(), ".beads/old.jsonl");
    assert_eq!(Project::with(&others[..2]).era(), Era::NoTracker);
    assert_eq!(Project::with(&[(".beads/config.yaml", "# only comments\n")]).file(), ".beads/issues.jsonl");
}

#[test]
fn dolt_is_refused_with_what_to_do() {
    let fresh =
        Project::with(&[(".beads/metadata.json", r#"{"backend":"dolt"}"#), (".beads/issues.jsonl", "")]);
    assert!(matches!(fresh.era(), Era::Dolt { hint, .. } if hint.contains("bd bootstrap")));
    assert!(matches!(fresh.era(), Era::Dolt { is_here: false, .. }));
    let server = Project::with(&[(".beads/metadata.json", r#"{"backend":"dolt","dolt_mode":"server"}"#)]);
    assert!(matches!(server.era(), Era::Dolt { is_here: true, .. }));
    let mode = Project::with(&[(".beads/metadata.json", r#"{"dolt_mode":"embedded"}"#)]);
    assert!(matches!(mode.era(), Era::Dolt { .. }));
    for database in ["dolt", "embeddeddolt", "proxieddb"] {
        let name = format!(".beads/{database}/x");
        let era = Project::with(&[(name.as_str(), ""), (".beads/issues.jsonl", "")]).era();
        assert!(
            matches!(&era, Era::Dolt { hint, found, is_here: true, .. } if hint.contains("install") && found.contains(database))
        );
    }
    let sqlite =
        Project::with(&[(".beads/metadata.json", r#"{"backend":"sqlite"}"#), (".beads/issues.jsonl", "")]);
    assert!(matches!(sqlite.era(), Era::Embedded { .. }));
}

#[test]
fn a_database_beside_the_file_is_said() {
    let classic = Project::with(&[(".beads/beads.db", ""), (".beads/issues.jsonl", "")]);
    let Era::ClassicSqlite { file, database, .. } = classic.era() else { panic!() };
    assert!(database.ends_with("beads.db") && beside(&file, &database).contains("bd sync --import-only"));
    let no_db = Project::with(&[
        (".beads/beads.db", ""),
        (".beads/issues.jsonl", ""),
        (".beads/config.yaml", "no-db: true\n"),
    ]);
    assert!(matches!(no_db.era(), Era::Embedded { .. }));
}

#[test]
fn a_redirect_is_followed_once() {
    let project = Project::with(&[
        (".beads/redirect", "# to the main tree\n\nmain/.beads\n"),
        ("main/.beads/issues.jsonl", ""),
    ]);
    assert_eq!(project.file(), "main/.beads/issues.jsonl");
    assert!(matches!(project.era(), Era::Embedded { notes, .. } if notes[0].contains("redirect")));
    let missing = Project::with(&[(".beads/redirect", "nowhere")]);
    assert!(matches!(detect(missing.0.path()), Err(EraError::RedirectMissing { .. })));
    let chain = Project::with(&[(".beads/redirect", "main/.beads"), ("main/.beads/redirect", "x")]);
    assert!(matches!(detect(chain.0.path()), Err(EraError::RedirectChain { .. })));
}

#[test]
fn what_cannot_be_understood_is_an_error_not_a_guess() {
    let broken = Project::with(&[(".beads/metadata.json", "{"), (".beads/issues.jsonl", "")]);
    assert!(matches!(detect(broken.0.path()), Err(EraError::Content { .. })));
    let broken = Project::with(&[(".beads/config.yaml", "no-db: [\n"), (".beads/issues.jsonl", "")]);
    assert!(matches!(detect(broken.0.path()), Err(EraError::Content { .. })));
}

use std::fs;

use super::*;

#[test]
fn a_new_tracker_is_detected_and_has_its_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let made = init(dir.path(), Some("orc-")).unwrap();
    assert_eq!(made.prefix.as_deref(), Some("orc"));
    let names: Vec<_> = made.files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, [".gitignore", "config.yaml", "issues.jsonl"]);
    let beads = dir.path().join(".beads");
    assert_eq!(fs::read_to_string(beads.join("config.yaml")).unwrap(), "issue-prefix: \"orc\"\n");
    assert!(fs::read_to_string(beads.join(".gitignore")).unwrap().lines().any(|l| l == ".jsonl.lock"));
    assert!(matches!(era::detect(dir.path()).unwrap(), Era::Embedded { .. }));
    assert_eq!(init(dir.path(), Some("other")).unwrap(), Made { files: Vec::new(), prefix: None });
}

#[test]
fn an_existing_tracker_only_gets_a_missing_gitignore() {
    let dir = tempfile::tempdir().unwrap();
    let beads = dir.path().join(".beads");
    fs::create_dir(&beads).unwrap();
    fs::write(beads.join("issues.jsonl"), "{\"id\":\"a-1\",\"title\":\"t\"}\n").unwrap();
    let made = init(dir.path(), None).unwrap();
    assert_eq!(made.files, [beads.join(".gitignore")]);
    fs::write(beads.join(".gitignore"), "mine\n").unwrap();
    assert!(init(dir.path(), None).unwrap().files.is_empty());
    assert_eq!(fs::read_to_string(beads.join(".gitignore")).unwrap(), "mine\n");
    assert!(!beads.join("config.yaml").exists());
}

#[test]
fn a_dolt_tracker_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(".beads/dolt")).unwrap();
    assert!(init(dir.path(), None).unwrap().files.is_empty());
    assert!(!dir.path().join(".beads/.gitignore").exists());
}

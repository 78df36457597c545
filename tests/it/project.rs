//! `bead project`, and `--project` with a registered name.

use std::path::Path;

use crate::harness::BeadEnv;

fn second(env: &BeadEnv, name: &str) -> String {
    let path = env.dir.path().join(name);
    std::fs::create_dir(&path).unwrap();
    let mut command = env.bead_command(&["init", "--yes", "--prefix", "s"]);
    assert!(
        std::process::Command::new("git")
            .args(["init", "-q", "-b", "main"])
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(command.current_dir(&path).output().unwrap().status.code(), Some(0));
    path.to_str().unwrap().to_owned()
}

#[test]
fn projects_come_are_listed_and_go_and_nothing_of_theirs_changes() {
    let env = BeadEnv::python();
    let other = second(&env, "other");
    assert!(env.bead(&["project", "list"]).expect(0).err.contains("bead project add"));
    env.bead(&["project", "add"]).expect(0);
    env.bead(&["project", "add", &other, "--name", "Birch-1.x_y"]).expect(0);
    let listed = env.bead(&["project", "list", "--json"]).expect(0).json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "{listed}");
    assert!(names.contains(&"repo") && names.contains(&"Birch-1.x_y"), "{listed}");
    // Again is another name, not another project.
    env.bead(&["project", "add", &other, "--name", "birch"]).expect(0);
    assert_eq!(env.bead(&["project", "list", "--json"]).expect(0).json().as_array().unwrap().len(), 2);
    let id = env.add("Here", &[]);
    let ran = env.bead(&["--project", "birch", "list"]).expect(0);
    assert!(!ran.out.contains(&id), "{}", ran.out);
    let mut far = env.bead_command(&["--project", "repo", "list"]);
    let far = far.current_dir(Path::new("/")).output().unwrap();
    assert!(String::from_utf8_lossy(&far.stdout).contains(&id));
    env.bead(&["project", "remove", &other]).expect(0);
    assert_eq!(env.bead(&["project", "list", "--json"]).expect(0).json().as_array().unwrap().len(), 1);
    assert!(Path::new(&other).join(".beads").is_dir(), "its beads stay");
    std::fs::remove_dir_all(env.dir.path().join("other")).unwrap();
    let moved = env.dir.path().join("moved");
    std::fs::rename(env.repo(), &moved).unwrap();
    let mut list = env.bead_command(&["project", "list"]);
    let list = list.current_dir(&moved).output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("not there now"));
}

#[test]
fn wrong_projects_are_refused_with_words() {
    let env = BeadEnv::python();
    let other = second(&env, "other");
    let home = env.dir.path().join("home").to_str().unwrap().to_owned();
    let file = env.repo().join("calc.py").to_str().unwrap().to_owned();
    env.bead(&["project", "add", "--name", "taken"]).expect(0);
    let long = "x".repeat(61);
    for (args, code, word) in [
        (&["project", "add", "/nonexistent/place"][..], 3, "/nonexistent/place"),
        (&["project", "add", &home], 3, "home"),
        (&["project", "add", &file], 3, "calc.py"),
        (&["project", "add", &other, "--name", "taken"], 3, "taken"),
        (&["project", "add", &other, "--name", "a b"], 3, "--name"),
        (&["project", "add", &other, "--name", "../up"], 3, "--name"),
        (&["project", "add", &other, "--name", ""], 3, "--name"),
        (&["project", "add", &other, "--name", &long], 3, "--name"),
        (&["project", "remove", "nobody"], 3, "registered: taken"),
        (&["project", "remove"], 2, "NAME"),
        (&["project"], 2, ""),
        (&["--project", "nobody", "list"], 3, "bead project list"),
        (&["--project", &file, "list"], 3, "not a folder"),
    ] {
        let ran = env.bead(args);
        assert_eq!(ran.code, code, "bead {args:?}\n{}{}", ran.out, ran.err);
        assert!(ran.err.contains(word), "bead {args:?} does not say `{word}`: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
    }
    let listed = env.bead(&["project", "list", "--json"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "nothing was registered by mistake: {listed}");
}

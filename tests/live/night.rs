//! A whole night: three repositories and twenty beads, one of each fate, with the real engine and the real CLI.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::harness::{BeadEnv, Ran, finish};

/// A repository beside the others, registered under its folder's name.
pub(crate) fn project(env: &BeadEnv, name: &str, config: &str) -> PathBuf {
    let path = env.dir.path().join(name);
    std::fs::create_dir(&path).unwrap();
    git(env, &path, &["init", "-q", "-b", "main"]);
    std::fs::write(path.join("bead.yaml"), config).unwrap();
    std::fs::write(path.join("sign.txt"), "title\n").unwrap();
    at(env, name, &["init", "--yes", "--prefix", &name[..1]]).expect(0);
    git(env, &path, &["add", "-A"]);
    git(env, &path, &["commit", "-q", "-m", "begin"]);
    env.bead(&["project", "add", path.to_str().unwrap()]).expect(0);
    path
}

pub(crate) fn git(env: &BeadEnv, path: &std::path::Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    let output = command.args(args).env_clear().envs(&env.vars).current_dir(path).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// A command inside a project's folder.
pub(crate) fn at(env: &BeadEnv, name: &str, args: &[&str]) -> Ran {
    let mut command = env.bead_command(args);
    Ran::of(&command.current_dir(env.dir.path().join(name)).output().unwrap())
}

#[track_caller]
pub(crate) fn add(env: &BeadEnv, project: &str, title: &str, more: &[&str]) -> String {
    let mut args = vec!["add", title];
    args.extend(more);
    at(env, project, &args).expect(0).out.trim().to_owned()
}

pub(crate) fn gate(limits: &str) -> String {
    format!("gates:\n  - {{ name: sound, run: \"! ls bad-* 2>/dev/null\", timeout: 1m }}\nlimits: {limits}\n")
}

/// What must be true of every project when nothing is under way.
#[track_caller]
pub(crate) fn clean(env: &BeadEnv, projects: &[&str]) {
    assert_eq!(env.containers(), Vec::<String>::new(), "containers are left");
    for name in projects {
        let ran = env.bead(&["--project", name, "verify"]);
        assert_eq!(ran.code, 0, "verify {name}: {}{}", ran.out, ran.err);
        assert!(!ran.out.contains("note:"), "verify {name}: {}", ran.out);
    }
}

/// Files below the state directory that only a run needs.
pub(crate) fn leftovers(env: &BeadEnv) -> Vec<PathBuf> {
    use std::os::unix::fs::FileTypeExt as _;
    let mut found = env.clones();
    let mut folders = vec![env.state()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_socket() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn volumes(env: &BeadEnv) -> String {
    let instance = std::fs::read_to_string(env.state().join("instance")).unwrap();
    let filter = format!("label=beadwork.instance={}", instance.trim());
    let output = Command::new("docker").args(["volume", "ls", "-q", "--filter", &filter]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_night_over_three_projects_and_twenty_beads_ends_by_itself_and_every_bead_has_its_reason() {
    let env = BeadEnv::new();
    std::fs::write(env.dir.path().join("config/config.yaml"), "slots: 6\n").unwrap();
    let mill = project(&env, "mill", &gate("{ memory: 1g, attempts: 3 }"));
    let quay = project(&env, "quay", &gate("{ memory: 1g, idle: 25s, attempts: 2 }"));
    let loft = project(&env, "loft", &gate("{ memory: 640m, attempts: 2 }"));

    // Per bead: the word that `bead why` has for it, and what its sentence must say.
    let mut fates: BTreeMap<(&str, String), (&str, &str)> = BTreeMap::new();
    let mut bead = |project: &'static str, title: &str, more: &[&str], fate: (&'static str, &'static str)| {
        let id = add(&env, project, title, more);
        fates.insert((project, id.clone()), fate);
        id
    };
    let closed = ("closed", "closed");
    let about = |text: &'static str| ["-d", text];
    bead("mill", "North", &["-p", "0", "-d", "Paint the sign north."], closed);
    bead("mill", "South", &["-p", "0", "-d", "Paint the sign south."], closed);
    let corn = bead("mill", "Corn", &about("Grind the corn."), closed);
    let flour = bead("mill", "Flour", &["--dep", &corn, "-d", "Sift the flour."], closed);
    bead("mill", "Bread", &["--dep", &flour, "-d", "Bake the bread."], closed);
    let wheel = bead("mill", "Wheel", &about("Turn the wheel backwards."), ("parked", "gate"));
    bead("mill", "Race", &["--dep", &wheel, "-d", "Clean the mill race."], ("blocked", "waits"));

    bead(
        "quay",
        "Tide",
        &["-p", "0", "-d", "Wait for the tide."],
        ("ready", "its last work ended as timeout"),
    );
    bead("quay", "Cargo", &["-p", "1", "-d", "Weigh the cargo."], closed);
    bead("quay", "Boat", &about("Tie the boat."), closed);
    let lamp = bead("quay", "Lamp", &about("Light the lamp."), closed);
    bead("quay", "Gulls", &about("Count the gulls."), ("parked", "nothing was changed"));
    bead("quay", "Ropes", &["--dep", &lamp, "-d", "Coil the ropes."], closed);
    let human =
        bead("quay", "Harbour", &["-l", "human", "-d", "Ask the harbour master."], ("ready", "human"));

    bead(
        "loft",
        "Bolts",
        &["-p", "0", "-d", "Unroll every bolt."],
        ("ready", "its last work ended as failed: a process in the sandbox was killed for want of memory"),
    );
    let sail = bead("loft", "Sail", &about("Sew the sail."), closed);
    bead("loft", "Flag", &about("Stitch the flag."), closed);
    bead("loft", "Cloth", &about("Cut the cloth wrongly."), ("parked", "gate"));
    bead("loft", "Net", &["--dep", &sail, "-d", "Mend the net."], closed);
    bead("loft", "Whole", &["-t", "epic", "-d", "Everything in the loft."], ("ready", "epic"));
    assert_eq!(fates.len(), 20);

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/rehearsals/night.yaml");
    let child = env.start(&["rehearse", "--in-place", script, "--", "night", "--json"]);
    let ran = finish(child, Duration::from_secs(420)).expect(0);

    let told = |bead: &str| -> String {
        let about = format!("\"bead\":\"{bead}\"");
        ran.out.lines().filter(|l| l.contains(&about)).map(|l| format!("{l}\n")).collect()
    };
    for ((project, id), (word, says)) in &fates {
        let why = env.bead(&["--project", project, "why", id, "--json"]).expect(0).json();
        let reason = why["reason"].as_str().unwrap_or_default();
        assert_eq!(why["state"], *word, "{project} {id}: {why}\n{}", told(id));
        assert!(reason.contains(id.as_str()) && reason.contains(says), "{project} {id}: {why}\n{}", told(id));
        assert!(!reason.contains('\n') && reason.len() < 600, "one sentence: {reason}");
    }
    let result = ran.last();
    assert_eq!(result["type"], "result", "{result}");
    assert_eq!((&result["tally"]["landed"], &result["left_running"]), (&12.into(), &0.into()), "{result}");
    assert_eq!(result["suspended"], serde_json::json!([]), "{result}");

    // What the night is about was really met.
    for seen in ["\"usage_limit\"", "\"resumed\"", "\"conflicted\"", "\"idle_limit\"", "\"out_of_memory\""] {
        assert!(ran.out.contains(seen), "{seen} never happened:\n{}", ran.out);
    }
    let show = |path: &std::path::Path, file: &str| git(&env, path, &["show", &format!("main:{file}")]);
    let sign = show(&mill, "sign.txt");
    assert!(sign.contains("north") && sign.contains("south"), "both landed in one file: {sign}");
    assert_eq!(show(&mill, "bread.txt"), "bread");
    assert_eq!(show(&quay, "cargo.txt"), "cargo", "in the same clone, once");
    assert_eq!(show(&loft, "net.txt"), "net");
    assert_eq!(git(&env, &loft, &["ls-tree", "--name-only", "main", "bad-flag", "bad-cloth"]), "");
    assert!(!ran.out.contains(&format!("\"claiming\",\"bead\":\"{human}\"")), "{}", ran.out);

    clean(&env, &["mill", "quay", "loft"]);
    assert_eq!(leftovers(&env), Vec::<PathBuf>::new());
    assert_eq!(volumes(&env), "");
}

//! What lies in `deploy/` works with this program: the unit, the example of a config, the commands of the page.
//!
//! Owns no promise of its own: it keeps files that nobody compiles from growing old. Start with [`read`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use beadwork::config::user::User;

use crate::harness::BeadEnv;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// Settings of the unit; no key stands there twice.
fn unit() -> BTreeMap<String, String> {
    let text = read("beadwork.service");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut all = BTreeMap::new();
    for (key, value) in lines.filter_map(|line| line.split_once('=')) {
        assert!(all.insert(key.to_owned(), value.to_owned()).is_none(), "{key} stands there twice");
    }
    all
}

#[test]
fn the_unit_starts_a_command_that_exists() {
    let start = unit()["ExecStart"].clone();
    let mut words = start.split_whitespace();
    assert!(words.next().unwrap().ends_with("/bead"), "{start}");
    let mut args: Vec<&str> = words.collect();
    args.push("--help");
    BeadEnv::new().bead(&args).expect(0);
    // The page tells to add it where runs shall end with the daemon.
    let help = BeadEnv::new().bead(&["serve", "--help"]).expect(0).out;
    assert!(help.contains("--stop-runs") && read("README.md").contains("--stop-runs"));
}

#[test]
fn the_watchman_s_unit_starts_a_command_that_exists() {
    let text = read("watchman.service");
    let start = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let args: Vec<&str> = start.split_whitespace().skip(1).chain(["--help"]).collect();
    let help = BeadEnv::new().bead(&args).expect(0).out;
    for flag in args.iter().filter(|arg| arg.starts_with("--")) {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn the_unit_waits_for_readiness_and_leaves_landings_time() {
    let unit = unit();
    assert_eq!(unit["Type"], "notify");
    assert_eq!(unit["Restart"], "on-failure");
    assert!(unit.contains_key("StartLimitBurst") && unit.contains_key("StartLimitIntervalSec"));
    assert!(["mixed", "process"].contains(&unit["KillMode"].as_str()));
    let seconds = |key: &str| unit[key].parse::<u32>().unwrap();
    assert!(seconds("TimeoutStopSec") >= 120 && seconds("WatchdogSec") == 120);
    // What git, the engine's socket or landed files cannot live with; the unit says why.
    let banned = ["PrivateTmp", "ProtectHome", "ProtectSystem", "RestrictSUIDSGID", "UMask", "PrivateUsers"];
    for key in banned {
        assert!(!unit.contains_key(key), "{key} breaks git or the engine");
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("beadwork.service");
    let text = read("beadwork.service").replace("%h/.local/bin/bead", env!("CARGO_BIN_EXE_bead"));
    std::fs::write(&file, text).unwrap();
    let ran = Command::new("systemd-analyze")
        .args(["verify", "--user"])
        .arg(&file)
        .env("XDG_RUNTIME_DIR", dir.path())
        .output();
    // A machine without systemd has nobody to ask.
    let Ok(output) = ran else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    // A container's own machinery may complain about itself; what it says of our file counts.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("beadwork.service")).collect();
    assert_eq!(ours, Vec::<&str>::new());
}

#[test]
fn the_example_config_parses_and_shows_every_key() {
    let user = User::read(&path("config.yaml")).unwrap();
    assert_eq!((user.windows.len(), user.blackout.ranges.len()), (2, 2));
    assert_eq!((user.slots.global, user.slots.project, user.slots.models.len()), (3, Some(2), 1));
    assert!(user.prices.is_some() && user.commit.is_some() && !user.images.is_empty());
    let budgets = &user.budgets;
    assert!(budgets.run.usd.is_some() && budgets.bead.usd.is_some() && budgets.week.usd.is_some());
    assert!(budgets.night.usd.is_some() && budgets.night.tokens.is_some() && !budgets.project.is_empty());
    let limits = &user.limits;
    assert!(limits.attempts.is_some() && limits.run_time.is_some() && limits.idle.is_some());
    assert!(limits.tool.is_some() && limits.cost_usd.is_some() && limits.slots.is_some());
    assert!(limits.memory.is_some() && limits.output.is_some());
    let notify = &user.notify;
    assert!(
        notify.mail.is_some() && notify.webhook.is_some() && notify.topic.is_some() && notify.quiet.is_some()
    );
    // Every key has its line of explanation before it, or stands below a key that has.
    let text = read("config.yaml");
    for (at, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with(char::is_alphabetic)) {
        let before = text.lines().nth(at.saturating_sub(1)).unwrap_or_default();
        assert!(before.starts_with('#'), "`{line}` is not explained");
    }
}

#[test]
fn the_commands_of_the_page_exist() {
    let env = BeadEnv::new();
    let page = read("README.md");
    let block = page.split("```sh").skip(1).flat_map(|part| part.split("```").next().unwrap().lines());
    let inline = page.split('`').skip(1).step_by(2);
    let mut seen = 0;
    for line in block.chain(inline).filter_map(|line| line.strip_prefix("bead ")) {
        let words = line.split_whitespace().take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
        let mut args: Vec<&str> = words.take(1).collect();
        args.push("--help");
        env.bead(&args).expect(0);
        seen += 1;
    }
    assert!(seen >= 8, "the page names only {seen} commands");
}

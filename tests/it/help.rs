//! The grammar that scripts and fingers rely on: every promised command and flag is there and explained.
//!
//! Owns the list of promises; what the commands do is tested elsewhere. Start with [`PROMISED`].

use crate::harness::BeadEnv;

/// Each command with the flags that the interface promises.
const PROMISED: &[(&[&str], &[&str])] = &[
    (&["init"], &["--yes", "--prefix", "--merge-driver"]),
    (&["add"], &["--description", "-d", "--priority", "-p", "--type", "--dep", "--blocks", "--label"]),
    (&["list"], &["--status", "--type", "--priority", "--label", "--assignee", "--all"]),
    (&["show"], &[]),
    (&["ready"], &["--limit"]),
    (&["why"], &[]),
    (&["prompt"], &[]),
    (&["context"], &[]),
    (&["review"], &["--create-beads", "--model"]),
    (&["findings"], &["--create-beads", "--yes"]),
    (&["work"], &["--force", "--no-gates", "--no-review", "--target", "--model"]),
    (&["night"], &["--until", "--dry-run", "--stop-runs"]),
    (&["serve"], &["--stop-runs"]),
    (&["brief"], &["--list", "--html"]),
    (&["serve"], &["--stop-runs", "--listen"]),
    (&["login"], &[]),
    (&["token"], &["--rotate"]),
    (&["doctor"], &[]),
    (&["watchman"], &["--listen", "--secret-file", "--alarm", "--stall", "--state", "--once"]),
    (&["push", "keys"], &["--rotate"]),
    (&["push", "test"], &["--all"]),
    (&["push", "list"], &[]),
    (&["push", "remove"], &[]),
    (&["project", "add"], &["--name"]),
    (&["project", "list"], &[]),
    (&["project", "remove"], &[]),
    (&["config"], &[]),
    (&["cancel"], &[]),
    (&["pause"], &[]),
    (&["resume"], &[]),
    (&["retry"], &["--fresh"]),
    (&["send"], &["--now"]),
    (&["answer"], &[]),
    (&["approve"], &[]),
    (&["park"], &["--reason"]),
    (&["shell"], &[]),
    (&["attach"], &[]),
    (&["close"], &["--reason"]),
    (&["reopen"], &[]),
    (&["runs"], &["--limit"]),
    (&["logs"], &["--follow", "-f", "--raw"]),
    (&["events"], &["--since", "--follow", "-f"]),
    (&["rehearse"], &["--in-place"]),
    (&["simulate"], &["--seed", "--scenario", "--runs", "--kills", "--all", "--list", "--out", "--brief"]),
    (&["model", "serve"], &["--script"]),
    (&["image", "build"], &[]),
    (&["image", "list"], &[]),
    (&["inspect-stream"], &[]),
    (&["gc"], &["--dry-run"]),
    (&["export"], &["--form", "--force"]),
    (&["import"], &["--partly", "--own"]),
    (&["merge-driver"], &[]),
    (&["verify"], &[]),
];

#[test]
fn every_promised_command_and_flag_is_there() {
    let env = BeadEnv::new();
    for (command, flags) in PROMISED {
        let mut args = command.to_vec();
        args.push("--help");
        let help = env.bead(&args).expect(0).out;
        for flag in flags.iter().chain(&["--json", "--project", "--quiet", "--color"]) {
            let named = |word: &str| word.trim_matches(|c| c == ',' || c == '[' || c == ']') == *flag;
            assert!(
                help.split_whitespace().any(named),
                "`bead {}` has no {flag}:\n{help}",
                command.join(" ")
            );
        }
        // `<ID>` or `[ID]` without a word of explanation helps nobody.
        for line in help.lines().filter(|line| line.starts_with("  <") || line.starts_with("  [")) {
            assert!(line.split_whitespace().count() > 1, "`{}` is not explained:\n{help}", line.trim());
        }
    }
}

#[test]
fn every_command_in_the_list_of_commands_is_promised() {
    let help = BeadEnv::new().bead(&["--help"]).expect(0).out;
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    for line in commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(PROMISED.iter().any(|(c, _)| c[0] == name), "`{name}` is not in the list of this test");
    }
}

#[test]
fn short_and_long_version_agree() {
    let env = BeadEnv::new();
    assert_eq!(env.bead(&["-V"]).expect(0).out, env.bead(&["--version"]).expect(0).out);
}

//! Disks that are full, have no inodes left, or became read-only. They are small mounts of their own, so these
//! tests need root; where mounting is refused they say so in one line and do nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::engine::ask;
use crate::harness::{BeadEnv, finish, signal, until};

const MINUTE: Duration = Duration::from_secs(60);

struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(path: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let options = format!("mode=0700,{options}");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        if output.is_ok_and(|output| output.status.success()) {
            return Some(Self(path.to_owned()));
        }
        println!("skipped: mounting a tmpfs is refused here");
        None
    }

    /// An ext4 in a file: it can fail as a disk does, under open files.
    fn ext4(path: &Path, image: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let file = std::fs::File::create(image).unwrap();
        file.set_len(4 << 30).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image).status();
        if made.is_ok_and(|status| status.success()) && mount_image(path, image) {
            std::fs::remove_dir(path.join("lost+found")).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(path, mode).unwrap();
            return Some(Self(path.to_owned()));
        }
        println!("skipped: making or mounting an ext4 is refused here");
        None
    }

    /// What the kernel does after an error of the disk.
    fn fail(&self) {
        let failed = Command::new("mount").args(["-o", "remount,abort"]).arg(&self.0).output().unwrap();
        assert!(std::fs::write(self.0.join("probe"), "").is_err(), "it is read-only now: {failed:?}");
    }

    fn repair(&self, image: &Path) {
        // A container that began meanwhile may still see the old mount: then the image would come back as it failed.
        until("the repair", MINUTE, || {
            let status = Command::new("umount").arg(&self.0).status().unwrap();
            assert!(status.success());
            let checked = Command::new("e2fsck").args(["-f", "-y"]).arg(image).output().unwrap();
            assert!(checked.status.code().is_some_and(|code| code < 4), "{checked:?}");
            assert!(mount_image(&self.0, image));
            let probe = self.0.join("probe");
            std::fs::write(&probe, "").and_then(|()| std::fs::remove_file(&probe)).is_ok()
        });
    }
}

fn mount_image(path: &Path, image: &Path) -> bool {
    Command::new("mount").args(["-o", "loop"]).arg(image).arg(path).status().is_ok_and(|s| s.success())
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill(command: &str) -> String {
    format!(
        "conversations:\n  - match: Fill it\n    turns:\n      - run: echo begun > begun.txt; {command}; true\n      - text: All is well and done.\n  - turns:\n      - run: sed -i 's/a - b/a + b/' calc.py\n      - text: Fixed.\n"
    )
}

/// One bead fills the disk of the clones under a daemon; the next one finds room and lands.
fn full(options: &str, command: &str) {
    let mut env = BeadEnv::python();
    let Some(mounted) = Mounted::tmpfs(&env.state().join("clones"), options) else { return };
    let _model = env.model(&fill(command));
    env.bead(&["project", "add"]).expect(0);
    let greedy = env.add("Fill it", &[]);
    let modest = env.add("Adding subtracts", &[]);
    let daemon = env.start(&["serve"]);
    let socket = env.state().join("run/daemon.sock");
    until("the daemon", MINUTE, || ask(&socket, "GET", "/readyz").is_ok_and(|(status, _)| status == 200));
    let ran = env.bead(&["work", &greedy, "--json"]).expect(4);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("failed"), Some("disk_quota")),
        "{result}"
    );
    assert!(result["reason"].as_str().unwrap().contains("disk"), "{result}");
    let kept = format!("refs/bead/{}:begun.txt", result["run"].as_str().unwrap());
    assert_eq!(env.git(&["show", &kept]), "begun", "what was written before is kept");
    assert_eq!(env.bead(&["work", &modest, "--json"]).expect(0).last()["outcome"], "landed");
    signal(&daemon, "TERM");
    finish(daemon, MINUTE).expect(0);
    env.nothing_left();
    drop(mounted);
}

#[test]
fn f30_a_full_disk_under_the_clone_is_the_beads_end_and_nobody_elses() {
    full("size=12m", "head -c 40000000 /dev/zero > big");
}

#[test]
fn f31_no_inodes_under_the_clone_are_the_same() {
    full("size=64m,nr_inodes=400", "for i in $(seq 600); do echo > file$i || break; done");
}

#[test]
fn f32_a_state_directory_that_became_read_only_stops_the_night_and_not_the_reading() {
    let mut env = BeadEnv::new();
    let image = env.dir.path().join("disk.img");
    let Some(mounted) = Mounted::ext4(&env.state(), &image) else {
        return;
    };
    let script =
        "conversations:\n  - turns:\n      - run: echo one > one.txt; sleep 20\n      - text: Done.\n";
    let _model = env.model(script);
    env.write("bead.yaml", "gates:\n  - { name: t, run: \"true\", timeout: 1m }\n");
    env.bead(&["init", "--yes", "--prefix", "t"]).expect(0);
    env.commit("begin");
    env.bead(&["project", "add"]).expect(0);
    let id = env.add("First", &[]);
    let other = env.add("Second", &["--dep", &id]);
    let daemon = env.start(&["night"]);
    until("the agent's step", MINUTE, || env.in_a_clone("one.txt", "one"));
    let events = env.bead(&["events", "--json"]).expect(0).out.lines().count();
    mounted.fail();
    // The agent cannot write either; its run ends, and its end cannot be written down.
    let ran = finish(daemon, MINUTE * 2);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("error:") && ran.err.contains("journal"), "a notice: {}", ran.err);
    let listed = env.bead(&["list"]);
    assert!(listed.out.contains(&id), "reads go on: {}{}", listed.out, listed.err);
    let shown = env.bead(&["events", "--json"]).expect(0).out;
    assert_eq!(shown.lines().count(), events, "nothing is lost and nothing was added: {shown}");
    let refused = env.bead(&["night"]);
    assert!(refused.code != 0 && refused.err.contains("error:"), "{}", refused.err);
    for name in env.containers() {
        Command::new("docker").args(["rm", "-f", &name]).output().unwrap();
    }
    mounted.repair(&image);
    assert_eq!(env.bead(&["events", "--json"]).expect(0).out.lines().count(), events, "after the repair too");
    env.bead(&["night"]).expect(0);
    for bead in [&id, &other] {
        assert_ne!(env.shown(bead)["status"], "in_progress");
    }
    env.nothing_left();
    drop(env);
    drop(mounted);
}

use super::*;

/// Everything exists as it is named, but two links lead out and `/data/state/file` is no directory.
fn machine(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    match text {
        "/data/state/link-out" => Some("/home/me".into()),
        "/data/state/link-run" => Some("/run".into()),
        "/var/run" => Some("/run".into()),
        "/data/state/file" | "/data/state/gone" => None,
        _ => Some(path.to_owned()),
    }
}

fn places(root: &str) -> Places {
    Places {
        roots: vec![root.into(), "/run/user/7/beadwork/x".into()],
        home: Some("/home/me".into()),
        runtime_dir: Some("/run/user/7".into()),
        socket: Some("/srv/engine/docker.sock".into()),
    }
}

#[test]
fn t10_unsafe_sources_are_refused_with_the_reason() {
    let rules = MountRules::new(&places("/data/state"), &machine).unwrap();
    let table = [
        ("/", "whole file system"),
        ("/home", "contains the home"),
        ("/home/me", "the home directory"),
        ("/home/me/src", "beneath the state directory"),
        ("/run", "socket"),
        ("/run/user/7", "overlaps `/run`"),
        ("/run/user/7/podman", "overlaps `/run`"),
        ("/var/run", "socket"),
        ("/var", "socket"),
        ("/proc/1", "overlaps `/proc`"),
        ("/sys/fs", "overlaps `/sys`"),
        ("/data/state", "beneath the state directory"),
        ("/srv/engine", "socket"),
        ("/srv/engine/docker.sock", "socket"),
        ("/data/state/runs/docker.sock", "socket"),
        ("/data/state-other/x", "beneath the state directory"),
        ("/data/state/runs/../../../etc", "without `..`"),
        ("relative", "absolute"),
        ("/data/state/link-out", "the home directory"),
        ("/data/state/link-run", "socket"),
        ("/data/state/file", "not a directory"),
        ("/data/state/gone", "not a directory"),
        ("/run/user/7/beadwork/x", "beneath the state directory"),
    ];
    for (source, reason) in table {
        match rules.source(Path::new(source), &machine) {
            Err(ExecutorError::UnsafeMount(why)) => assert!(why.contains(reason), "{source}: {why}"),
            other => panic!("`{source}` gave {other:?}"),
        }
    }
}

#[test]
fn our_own_directories_are_mounted() {
    let rules = MountRules::new(&places("/data/state"), &machine).unwrap();
    for source in ["/data/state/runs/r1/clone", "/run/user/7/beadwork/x/gateway"] {
        assert_eq!(rules.source(Path::new(source), &machine).unwrap(), Path::new(source));
    }
}

#[test]
fn t10_an_unsafe_state_directory_is_refused_at_once() {
    for root in ["/", "/home", "/home/me", "/run/state", "/proc/self", "/sys/x", "/etc/bead", "/srv/engine"] {
        assert!(MountRules::new(&places(root), &machine).is_err(), "{root}");
    }
    // Inside home is where a state directory usually is.
    MountRules::new(&places("/home/me/.local/state/beadwork"), &machine).unwrap();
}

#[test]
fn t10_targets_hide_nothing_of_the_kernel() {
    for good in ["/work", "/home/agent/.claude/projects"] {
        target(good).unwrap();
    }
    for bad in
        ["", "/", "work", "/work/", "/work/../proc", "//x", "/proc", "/proc/1", "/sys", "/dev/shm", "/a/./b"]
    {
        assert!(target(bad).is_err(), "{bad}");
    }
}

#[test]
fn t10_links_on_disk_do_not_lead_out() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    std::fs::create_dir_all(state.join("runs/r1")).unwrap();
    std::fs::create_dir(dir.path().join("secret")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), state.join("runs/out")).unwrap();
    let rules = MountRules::new(&Places { roots: vec![state.clone()], ..Places::default() }, &real_directory)
        .unwrap();
    rules.source(&state.join("runs/r1"), &real_directory).unwrap();
    assert!(rules.source(&state.join("runs/out"), &real_directory).is_err());
}

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::executor::mounts::Places;
use crate::executor::spec::Purpose;

const INIT: Dialect = Dialect::Docker { init: true };

fn spec(source: PathBuf) -> SandboxSpec {
    SandboxSpec {
        name: "bead-r1-agent".into(),
        purpose: Purpose::Agent,
        image: "sha256:0123".into(),
        argv: vec!["claude".into(), "-p".into()],
        env: [("HOME".to_owned(), "/home/agent".to_owned())].into(),
        user: RunUser { uid: 1000, gid: 1001 },
        workdir: "/work".into(),
        mounts: vec![
            Mount::Bind { source: source.clone(), target: "/work".into(), read_only: false },
            Mount::Volume { name: "bead-v1".into(), target: "/checkout".into(), read_only: true },
            Mount::Tmpfs { target: "/tmp".into(), bytes: 1 << 30, exec: true, private: false },
            Mount::Tmpfs { target: "/home/agent".into(), bytes: 1 << 20, exec: false, private: true },
        ],
        limits: Limits::default(),
        stdin: true,
        time_limit: Duration::from_secs(21_600),
        log_cap: 64 << 20,
        labels: Labels {
            instance: "i".into(),
            project: "p".into(),
            bead: "b".into(),
            run: "r1".into(),
            attempt: 2,
            nonce: "n".into(),
        },
    }
}

/// A spec with one mountable directory, and the rules that allow it.
fn setup() -> (tempfile::TempDir, SandboxSpec, MountRules) {
    let dir = tempfile::tempdir().unwrap();
    let clone = dir.path().join("runs/r1/clone");
    std::fs::create_dir_all(&clone).unwrap();
    let places = Places { roots: vec![dir.path().to_owned()], ..Places::default() };
    (dir, spec(clone), MountRules::new(&places, &real_directory).unwrap())
}

fn json(body: &ContainerCreateBody, state: &Path) -> serde_json::Value {
    let text = serde_json::to_string(body).unwrap();
    let state = state.canonicalize().unwrap();
    serde_json::from_str(&text.replace(state.to_str().unwrap(), "STATE")).unwrap()
}

#[test]
fn t11_the_whole_create_request_is_the_golden_one() {
    let (dir, spec, rules) = setup();
    let found = json(&create_body(&spec, &rules, INIT).unwrap(), dir.path());
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_eq!(found, golden, "{}", serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn without_a_cap_the_engine_keeps_no_log() {
    let (_dir, spec, rules) = setup();
    let body = create_body(&SandboxSpec { log_cap: 0, ..spec }, &rules, INIT).unwrap();
    assert_eq!(body.host_config.unwrap().log_config.unwrap().typ.as_deref(), Some("none"));
}

#[test]
fn podman_gets_neither_an_init_nor_a_log_driver_it_lacks() {
    let (_dir, spec, rules) = setup();
    let host = create_body(&spec, &rules, Dialect::Podman).unwrap().host_config.unwrap();
    assert_eq!(host.init, Some(false));
    assert_eq!(host.log_config.unwrap().typ.as_deref(), Some("k8s-file"));
}

#[test]
fn t12_root_is_refused() {
    let (_dir, spec, rules) = setup();
    for (uid, gid) in [(0, 1000), (1000, 0)] {
        let spec = SandboxSpec { user: RunUser { uid, gid }, ..spec.clone() };
        assert!(matches!(create_body(&spec, &rules, INIT), Err(ExecutorError::Refused { .. })));
    }
}

#[test]
fn t10_a_mount_from_elsewhere_or_twice_is_refused() {
    let (_dir, spec, rules) = setup();
    let bind = |source: &str, target: &str| Mount::Bind {
        source: source.into(),
        target: target.into(),
        read_only: true,
    };
    let twice = vec![spec.mounts[0].clone(), spec.mounts[0].clone()];
    for mounts in [vec![bind("/etc", "/x")], vec![bind("/var/run/docker.sock", "/x")], twice] {
        let spec = SandboxSpec { mounts, ..spec.clone() };
        assert!(matches!(create_body(&spec, &rules, INIT), Err(ExecutorError::UnsafeMount(_))));
    }
}

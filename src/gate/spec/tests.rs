use super::*;
use crate::config::duration::Span;

pub(crate) fn job() -> GateJob {
    GateJob {
        gate: Gate { name: "test".into(), run: "make test".into(), timeout: Span::from_secs(600) },
        ordinal: 0,
        commit: Oid::parse(&"a1".repeat(20)).unwrap(),
        branch: "main".into(),
        quarantine: "/state/quarantine/tally-0a1b2c.git".into(),
        image: "sha256:aa".into(),
        checkout_image: "sha256:bb".into(),
        user: RunUser { uid: 1000, gid: 1000 },
        limits: Limits::default(),
        work_bytes: 1 << 30,
        log_cap: 32 << 20,
        labels: Labels {
            instance: "i".into(),
            project: "tally-0a1b2c".into(),
            bead: "demo-7".into(),
            run: "r0123456789abcd".into(),
            attempt: 2,
            nonce: String::new(),
        },
        checkout_nonce: "n1".into(),
        gate_nonce: "n2".into(),
    }
}

#[test]
fn the_specs_of_a_gate() {
    insta::assert_debug_snapshot!((job().volume(), job().checkout_spec(), job().gate_spec()));
}

#[test]
fn t05_a_gate_sees_no_host_path_no_credential_and_runs_exactly_its_command() {
    let mut job = job();
    job.gate.run = "make test; $(touch CANARY) `x` --flag 'q'".into();
    let spec = job.gate_spec();
    assert_eq!(spec.argv, ["sh", "-c", "make test; $(touch CANARY) `x` --flag 'q'"]);
    assert!(!spec.mounts.iter().any(|mount| matches!(mount, Mount::Bind { .. })), "{:?}", spec.mounts);
    let keys: Vec<&str> = spec.env.keys().map(String::as_str).collect();
    assert_eq!(keys, ["CI", "HOME", "LANG", "LOGNAME", "TMPDIR", "USER"]);
    // The checkout sees one host path, read-only, and nothing from the bead becomes part of its script.
    let spec = job.checkout_spec();
    let binds: Vec<_> = spec.mounts.iter().filter(|mount| matches!(mount, Mount::Bind { .. })).collect();
    assert!(matches!(binds[..], [Mount::Bind { read_only: true, .. }]));
    assert_eq!(spec.argv[2], CHECKOUT);
    assert!(!spec.argv.iter().any(|arg| arg.contains("CANARY")));
}

#[test]
fn names_differ_by_gate_and_sandbox() {
    let (one, two) = (job(), GateJob { ordinal: 1, ..job() });
    let names = [&one, &two].map(|j| [j.volume_name(), j.checkout_name(), j.gate_name()]).concat();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), 6);
    assert!(names.iter().all(|name| name.starts_with("bead-r0123456789abcd-gate")));
}

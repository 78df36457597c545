use super::*;
use crate::executor::spec::Labels;

fn found(id: &str, instance: &str, run: &str, nonce: &str) -> Found {
    let labels =
        Labels { instance: instance.into(), run: run.into(), nonce: nonce.into(), ..Labels::default() };
    Found { id: SandboxId(id.into()), name: id.into(), labels, running: true }
}

#[test]
fn t50_only_what_we_announced_is_ours() {
    let known = Known::from([
        (("r1".into(), "n1".into()), Standing::Live),
        (("r2".into(), "n2".into()), Standing::Over),
    ]);
    let all = vec![
        found("live", "me", "r1", "n1"),
        found("over", "me", "r2", "n2"),
        found("wrong-nonce", "me", "r2", "n9"),
        found("no-nonce", "me", "r2", ""),
        found("unknown-run", "me", "r9", "n2"),
        found("other-instance", "you", "r2", "n2"),
    ];
    let plan = plan(all, "me", &known);
    assert_eq!(plan.keep, [SandboxId("live".into())]);
    assert_eq!(plan.remove, [SandboxId("over".into())]);
    let foreign: Vec<&str> = plan.foreign.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(foreign, ["wrong-nonce", "no-nonce", "unknown-run", "other-instance"]);
}

#[test]
fn f03_a_container_announced_but_never_recorded_is_found_by_its_nonce() {
    let known = Known::from([(("r1".into(), "n1".into()), Standing::Over)]);
    let plan = plan(vec![found("created-then-killed", "me", "r1", "n1")], "me", &known);
    assert_eq!(plan.remove, [SandboxId("created-then-killed".into())]);
}

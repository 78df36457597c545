use super::*;
use crate::beads::ready::{Blocker, Reason};

fn blocked() -> Readiness {
    let by = vec![Blocker { id: BeadId::new("a"), reason: Reason::Status("open".to_owned()), via: None }];
    Readiness::Blocked { by }
}

#[test]
fn the_tracker_decides_and_a_difference_is_told() {
    let verdict = judge(blocked(), Listed::Yes);
    assert_eq!(verdict.readiness, Readiness::Ready);
    assert!(verdict.disagreement.unwrap().contains("waits for `a` (open)"));

    let verdict = judge(Readiness::Ready, Listed::No);
    assert!(matches!(&verdict.readiness, Readiness::NotReady { why } if why.contains("bd ready")));
    assert!(verdict.disagreement.is_some());
}

#[test]
fn where_both_agree_or_only_we_have_rules_nothing_is_added() {
    for (ours, listed) in [
        (Readiness::Ready, Listed::Yes),
        (Readiness::Ready, Listed::Unasked),
        (blocked(), Listed::No),
        (blocked(), Listed::Unasked),
    ] {
        assert_eq!(judge(ours.clone(), listed), Verdict { readiness: ours, disagreement: None });
    }
}

#[test]
fn listed_beads_are_sorted_by_us() {
    let text = "{\"id\":\"o-1\",\"title\":\"a\",\"priority\":2,\"created_at\":\"2026-01-02T00:00:00Z\"}\n\
                {\"id\":\"o-2\",\"title\":\"b\",\"priority\":1,\"created_at\":\"2026-01-03T00:00:00Z\"}\n\
                {\"id\":\"o-3\",\"title\":\"c\",\"priority\":2,\"created_at\":\"2026-01-01T00:00:00Z\"}\n";
    let snapshot = Snapshot::read(text.as_bytes().to_vec());
    let listed: Vec<_> = ["o-1", "o-9", "o-3", "o-2"].into_iter().map(BeadId::new).collect();
    assert_eq!(in_order(&snapshot, &listed), [1, 2, 0]);
}

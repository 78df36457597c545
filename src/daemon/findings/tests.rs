use std::sync::Arc;

use super::*;
use crate::clock::Manual;
use crate::domain::finding::{Finding, Origin};
use crate::domain::verdict::{Review, Verdict};
use crate::journal;

fn entry(fingerprint: &str, standing: Standing) -> Entry {
    Entry {
        fingerprint: fingerprint.into(),
        finding: Finding { title: fingerprint.into(), ..Finding::default() },
        origin: Origin::ThisChange,
        standing,
        first: 1,
        last: 1,
        priority: 2,
        kind: "bug".into(),
    }
}

fn reviewed(ledger: Vec<Entry>) -> Body {
    let review = Review {
        round: 1,
        verdict: Verdict::Revise,
        reason: String::new(),
        summary: String::new(),
        ready: None,
        ledger,
        unread: Vec::new(),
    };
    Body::Reviewed { review, cost_usd: 0.0 }
}

#[test]
fn the_newest_word_about_a_finding_counts() {
    let journal = Journal::in_memory(Arc::new(Manual::at("2026-11-20T22:00:00Z".parse().unwrap()))).unwrap();
    let project = ProjectId::of_path(std::path::Path::new("/demo"));
    let tell = |project: &ProjectId, bead: &str, body| {
        let (project, bead) = (Some(project.clone()), Some(BeadId::new(bead)));
        journal.tell(journal::Entry { project, bead, run: None, attempt: None, body }).unwrap();
    };
    tell(&project, "t-1", reviewed(vec![entry("a", Standing::Open), entry("b", Standing::Open)]));
    tell(&project, "t-2", reviewed(vec![entry("a", Standing::Open)]));
    tell(
        &ProjectId::of_path(std::path::Path::new("/other")),
        "t-1",
        reviewed(vec![entry("x", Standing::Open)]),
    );
    tell(
        &project,
        "t-1",
        reviewed(vec![entry("a", Standing::Fixed), entry("b", Standing::Open), entry("c", Standing::Open)]),
    );
    let filed = |fingerprint: &str, bead: Option<&str>| Filed {
        fingerprint: fingerprint.into(),
        title: String::new(),
        bead: bead.map(BeadId::new),
        created: true,
        proposed: false,
        why: bead.is_none().then(|| "no".to_owned()),
    };
    let body = Body::FindingsFiled { filed: vec![filed("b", Some("t-9")), filed("c", None)], left_out: 0 };
    tell(&project, "t-1", body);
    let found = all(&journal, &project, None).unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|one| (one.bead.as_str(), one.entry.fingerprint.as_str(), &one.entry.standing))
        .collect();
    let (fixed, open) = (Standing::Fixed, Standing::Open);
    let (filed, waived) =
        (Standing::Filed { bead: BeadId::new("t-9") }, Standing::Waived { reason: "no".into() });
    assert_eq!(
        seen,
        [("t-1", "a", &fixed), ("t-1", "b", &filed), ("t-2", "a", &open), ("t-1", "c", &waived)]
    );
    assert_eq!(all(&journal, &project, Some(&BeadId::new("t-2"))).unwrap().len(), 1);
}

use super::super::decided::tests::event;
use super::*;
use crate::domain::verdict::Filed;

fn filed(bead: &str) -> Filed {
    serde_json::from_value(serde_json::json!({
        "fingerprint": bead, "title": "A loose end", "bead": bead, "created": true, "proposed": true,
    }))
    .unwrap()
}

#[test]
fn a_proposed_bead_that_was_decided_about_has_no_buttons() {
    let told = event(3, "b-1", Body::FindingsFiled { filed: vec![filed("b-8"), filed("b-9")], left_out: 0 });
    let closed = event(4, "b-9", Body::ByHand { what: "closed: no".to_owned() });
    let before = event(2, "b-8", Body::ByHand { what: "reopened".to_owned() });
    let mut findings = collect(&[told]);
    assert!(findings.iter().all(|finding| finding.actions.len() == 2), "{findings:?}");
    settle(&mut findings, &Decided::of(&[before, closed]));
    let buttons = |bead: &str| {
        let of = |finding: &&Finding| finding.filed.as_ref().is_some_and(|(id, _)| id == bead);
        findings.iter().find(of).unwrap().actions.len()
    };
    assert_eq!((buttons("b-8"), buttons("b-9")), (2, 0));
}

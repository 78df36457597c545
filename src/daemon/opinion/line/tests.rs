use super::*;
use crate::domain::finding::{Finding, Origin, Severity};
use crate::domain::ids::{BeadId, RunId};
use crate::domain::run::{Cause, Outcome};
use crate::domain::verdict::{Entry, Standing, Verdict};

fn oid(digit: &str) -> Oid {
    Oid::parse(&digit.repeat(40)).unwrap()
}

fn filed() -> Vec<Filed> {
    let bead = Some(BeadId::new("t-2"));
    vec![Filed {
        fingerprint: "f1".into(),
        title: "Big numbers".into(),
        bead,
        created: true,
        proposed: true,
        why: None,
    }]
}

#[test]
fn a_line_that_is_read_back_is_the_same_line() {
    let entry = Entry {
        fingerprint: "f1".into(),
        finding: Finding {
            title: "Big numbers".into(),
            file: Some("calc.py".into()),
            line: Some(3),
            severity: Severity::Major,
            ..Finding::default()
        },
        origin: Origin::PreExisting,
        standing: Standing::Open,
        first: 1,
        last: 1,
        priority: 2,
        kind: "bug".into(),
    };
    let review = Review {
        round: 1,
        verdict: Verdict::Revise,
        reason: "one thing".into(),
        summary: "It is nearly done.".into(),
        ready: Some(false),
        ledger: vec![entry],
        unread: vec!["half of it".into()],
    };
    let read = Opinion {
        bead: Some(BeadId::new("t-1")),
        run: Some(RunId::from_bytes([1; 16])),
        tip: oid("a"),
        base: oid("b"),
        review: Some(review.clone()),
        ended: None,
        cost_usd: 0.1,
    };
    let cut = Opinion {
        bead: None,
        run: None,
        review: None,
        ended: Some((Outcome::Suspended, Some(Cause::new("budget")), "the night's money is spent".into())),
        ..read.clone()
    };
    let silent = Review { ready: None, ledger: Vec::new(), unread: Vec::new(), ..review };
    let branch = Opinion { bead: None, review: Some(silent), ..read.clone() };
    for (opinion, filed) in [(read, filed()), (cut, Vec::new()), (branch, Vec::new())] {
        let line = opinion.line(&filed);
        // As it comes over a socket.
        let sent: Value = serde_json::from_str(&line.to_string()).unwrap();
        let (again, told) = Opinion::read(&sent).expect("it is understood");
        assert_eq!((again.line(&told), &told), (line, &filed));
        assert_eq!((again.review, again.ended), (opinion.review, opinion.ended));
    }
}

#[test]
fn what_is_no_such_line_is_not_understood() {
    for text in [r#"{}"#, r#"{"type":"result"}"#, r#"{"verdict":"accept","tip":"x"}"#, "3"] {
        assert!(Opinion::read(&serde_json::from_str(text).unwrap()).is_none(), "{text}");
    }
}

use super::*;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};

pub(in crate::feed::view) fn event(seq: u64, bead: &str, body: Body) -> Event {
    Event {
        seq,
        at: chrono::DateTime::UNIX_EPOCH,
        project: Some(ProjectId::of_path(std::path::Path::new("/x/repo"))),
        bead: Some(BeadId::new(bead)),
        run: None,
        attempt: None,
        body,
    }
}

fn given(how: GivenBack) -> Body {
    Body::GivenBack { by: "ann".to_owned(), how }
}

#[test]
fn what_a_person_decided_asks_no_more_and_what_they_changed_still_asks() {
    let project = ProjectId::of_path(std::path::Path::new("/x/repo"));
    let tip = Oid::parse(&"a".repeat(40)).unwrap();
    let reworked = GivenBack::Reworked { run: RunId::from_bytes([1; 16]), tip: tip.clone() };
    let all = [
        event(9, "b-2", Body::ByHand { what: "closed: done".to_owned() }),
        event(5, "b-1", given(GivenBack::Retried { fresh: false })),
        event(7, "b-3", given(reworked)),
        event(8, "b-4", Body::Notice { text: "n".to_owned() }),
    ];
    let decided = Decided::of(&all);
    let since = |bead: &str, seq| decided.since(project.as_str(), bead, seq);
    assert!(since("b-1", 4) && !since("b-1", 5), "only what came after");
    assert!(since("b-2", 0) && !since("b-3", 0) && !since("b-4", 0));
    assert!(!decided.since("another", "b-1", 0));
    assert_eq!(decided.reworked(project.as_str(), "b-3", 6).map(|kept| &kept.tip), Some(&tip));
    assert_eq!(decided.reworked(project.as_str(), "b-3", 7), None, "of an earlier claim");
}

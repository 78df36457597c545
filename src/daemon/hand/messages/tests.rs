use std::sync::Arc;

use super::*;
use crate::clock::SystemClock;

fn journal() -> (Journal, ProjectId, BeadId) {
    let journal = Journal::in_memory(Arc::new(SystemClock::default())).unwrap();
    (journal, ProjectId::of_path(std::path::Path::new("/p")), BeadId::new("t-1"))
}

fn tell(journal: &Journal, (project, bead): (&ProjectId, &BeadId), body: Body) {
    let (project, bead) = (Some(project.clone()), Some(bead.clone()));
    journal.tell(Entry { project, bead, run: None, attempt: None, body }).unwrap();
}

fn queued(id: &str) -> Body {
    Body::MessageQueued { message: id.to_owned(), text: format!("text {id}"), now: false }
}

#[test]
fn what_was_delivered_waits_no_more_and_the_rest_keeps_its_order() {
    let (journal, project, bead) = journal();
    let of = (&project, &bead);
    for id in ["a", "b", "c"] {
        tell(&journal, of, queued(id));
    }
    tell(&journal, (&project, &BeadId::new("t-2")), queued("other"));
    tell(&journal, of, Body::MessageDelivered { message: "b".to_owned() });
    let ids: Vec<String> = pending(&journal, &project, &bead).unwrap().into_iter().map(|m| m.id).collect();
    assert_eq!(ids, ["a", "c"]);
    let mut seen = 1;
    let new = since(&journal, &project, &bead, &mut seen).unwrap();
    assert_eq!(new.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["c"]);
    assert_eq!(since(&journal, &project, &bead, &mut seen).unwrap(), []);
}

#[test]
fn a_task_begins_with_what_was_said() {
    let message = |text: &str| Message { seq: 1, id: "x".into(), text: text.into(), now: false };
    assert_eq!(preface(&[], "Do it.".into()), "Do it.");
    let told = preface(&[message("first"), message("second")], "Do it.".into());
    let at = |word: &str| told.find(word).unwrap_or_else(|| panic!("{told}"));
    assert!(at("first") < at("second") && at("second") < at("Do it."), "{told}");
}

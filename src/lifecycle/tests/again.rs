use super::*;

fn taking(again: Again, rounds: u32) -> Told {
    let mut t = Told::ordered(Order { again: Some(again), rounds, ..order(2) });
    t.tell(Body::Claimed);
    t
}

#[test]
fn kept_work_goes_on_in_its_conversation_when_the_target_stood_still() {
    let t = taking(again(oid('9'), oid('a')), 0);
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 1, from: oid('9'), resume: true });
    assert_eq!(t.story.base(), &oid('a'));
    let forgotten = Again { session: None, ..again(oid('9'), oid('a')) };
    let t = taking(forgotten, 0);
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 1, from: oid('9'), resume: false });
}

#[test]
fn a_target_that_moved_meanwhile_is_taken_in_first() {
    let mut t = taking(again(oid('9'), oid('1')), 0);
    assert_eq!((t.story.next(), t.story.base()), (Effect::Unite, &oid('1')));
    t.tell(Body::Merged { commit: oid('c'), tree: oid('d'), onto: oid('a') });
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 1, from: oid('c'), resume: true });
    assert_eq!(t.story.base(), &oid('a'));
    assert_eq!(t.story.tip.as_ref().unwrap().tip, oid('9'), "until the next export");
    t.attempt().tell(end(Ending::Finished)).tell(exported());
    assert_eq!((t.story.next(), t.story.tip.as_ref().unwrap().tip.clone()), (Effect::Merge, oid('b')));
}

#[test]
fn a_conflict_with_it_is_a_run_of_its_own_and_then_the_attempt_begins() {
    let mut t = taking(again(oid('9'), oid('1')), 0);
    t.tell(met());
    assert_eq!(t.story.next(), Effect::StartConflictRun);
    t.conflict_run().tell(end(Ending::Finished)).tell(exported());
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 1, from: oid('b'), resume: true });
    assert_eq!(t.story.base(), &oid('e'));
    t.attempt().tell(end(Ending::Finished)).tell(exported()).tell(met());
    assert_eq!(t.story.next(), Effect::StartConflictRun, "the landing has one of its own");
    let mut left = taking(again(oid('9'), oid('1')), 0);
    left.tell(met()).conflict_run().tell(end(Ending::Finished));
    let mut still = exported();
    if let Body::Exported { unresolved, .. } = &mut still {
        unresolved.push("a.txt".into());
    }
    left.tell(still).settles(Outcome::Parked, "conflict");
    assert_eq!(left.story.tip.as_ref().unwrap().tip, oid('9'), "the clean work stays the kept one");
}

#[test]
fn where_nothing_was_kept_only_the_words_go_on() {
    let t = taking(again(oid('1'), oid('1')), 0);
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 1, from: oid('a'), resume: true });
    assert_eq!((t.story.base(), &t.story.tip), (&oid('a'), &None));
    let straight = taking(Again { straight: true, ..again(oid('1'), oid('1')) }, 0);
    assert!(matches!(straight.story.next(), Effect::StartAttempt { .. }), "nothing is there to merge");
}

#[test]
fn what_a_person_approved_goes_straight_to_the_gates_and_past_the_review() {
    let approved = Again { straight: true, approved: Some(oid('9')), ..again(oid('9'), oid('1')) };
    let mut t = taking(approved.clone(), 3);
    assert_eq!((t.story.next(), t.story.is_lifted(&["review"])), (Effect::Merge, true));
    t.tell(merged());
    assert_eq!(t.story.next(), Effect::Gate, "gates still run");
    t.tell(Body::GatesPassed { skipped: false });
    assert_eq!((t.story.next(), t.story.finish.attempts), (Effect::Land, 0));
    // Another diff is not what was approved.
    let mut t = taking(approved.clone(), 3);
    t.tell(merged()).tell(failed());
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 1, from: oid('9'), resume: true });
    t.attempt().tell(end(Ending::Finished)).tell(exported());
    assert!(!t.story.is_lifted(&["review"]));
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review);
    // An approval of one tip says nothing of another.
    let t = taking(Again { approved: Some(oid('7')), ..approved }, 3);
    assert!(!t.story.is_lifted(&["review"]));
    // Nor of that tip on another base.
    let mut t = taking(Again { straight: true, approved: Some(oid('9')), ..again(oid('9'), oid('1')) }, 3);
    t.story.rebased = Some(oid('7'));
    assert!(!t.story.is_lifted(&["review"]));
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review);
    // A person's own work in a shell goes to gates and review.
    let reworked = Again { straight: true, ..again(oid('9'), oid('1')) };
    let mut t = taking(reworked, 1);
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review);
}

#[test]
fn an_approval_lifts_just_what_the_bead_was_parked_for() {
    let held = |lifts: &[&str]| Again {
        straight: true,
        approved: Some(oid('9')),
        lifts: lifts.iter().map(|cause| Cause::new(cause)).collect(),
        ..again(oid('9'), oid('1'))
    };
    // Nobody has read work that was parked for a protected path.
    let mut t = taking(held(&["protected"]), 3);
    assert!(t.story.is_lifted(&["protected", "tampering"]) && !t.story.is_lifted(&["review"]));
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review);
    // Approved once more after the review asked, it has nothing left to be asked.
    let mut t = taking(held(&["protected", "review"]), 3);
    assert!(t.story.is_lifted(&["protected", "tampering"]));
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Land);
    // What a reviewer accepted already, on the same base, is not read again.
    let mut accepted = held(&["protected"]);
    accepted.reviewed.accepted = Some((oid('9'), oid('1')));
    let mut t = taking(accepted, 3);
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Land);
}

#[test]
fn work_that_is_taken_over_keeps_its_ledger_and_its_bill() {
    let Body::Reviewed { review, .. } = judged(Verdict::Ask) else { panic!() };
    let mut on = again(oid('9'), oid('a'));
    on.reviewed.open.clone_from(&review.ledger);
    on.spent_usd = 2.5;
    let mut t = taking(on, 3);
    assert_eq!((t.story.reviews.ledger(), t.story.round()), (&review.ledger[..], 1), "rounds begin anew");
    t.attempt().tell(end(Ending::Finished));
    assert!((t.story.spent_usd() - 2.5 - t.story.cost_usd).abs() < 1e-9 && t.story.cost_usd > 0.0);
    assert!((t.story.finish.cost_usd - t.story.cost_usd).abs() < 1e-9, "each claim tells its own");
}

#[test]
fn an_author_was_told_when_its_run_took_the_task() {
    let mut t = taking(again(oid('9'), oid('a')), 0);
    assert!(!t.story.was_told());
    t.attempt();
    assert!(!t.story.was_told());
    t.tell(Body::TaskGiven);
    assert!(t.story.was_told());
    let mut t = taking(again(oid('9'), oid('1')), 0);
    t.tell(met()).conflict_run();
    assert!(!t.story.was_told(), "what unites it with the target is told of the conflict only");
}

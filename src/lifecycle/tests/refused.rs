//! What may not follow, and what must not be passed over.

use super::*;

#[test]
fn a_landing_needs_its_intent_and_a_stop_its_journal() {
    let mut t = Told::new(1);
    t.reach_gating().tell(Body::GatesPassed { skipped: false });
    assert!(t.try_tell(Body::Landed { commit: oid('c') }).is_err(), "nothing was announced");
    t.tell(Body::Landing { old: oid('a'), new: oid('c') });
    let stop = Body::Settling { outcome: Outcome::Cancelled, cause: None, reason: "stop".into() };
    assert!(t.try_tell(stop).is_err(), "the target may have moved");
    t.tell(Body::Landed { commit: oid('c') });
    let mut parked = Told::new(1);
    parked.reach_gating().tell(failed()).settles(Outcome::Parked, "gate");
    assert!(parked.try_tell(Body::Settled).is_err(), "the outcome is not in the journal yet");
    let outcome = Outcome::Parked;
    parked.tell(Body::Settling { outcome, cause: Some(Cause::new("gate")), reason: "r".into() });
    parked.tell(Body::Settled);
    assert_eq!((parked.story.next(), parked.story.claimed), (Effect::CleanUp, false));
}

#[test]
fn attempts_come_in_order_and_no_more_than_were_ordered() {
    let begin = |t: &mut Told, number: u32| {
        t.seq += 1;
        let body = Body::AttemptStarted { from: oid('a'), session: "s".into(), resume: false };
        t.story.apply(&event(t.seq, Some(run(7)), Some(number), body))
    };
    let mut t = Told::new(2);
    t.tell(Body::Claimed);
    assert!(begin(&mut t, 2).is_err(), "the first one comes first");
    begin(&mut t, 1).unwrap();
    // A story whose every attempt is spent never asks for another; whoever begins one all the same is refused.
    t.story.phase = Phase::Starting;
    assert!(begin(&mut t, 1).is_err(), "each has a number of its own");
    begin(&mut t, 2).unwrap();
    t.story.phase = Phase::Starting;
    assert!(begin(&mut t, 3).is_err(), "there are two");
}

#[test]
fn protected_paths_park_before_the_gates() {
    let mut t = Told::new(2);
    t.tell(Body::Claimed).attempt().tell(end(Ending::Finished)).tell(exported());
    t.tell(Body::Protected { paths: vec![".github/workflows/ci.yml".into()] });
    assert!(t.settles(Outcome::Parked, "protected").contains("ci.yml"));
}

#[test]
fn what_was_merged_before_is_no_candidate_for_new_work() {
    let mut t = Told::new(2);
    t.reach_gating().tell(failed()).attempt().tell(end(Ending::Finished));
    assert!(t.story.candidate.is_some());
    t.tell(exported());
    assert_eq!(t.story.candidate, None);
}

#[test]
fn a_process_that_dies_in_one_phase_after_the_other_goes_on() {
    let mut t = Told::new(2);
    t.reach_gating();
    for _ in 0..2 {
        t.tell(t.story.recovered("again".into()));
    }
    t.tell(Body::GatesPassed { skipped: false });
    for _ in 0..2 {
        t.tell(t.story.recovered("again".into()));
        assert_eq!(t.story.next(), Effect::Land);
    }
}

#[test]
fn an_agent_that_was_stopped_lands_nothing_whatever_it_left() {
    let stopped = |cause: Option<&str>| ended(|e| e.cause = cause.map(Cause::new), Ending::Interrupted);
    let mut cancelled = Told::new(3);
    cancelled.tell(Body::Claimed).attempt().tell(stopped(None)).tell(exported());
    cancelled.settles(Outcome::Cancelled, "interrupted");
    let mut left = Told::new(3);
    left.tell(Body::Claimed).attempt().tell(stopped(Some("user"))).tell(exported());
    left.settles(Outcome::Parked, "user");
    assert!(left.story.tip.is_some(), "its work is kept");
}

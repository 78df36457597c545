use super::*;

impl Told {
    fn reach_review(&mut self) -> &mut Self {
        self.reach_gating().tell(Body::GatesPassed { skipped: false });
        assert_eq!(self.story.next(), Effect::Review);
        self
    }

    fn read(&mut self, verdict: Verdict) -> &mut Self {
        self.tell(review_started()).tell(end(Ending::Finished)).tell(judged(verdict))
    }

    fn fix(&mut self) -> &mut Self {
        self.attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged());
        self.tell(Body::GatesPassed { skipped: false })
    }
}

#[test]
fn an_accepted_work_lands_and_its_review_is_paid_by_the_bead() {
    let mut t = Told::reviewed(1, 3);
    t.reach_review().read(Verdict::Accept);
    assert_eq!((t.story.next(), t.story.attempt), (Effect::Land, 1));
    assert!((t.story.cost_usd - 0.5).abs() < 1e-9);
    assert_eq!(t.story.runs.len(), 2);
}

#[test]
fn open_material_findings_go_to_the_author_and_spend_no_attempt() {
    let mut t = Told::reviewed(1, 3);
    t.reach_review().read(Verdict::Revise);
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 2, from: oid('b'), resume: true });
    let titles: Vec<&str> = t.story.findings.iter().map(|f| f.title.as_str()).collect();
    assert_eq!(titles, ["not rounded"], "no notes, nothing fixed, nothing that was there before");
    t.fix().read(Verdict::Revise).fix();
    assert_eq!((t.story.round(), t.story.reviews.fixes, t.story.attempt), (3, 2, 3));
    t.read(Verdict::Revise);
    assert!(t.settles(Outcome::Parked, "review").contains("3 rounds"));
}

#[test]
fn a_gate_that_fails_after_a_fix_spends_an_attempt() {
    let mut t = Told::reviewed(2, 3);
    t.reach_review().read(Verdict::Revise);
    t.attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged()).tell(failed());
    assert!(matches!(t.story.next(), Effect::StartAttempt { number: 3, .. }));
    t.attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged()).tell(failed());
    t.settles(Outcome::Parked, "gate");
}

#[test]
fn stopping_is_not_accepting() {
    let mut asked = Told::reviewed(1, 3);
    asked.reach_review().read(Verdict::Ask).settles(Outcome::Parked, "review");
    let mut unread = Told::reviewed(1, 3);
    unread.reach_review().read(Verdict::Again);
    assert_eq!(
        unread.story.reviews.last.as_ref().map(|r| r.verdict),
        Some(Verdict::Again),
        "its ledger goes on"
    );
    assert_eq!((unread.story.next(), unread.story.round()), (Effect::Review, 1), "once more");
    unread.read(Verdict::Again).settles(Outcome::Parked, "review");
    let mut second = Told::reviewed(1, 3);
    second.reach_review().read(Verdict::Again).read(Verdict::Accept);
    assert_eq!(second.story.next(), Effect::Land);
}

#[test]
fn a_review_stands_when_only_the_target_moved() {
    let mut t = Told::reviewed(1, 3);
    t.reach_review().read(Verdict::Accept).tell(Body::TargetMoved { tip: oid('e'), ours: false });
    t.tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Land, "its own diff is unchanged");
    t.tell(Body::TargetMoved { tip: oid('f'), ours: false }).tell(met()).conflict_run();
    let tip = oid('7');
    let mut export = exported();
    if let Body::Exported { tip: found, .. } = &mut export {
        *found = tip;
    }
    t.tell(end(Ending::Finished)).tell(export).tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review, "a resolved conflict is another diff");
}

#[test]
fn accepted_work_that_changes_before_it_lands_is_read_again() {
    let mut t = Told::reviewed(2, 3);
    t.reach_review().read(Verdict::Accept).tell(Body::TargetMoved { tip: oid('e'), ours: false });
    // On the moved target its gates fail, and the author mends it.
    t.tell(merged()).tell(failed()).attempt().tell(end(Ending::Finished));
    let mut export = exported();
    if let Body::Exported { tip, .. } = &mut export {
        *tip = oid('7');
    }
    t.tell(export).tell(merged()).tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review, "nobody has read this tip");
    // And the same tip on another base is another diff.
    let mut t = Told::reviewed(2, 3);
    t.reach_review().read(Verdict::Accept).tell(Body::TargetMoved { tip: oid('e'), ours: false });
    t.tell(merged());
    t.story.rebased = Some(oid('7'));
    t.tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Review);
}

#[test]
fn what_the_base_fails_too_is_reviewed_as_well() {
    let mut t = Told::reviewed(1, 1);
    t.reach_gating().tell(red(AgainstBase::Known));
    assert_eq!(t.story.next(), Effect::Review);
}

#[test]
fn a_reviewers_limit_suspends_and_a_new_reviewer_goes_on() {
    for (ending, cause) in
        [(Ending::UsageLimit, "usage_limit"), (Ending::Outage, "outage"), (Ending::Credential, "credential")]
    {
        let mut t = Told::reviewed(1, 1);
        t.reach_review().tell(review_started()).tell(Body::AgentStarted { container: "c".into() });
        let aside = Body::Suspended { cause: Cause::new("window"), reason: "r".into(), until: None };
        assert!(t.try_tell(aside).is_err(), "a reviewer at work is ended first");
        t.tell(end(ending));
        let Effect::Suspend { cause: found, .. } = t.story.next() else { panic!("{ending:?}") };
        assert_eq!(found.as_str(), cause);
        t.tell(Body::Suspended { cause: found, reason: "r".into(), until: None });
        t.tell(Body::Resumed { why: "reset".into(), session: "x".into() });
        assert_eq!((t.story.next(), t.story.reviews.run.is_none()), (Effect::Review, true));
        assert_eq!(t.story.work.as_ref().unwrap().session, "s", "the author's conversation is as it was");
        t.read(Verdict::Accept);
        assert_eq!(t.story.next(), Effect::Land);
    }
}

#[test]
fn a_reviewer_that_fails_is_replaced_once_and_one_that_is_lost_twice() {
    let mut t = Told::reviewed(1, 1);
    t.reach_review().tell(review_started()).tell(end(Ending::Failed));
    assert_eq!(t.story.next(), Effect::Review);
    t.tell(review_started()).tell(end(Ending::IdleLimit)).settles(Outcome::Parked, "review");
    let mut lost = Told::reviewed(1, 1);
    lost.reach_review();
    for _ in 0..2 {
        lost.tell(review_started()).tell(end(Ending::Infrastructure));
        assert_eq!(lost.story.next(), Effect::Review);
    }
    lost.tell(review_started()).tell(end(Ending::Infrastructure)).settles(Outcome::Failed, "infrastructure");
    let mut stopped = Told::reviewed(1, 1);
    stopped.reach_review().tell(review_started()).tell(end(Ending::Interrupted));
    stopped.settles(Outcome::Cancelled, "interrupted");
    let mut spent = Told::reviewed(1, 1);
    spent.reach_review().tell(review_started()).tell(end(Ending::Budget)).settles(Outcome::Parked, "budget");
}

#[test]
fn a_reviewer_that_is_stopped_for_a_person_or_put_aside_never_accepts() {
    let stopped = |ending| ended(|e| e.cause = Some(Cause::new("user")), ending);
    let mut left = Told::reviewed(1, 1);
    left.reach_review().tell(review_started()).tell(stopped(Ending::Interrupted));
    left.settles(Outcome::Parked, "user");
    let mut paused = Told::reviewed(1, 1);
    paused.reach_review().tell(review_started()).tell(stopped(Ending::PutAside));
    let Effect::Suspend { cause, .. } = paused.story.next() else { panic!("{:?}", paused.story.phase) };
    assert_eq!((cause.as_str(), paused.story.reviews.failed), ("user", 0));
    paused.tell(Body::Suspended { cause, reason: "r".into(), until: None });
    paused.tell(Body::Resumed { why: "resumed".into(), session: "x".into() });
    assert_eq!(paused.story.next(), Effect::Review);
}

#[test]
fn only_the_reviewer_s_own_events_move_its_review() {
    let mut t = Told::reviewed(1, 1);
    t.reach_review().tell(review_started());
    let tell = |t: &mut Told, body: Body| {
        t.seq += 1;
        let about = t.story.run().cloned();
        t.story.apply(&event(t.seq, about, Some(1), body))
    };
    for body in [Body::AgentStarted { container: "c".into() }, Body::TaskGiven, end(Ending::Finished)] {
        assert!(tell(&mut t, body).is_err(), "the author's run is over");
    }
    t.tell(end(Ending::Finished));
    assert!(t.try_tell(end(Ending::Finished)).is_err(), "it ended once, and is paid once");
    assert!((t.story.cost_usd - 0.5).abs() < 1e-9);
}

#[test]
fn a_reply_counts_only_after_its_reviewer_ended() {
    let mut t = Told::reviewed(1, 1);
    t.reach_review();
    assert!(t.try_tell(judged(Verdict::Accept)).is_err());
    t.tell(review_started());
    assert!(t.try_tell(judged(Verdict::Accept)).is_err());
    assert!(t.try_tell(review_started()).is_err(), "never two reviewers");
    t.tell(end(Ending::Finished)).tell(judged(Verdict::Accept));
    assert_eq!(t.story.next(), Effect::Land);
}

#[test]
fn a_question_parks_and_a_blocker_gives_the_bead_back() {
    let mut t = Told::new(3);
    t.tell(Body::Claimed).attempt().tell(asking(Asked::Question("half up or to even?".into())));
    t.tell(exported());
    assert_eq!(t.settles(Outcome::Parked, "question"), "half up or to even?");
    assert!(t.story.tip.is_some(), "its work is kept");
    let mut blocked = Told::new(3);
    blocked.tell(Body::Claimed).attempt().tell(asking(Asked::Blocked("the parser panics".into())));
    blocked.tell(Body::NothingChanged { said: String::new() });
    assert_eq!(blocked.story.next(), Effect::Block);
    let blocker = BeadId::new("orc-b2");
    blocked.tell(Body::Blocked { blocker, created: true, reason: "the parser panics".into() });
    let Effect::Settle { outcome, cause, reason, .. } = blocked.story.next() else { panic!() };
    assert_eq!((outcome, cause), (Outcome::Blocked, None));
    assert_eq!(reason, "waits for orc-b2: the parser panics");
    // Only a good end asks: a crash that printed the word is a crash.
    let mut crashed = Told::new(3);
    let words = ended(|e| e.asked = Some(Asked::Question("q".into())), Ending::Failed);
    crashed.tell(Body::Claimed).attempt().tell(words).tell(exported());
    assert!(matches!(crashed.story.next(), Effect::StartAttempt { number: 2, .. }));
}

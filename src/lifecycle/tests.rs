use std::path::Path;

use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::domain::event::Ending;
use crate::domain::event::{Again, AgainstBase, AgentEnd, Asked, Body, Order};
use crate::domain::finding::{Finding, Origin, Severity};
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::run::RunKind;
use crate::domain::run::{Cause, Outcome};
use crate::domain::signature::{Recurrence, Signature};
use crate::domain::verdict::{self, Standing, Verdict};
use chrono::Utc;

/// A story under test, with a counter for `seq`.
struct Told {
    story: Story,
    seq: u64,
}

fn oid(digit: char) -> Oid {
    Oid::parse(&digit.to_string().repeat(40)).unwrap()
}

fn run(n: u8) -> RunId {
    RunId::from_bytes([n; 16])
}

/// The run that such an event is about: a reviewer's, or the attempt's.
fn run_of(story: &Story, body: &Body, attempt: u8) -> RunId {
    match (&story.reviews.run, body) {
        (_, Body::ReviewStarted { .. }) => run(100 + u8::try_from(story.runs.len() % 100).unwrap()),
        (Some(reviewer), _) if story.phase == Phase::Reviewing => reviewer.run.clone(),
        _ => run(attempt),
    }
}

fn event(seq: u64, run_id: Option<RunId>, attempt: Option<u32>, body: Body) -> Event {
    Event {
        seq,
        at: Utc.timestamp_opt(1_700_000_000 + i64::try_from(seq).unwrap(), 0).unwrap(),
        project: Some(ProjectId::of_path(Path::new("/p/shop"))),
        bead: Some(BeadId::new("orc-a1")),
        run: run_id,
        attempt,
        body,
    }
}

fn order(attempts: u32) -> Order {
    Order { attempts, ..Order::unclaimed("main", oid('a')) }
}

fn end(ending: Ending) -> Body {
    Body::AgentEnded(AgentEnd {
        cost_usd: 0.25,
        seconds: 1.0,
        conversed: true,
        ..AgentEnd::without_agent(ending, "because".into())
    })
}

fn exported() -> Body {
    Body::Exported {
        tip: oid('b'),
        commits: 1,
        wip: false,
        files: 1,
        lines: None,
        tracker_touched: vec![],
        unresolved: vec![],
    }
}

fn merged() -> Body {
    Body::Merged { commit: oid('c'), tree: oid('d'), onto: oid('a') }
}

impl Told {
    fn new(attempts: u32) -> Self {
        Self::ordered(order(attempts))
    }

    fn reviewed(attempts: u32, rounds: u32) -> Self {
        Self::ordered(Order { rounds, ..order(attempts) })
    }

    fn ordered(order: Order) -> Self {
        let story = Story::open(&event(1, None, None, Body::Claiming { order })).unwrap();
        Self { story, seq: 1 }
    }

    fn tell(&mut self, body: Body) -> &mut Self {
        self.try_tell(body).unwrap();
        self
    }

    fn try_tell(&mut self, body: Body) -> Result<(), IllegalTransition> {
        self.seq += 1;
        let starting = matches!(body, Body::AttemptStarted { .. });
        let attempt = self.story.attempt + u32::from(starting);
        let run_id = run_of(&self.story, &body, u8::try_from(attempt).unwrap());
        self.story.apply(&event(self.seq, Some(run_id), Some(attempt), body))
    }

    fn attempt(&mut self) -> &mut Self {
        let Effect::StartAttempt { from, resume, .. } = self.story.next() else {
            panic!("expected an attempt, next is {:?}", self.story.next());
        };
        self.tell(Body::AttemptStarted { from, session: "s".into(), resume })
            .tell(Body::WorkspaceReady)
            .tell(Body::AgentStarting { sandbox: "box".into(), nonce: "n".into(), after: Default::default() })
            .tell(Body::AgentStarted { container: "c0".into() })
    }

    fn reach_gating(&mut self) -> &mut Self {
        self.tell(Body::Claimed).attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged())
    }
}

fn failed() -> Body {
    let finding = Finding {
        source: "gate:test".into(),
        title: "2 tests failed".into(),
        detail: String::new(),
        file: None,
        line: None,
        ..Finding::default()
    };
    Body::GatesFailed { findings: vec![finding], recurrence: None, base: AgainstBase::New }
}

mod again;
mod refused;
mod review;

#[test]
fn the_straight_way_lands_and_closes() {
    let mut t = Told::new(3);
    assert_eq!(t.story.next(), Effect::Claim);
    t.reach_gating();
    assert_eq!(t.story.next(), Effect::Gate);
    t.tell(Body::GatesPassed { skipped: false });
    assert_eq!(t.story.next(), Effect::Land);
    t.tell(Body::Landing { old: oid('a'), new: oid('c') }).tell(Body::Landed { commit: oid('c') });
    assert_eq!(t.story.next(), Effect::Close);
    t.tell(Body::Closed { reason: "landed".into() });
    assert_eq!(t.story.next(), Effect::CleanUp);
    let finish = t.story.finish.clone();
    assert_eq!(
        (finish.outcome, finish.commit.clone(), finish.attempts),
        (Outcome::Landed, Some(oid('c')), 1)
    );
    assert!((finish.cost_usd - 0.25).abs() < 1e-9);
    t.tell(Body::Finished(finish));
    assert_eq!(t.story.next(), Effect::Nothing);
}

#[test]
fn a_failed_gate_starts_another_attempt_at_the_exported_tip_in_the_same_conversation() {
    let mut t = Told::new(2);
    t.reach_gating().tell(failed());
    assert_eq!(t.story.next(), Effect::StartAttempt { number: 2, from: oid('b'), resume: true });
    assert_eq!(t.story.findings.len(), 1);
    t.attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged()).tell(failed());
    let Effect::Settle { outcome, cause, reason, journalled } = t.story.next() else { panic!() };
    assert_eq!(
        (outcome, cause.as_ref().map(Cause::as_str), journalled),
        (Outcome::Parked, Some("gate"), false)
    );
    assert!(reason.contains("2 attempts") && reason.contains("2 tests failed"), "{reason}");
}

#[test]
fn no_change_is_an_outcome_of_its_own() {
    let mut t = Told::new(3);
    t.tell(Body::Claimed).attempt().tell(end(Ending::Finished));
    t.tell(Body::NothingChanged { said: "the rounding is right already".into() });
    let Effect::Settle { outcome, reason, .. } = t.story.next() else { panic!() };
    assert_eq!(outcome, Outcome::NoChange);
    assert!(reason.contains("the rounding is right already"));
}

#[test]
fn each_limit_ends_with_its_own_cause() {
    for (ending, outcome, cause) in [
        (Ending::Budget, Outcome::Parked, "budget"),
        (Ending::OutOfMemory, Outcome::Failed, "oom"),
        (Ending::Interrupted, Outcome::Cancelled, "interrupted"),
        (Ending::Billing, Outcome::Failed, "billing"),
    ] {
        let mut t = Told::new(3);
        t.tell(Body::Claimed).attempt().tell(end(ending)).tell(exported());
        let Effect::Settle { outcome: found, cause: why, .. } = t.story.next() else { panic!("{ending:?}") };
        assert_eq!((found, why.as_ref().map(Cause::as_str)), (outcome, Some(cause)), "{ending:?}");
    }
}

#[test]
fn a_usage_limit_suspends_and_resumes_the_same_attempt() {
    let mut t = Told::new(3);
    t.tell(Body::Claimed).attempt().tell(end(Ending::UsageLimit)).tell(exported());
    let Effect::Suspend { cause, .. } = t.story.next() else { panic!() };
    assert_eq!(cause.as_str(), "usage_limit");
    t.tell(Body::Suspended { cause, reason: "limit".into(), until: None });
    assert_eq!(t.story.next(), Effect::Wait);
    assert!(t.story.claimed, "a suspended bead keeps its claim");
    t.tell(Body::Resumed { why: "the user asked".into(), session: "s".into() });
    assert_eq!((t.story.next(), t.story.attempt), (Effect::RunAgent, 1));
    assert!(t.story.work.as_ref().unwrap().resume);
}

#[test]
fn f11_a_lost_container_is_no_attempt_and_three_of_them_end_it() {
    let mut t = Told::new(1);
    t.tell(Body::Claimed).attempt();
    for _ in 0..2 {
        t.tell(end(Ending::Infrastructure)).tell(exported());
        assert!(matches!(t.story.next(), Effect::Resume { .. }));
        t.tell(Body::Resumed { why: "lost".into(), session: "s".into() });
        assert_eq!(t.story.attempt, 1);
    }
    t.tell(end(Ending::Infrastructure)).tell(exported());
    assert!(matches!(t.story.next(), Effect::Settle { outcome: Outcome::Failed, .. }));
}

#[test]
fn a_target_that_moves_is_merged_and_gated_again_three_times() {
    let mut t = Told::new(1);
    t.reach_gating();
    for _ in 0..3 {
        t.tell(Body::GatesPassed { skipped: false }).tell(Body::TargetMoved { tip: oid('e'), ours: false });
        assert_eq!(t.story.next(), Effect::Merge);
        t.tell(merged());
    }
    t.tell(Body::GatesPassed { skipped: false }).tell(Body::TargetMoved { tip: oid('e'), ours: false });
    let Effect::Settle { cause, .. } = t.story.next() else { panic!() };
    assert_eq!(cause.as_ref().map(Cause::as_str), Some("target_moved"));
}

#[test]
fn other_landings_of_ours_may_move_the_target_any_number_of_times() {
    let mut t = Told::new(1);
    t.reach_gating();
    for _ in 0..20 {
        t.tell(Body::GatesPassed { skipped: false }).tell(Body::TargetMoved { tip: oid('e'), ours: true });
        assert_eq!(t.story.next(), Effect::Merge);
        t.tell(merged());
    }
}

#[test]
fn nothing_turns_a_landing_aside_once_its_intent_is_written() {
    let mut t = Told::new(1);
    t.reach_gating().tell(Body::GatesPassed { skipped: false });
    t.tell(Body::Landing { old: oid('a'), new: oid('c') });
    let aside = Body::Settling { outcome: Outcome::Cancelled, cause: None, reason: "ctrl-c".into() };
    assert!(t.try_tell(aside).is_err());
}

fn any_body() -> impl Strategy<Value = Body> {
    let endings = prop_oneof![
        Just(Ending::Finished),
        Just(Ending::Failed),
        Just(Ending::Infrastructure),
        Just(Ending::UsageLimit),
        Just(Ending::Interrupted),
        Just(Ending::Budget),
        Just(Ending::ContextFull),
        Just(Ending::RunTimeLimit),
        Just(Ending::PutAside),
    ];
    prop_oneof![
        Just(Body::Claimed),
        Just(Body::ClaimLost { reason: "r".into() }),
        Just(Body::AttemptStarted { from: oid('a'), session: "s".into(), resume: false }),
        Just(Body::WorkspaceReady),
        Just(Body::AgentStarting { sandbox: "b".into(), nonce: "n".into(), after: Default::default() }),
        Just(Body::AgentStarted { container: "c".into() }),
        endings.prop_map(end),
        Just(exported()),
        Just(Body::NothingChanged { said: String::new() }),
        Just(Body::ExportRejected { reason: "r".into() }),
        Just(merged()),
        Just(Body::Conflicted { onto: oid('a'), paths: vec!["p".into()], commit: None }),
        Just(met()),
        Just(Body::ConflictRunStarted { session: "s".into(), resume: true }),
        Just(Body::GatesPassed { skipped: false }),
        Just(review_started()),
        Just(judged(Verdict::Accept)),
        Just(judged(Verdict::Revise)),
        Just(judged(Verdict::Again)),
        Just(judged(Verdict::Ask)),
        Just(asking(Asked::Blocked("the parser panics".into()))),
        Just(asking(Asked::Question("which rounding?".into()))),
        Just(Body::Blocked { blocker: BeadId::new("orc-b2"), created: true, reason: "r".into() }),
        Just(failed()),
        Just(red(AgainstBase::Known)),
        Just(Body::Recovered { what: "r".into(), phase: Some("gating".into()) }),
        Just(Body::LeftOnBranch { branch: "bead/x".into(), commit: oid('c') }),
        Just(Body::Landing { old: oid('a'), new: oid('c') }),
        Just(Body::Landed { commit: oid('c') }),
        Just(Body::TargetMoved { tip: oid('e'), ours: false }),
        Just(Body::LandedBeside { branch: "bead/x".into(), commit: oid('c'), why: "dirty".into() }),
        Just(Body::Closed { reason: "r".into() }),
        Just(Body::Settling { outcome: Outcome::Cancelled, cause: None, reason: "r".into() }),
        Just(Body::Settled),
        Just(Body::Suspended { cause: Cause::new("usage_limit"), reason: "r".into(), until: None }),
        Just(Body::Resumed { why: "w".into(), session: "s".into() }),
        Just(Body::RunStarted { kind: RunKind::Work, log: "l".into(), outside: None }),
        Just(Body::Notice { text: "n".into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever arrives in whatever order: an illegal event changes nothing, a landed claim is never given
    /// back, attempts never exceed the order, and a journal replayed gives the same story.
    #[test]
    fn any_order_of_events_keeps_the_promises(
        bodies in prop::collection::vec(any_body(), 0..80),
        attempts in 1u32..4,
        rounds in 0u32..3,
    ) {
        let mut t = Told::reviewed(attempts, rounds);
        let mut journal = Vec::new();
        let mut landed = false;
        for body in bodies {
            let before = t.story.clone();
            let starting = matches!(body, Body::AttemptStarted { .. });
            let n = t.story.attempt + u32::from(starting);
            t.seq += 1;
            let about = run_of(&t.story, &body, u8::try_from(n).unwrap());
            let event = event(t.seq, Some(about), Some(n), body);
            match t.story.apply(&event) {
                Ok(()) => journal.push(event.clone()),
                Err(_) => prop_assert_eq!(&before, &t.story),
            }
            landed |= before != t.story && matches!(event.body, Body::Landed { .. });
            if landed {
                prop_assert!(
                    !matches!(t.story.phase, Phase::Settling { .. } | Phase::Starting | Phase::Merging | Phase::Suspended { .. }),
                    "a landed bead went back to {:?}", t.story.phase
                );
            }
            if matches!(t.story.phase, Phase::Landing { .. } | Phase::Closing) && rounds > 0 {
                let accepted = t.story.reviews.accepted.as_ref().map(|(tip, _)| tip);
                prop_assert_eq!(accepted, t.story.tip.as_ref().map(|kept| &kept.tip), "landing without a review");
            }
            prop_assert!(t.story.attempt <= attempts + rounds);
            prop_assert!(t.story.reviews.fixes <= rounds.saturating_sub(1));
        }
        let mut replayed = Told::reviewed(attempts, rounds).story;
        for event in &journal {
            replayed.apply(event).unwrap();
        }
        prop_assert_eq!(replayed, t.story);
    }

    /// Every effect has a way on: from any reachable state some event moves the story, so no bead is stuck.
    #[test]
    fn every_reachable_phase_has_a_way_out(bodies in prop::collection::vec(any_body(), 0..40)) {
        let mut t = Told::reviewed(3, 2);
        for body in bodies {
            let _ = t.try_tell(body);
        }
        let way = match t.story.next() {
            Effect::Claim => Body::Claimed,
            Effect::Unite => merged(),
            Effect::Review => match &t.story.reviews.run {
                None => review_started(),
                Some(run) if run.end.is_none() => end(Ending::Finished),
                Some(_) => judged(Verdict::Accept),
            },
            Effect::Block => Body::Blocked { blocker: BeadId::new("orc-b2"), created: true, reason: "r".into() },
            Effect::StartAttempt { from, resume, .. } => Body::AttemptStarted { from, session: "s".into(), resume },
            Effect::PrepareWorkspace => Body::WorkspaceReady,
            Effect::RunAgent => end(Ending::Finished),
            Effect::Export => exported(),
            Effect::Merge => merged(),
            Effect::StartConflictRun => Body::ConflictRunStarted { session: "s".into(), resume: false },
            Effect::Gate => Body::GatesPassed { skipped: false },
            Effect::Land => Body::Landing { old: oid('a'), new: oid('c') },
            Effect::Close => Body::Closed { reason: "r".into() },
            Effect::Settle { journalled: true, .. } => Body::Settled,
            Effect::Settle { outcome, cause, reason, .. } => Body::Settling { outcome, cause, reason },
            Effect::Suspend { cause, reason, .. } => Body::Suspended { cause, reason, until: None },
            Effect::Resume { why } => Body::Resumed { why, session: "s".into() },
            Effect::Wait => Body::Resumed { why: "w".into(), session: "s".into() },
            Effect::CleanUp => Body::Finished(t.story.finish.clone()),
            Effect::Nothing => return Ok(()),
        };
        prop_assert!(t.try_tell(way).is_ok());
    }
}

/// An order's takeover of kept work.
fn again(tip: Oid, base: Oid) -> Again {
    let at = Utc.timestamp_opt(1_600_000_000, 0).unwrap();
    Again {
        run: run(50),
        tip,
        at,
        base,
        session: Some("old".into()),
        word: None,
        approved: None,
        lifts: Vec::new(),
        straight: false,
        reviewed: Box::default(),
        spent_usd: 0.0,
    }
}

fn review_started() -> Body {
    Body::ReviewStarted { round: 1, sandbox: "reader".into(), nonce: "n".into(), tip: oid('b') }
}

fn judged(verdict: Verdict) -> Body {
    let entry = |title: &str, origin, severity| verdict::Entry {
        fingerprint: title.into(),
        finding: Finding { source: "review".into(), title: title.into(), severity, ..Finding::default() },
        origin,
        standing: Standing::Open,
        first: 1,
        last: 1,
        priority: 1,
        kind: "bug".into(),
    };
    let review = verdict::Review {
        round: 1,
        verdict,
        reason: "the total is not rounded".into(),
        summary: String::new(),
        ready: None,
        ledger: vec![
            entry("not rounded", Origin::ThisChange, Severity::Major),
            entry("a typo", Origin::ThisChange, Severity::Note),
            entry("was always slow", Origin::PreExisting, Severity::Critical),
            verdict::Entry {
                standing: Standing::Fixed,
                ..entry("was off by one", Origin::ThisChange, Severity::Critical)
            },
        ],
        unread: vec![],
    };
    Body::Reviewed { review, cost_usd: 0.25 }
}

fn asking(asked: Asked) -> Body {
    ended(|e| e.asked = Some(asked), Ending::Finished)
}

fn met() -> Body {
    Body::Conflicted { onto: oid('e'), paths: vec!["a.txt".into()], commit: Some(oid('f')) }
}

fn red(base: AgainstBase) -> Body {
    match failed() {
        Body::GatesFailed { findings, recurrence, .. } => Body::GatesFailed { findings, recurrence, base },
        other => other,
    }
}

/// The same failure, seen so often in earlier claims.
fn recurring(before: u32) -> Option<Recurrence> {
    Some(Recurrence { signature: Signature::of("agent", "the same words"), before })
}

fn ended(change: impl FnOnce(&mut AgentEnd), ending: Ending) -> Body {
    let Body::AgentEnded(mut end) = end(ending) else { unreachable!() };
    change(&mut end);
    Body::AgentEnded(end)
}

impl Told {
    #[track_caller]
    fn settles(&self, outcome: Outcome, cause: &str) -> String {
        let Effect::Settle { outcome: found, cause: why, reason, .. } = self.story.next() else {
            panic!("next is {:?}", self.story.next());
        };
        assert_eq!((found, why.as_ref().map(Cause::as_str)), (outcome, Some(cause)), "{reason}");
        reason
    }

    /// A run of its own, for a conflict.
    fn conflict_run(&mut self) -> &mut Self {
        self.seq += 1;
        let body = Body::ConflictRunStarted { session: "s".into(), resume: true };
        let event = event(self.seq, Some(run(90)), Some(self.story.attempt), body);
        self.story.apply(&event).unwrap();
        self.tell(Body::WorkspaceReady)
            .tell(Body::AgentStarting { sandbox: "box".into(), nonce: "n".into(), after: Default::default() })
            .tell(Body::AgentStarted { container: "c1".into() })
    }
}

#[test]
fn every_class_has_a_rule_and_every_ending_a_class() {
    use super::policy::{Rule, class, rule};
    use crate::domain::failure::FailureClass;
    for failure in FailureClass::ALL {
        let spends = matches!(rule(failure), Rule::NextAttempt | Rule::OnceMore);
        let may = matches!(failure, FailureClass::Agent | FailureClass::Gate | FailureClass::Timeout);
        assert_eq!(spends, may, "{failure:?}");
    }
    assert_eq!(class(Ending::Finished), None);
    assert_eq!(class(Ending::Billing), Some(FailureClass::Billing));
}

#[test]
fn f17_a_timeout_is_tried_once_more_in_the_same_conversation_and_then_ends() {
    for (ending, cause) in
        [(Ending::IdleLimit, "idle"), (Ending::RunTimeLimit, "run_time"), (Ending::ToolLimit, "tool")]
    {
        let out = || ended(|e| e.recurrence = recurring(0), ending);
        let mut t = Told::new(3);
        t.tell(Body::Claimed).attempt().tell(out()).tell(exported());
        assert_eq!(t.story.next(), Effect::StartAttempt { number: 2, from: oid('b'), resume: true });
        assert_eq!(t.story.findings[0].detail, "because");
        t.attempt().tell(out()).tell(exported());
        t.settles(Outcome::Timeout, cause);
        let mut old = Told::new(3);
        old.tell(Body::Claimed).attempt().tell(end(ending)).tell(exported()).settles(Outcome::Timeout, cause);
        let mut only = Told::new(1);
        only.tell(Body::Claimed).attempt().tell(out()).tell(exported()).settles(Outcome::Timeout, cause);
    }
}

#[test]
fn f16_what_a_starved_run_finished_counts_only_where_gates_prove_it() {
    let mut t = Told::new(2);
    t.tell(Body::Claimed).attempt().tell(ended(|e| e.starved = true, Ending::Finished)).tell(exported());
    assert_eq!(t.story.next(), Effect::Merge);
    let mut ungated = Told::new(2);
    ungated.story.order.no_gates = true;
    ungated.tell(Body::Claimed).attempt();
    ungated.tell(ended(|e| e.starved = true, Ending::Finished)).tell(exported());
    ungated.settles(Outcome::Failed, "oom");
}

#[test]
fn the_same_failure_three_times_parks_even_over_several_claims() {
    let failing = || ended(|e| e.recurrence = recurring(0), Ending::Failed);
    let mut t = Told::new(9);
    t.tell(Body::Claimed);
    for _ in 0..2 {
        t.attempt().tell(failing()).tell(exported());
        assert!(matches!(t.story.next(), Effect::StartAttempt { .. }));
    }
    t.attempt().tell(failing()).tell(exported());
    let reason = t.settles(Outcome::Parked, "repeated_failure");
    assert!(reason.contains("3 times") && reason.contains("because"), "{reason}");
    let mut later = Told::new(9);
    later.tell(Body::Claimed).attempt().tell(ended(|e| e.recurrence = recurring(2), Ending::Failed));
    later.tell(exported()).settles(Outcome::Parked, "repeated_failure");
    let mut other = Told::new(9);
    other.tell(Body::Claimed);
    for words in ["one thing", "another thing", "a third thing"] {
        let signature = Signature::of("agent", words);
        let recurrence = Some(Recurrence { signature, before: 0 });
        other.attempt().tell(ended(|e| e.recurrence = recurrence, Ending::Failed)).tell(exported());
        assert!(matches!(other.story.next(), Effect::StartAttempt { .. }));
    }
}

#[test]
fn a_process_that_dies_three_times_in_one_phase_parks_the_bead() {
    let mut t = Told::new(2);
    t.reach_gating();
    for _ in 0..2 {
        t.tell(t.story.recovered("again".into()));
        assert_eq!(t.story.next(), Effect::Gate);
    }
    // An event in between is progress.
    t.tell(Body::GateEnded { gate: "test".into(), passed: true, summary: String::new(), seconds: 1.0 });
    for _ in 0..2 {
        t.tell(t.story.recovered("again".into()));
        assert_eq!(t.story.next(), Effect::Gate);
    }
    t.tell(t.story.recovered("again".into()));
    let reason = t.settles(Outcome::Parked, "crash_loop");
    assert!(reason.contains("3 times while gating"), "{reason}");
    // A journal from before this was counted says nothing about phases.
    let mut old = Told::new(2);
    old.reach_gating();
    for _ in 0..9 {
        old.tell(Body::Recovered { what: "continued".into(), phase: None });
    }
    assert_eq!(old.story.next(), Effect::Gate);
}

#[test]
fn a_container_that_works_on_is_adopted_ten_times_and_its_work_kept_at_the_end() {
    let mut t = Told::new(2);
    t.tell(Body::Claimed).attempt();
    for _ in 0..10 {
        t.tell(t.story.recovered("again".into()));
        assert_eq!((t.story.next(), t.story.attempt), (Effect::RunAgent, 1));
    }
    for _ in 10..policy::MAX_CRASHES_AT_WORK {
        t.tell(t.story.recovered("again".into()));
    }
    assert_eq!(t.story.next(), Effect::Export, "the work is kept first");
    t.tell(exported()).settles(Outcome::Parked, "crash_loop");
    assert!(t.story.tip.is_some());
    // Where the export itself kills, the clone is all there is.
    let mut stuck = Told::new(2);
    stuck.tell(Body::Claimed).attempt().tell(end(Ending::Finished));
    for _ in 0..policy::MAX_CRASHES {
        stuck.tell(stuck.story.recovered("again".into()));
    }
    stuck.settles(Outcome::Parked, "crash_loop");
    assert!(stuck.story.unexported);
}

#[test]
fn nothing_parks_a_landing_that_may_have_moved_the_target() {
    let mut t = Told::new(1);
    t.reach_gating().tell(Body::GatesPassed { skipped: false });
    t.tell(Body::Landing { old: oid('a'), new: oid('c') });
    for _ in 0..9 {
        t.tell(t.story.recovered("again".into()));
    }
    assert_eq!(t.story.next(), Effect::Land);
}

fn full(e: &mut AgentEnd) {
    e.utilization = Some(0.96);
    e.resets_at = Some(1_800_000_000);
}

#[test]
fn f28_a_run_that_ended_near_the_limit_is_asked_once_to_confirm() {
    for ending in [Ending::Finished, Ending::Failed] {
        let mut t = Told::new(2);
        t.tell(Body::Claimed).attempt().tell(ended(full, ending)).tell(exported());
        let Effect::Suspend { cause, resets_at, .. } = t.story.next() else { panic!("{:?}", t.story.phase) };
        assert_eq!((cause.as_str(), resets_at), ("usage_limit", Some(1_800_000_000)));
        t.tell(Body::Suspended { cause, reason: "r".into(), until: None });
        t.tell(Body::Resumed { why: "reset".into(), session: "s".into() });
        assert!(t.story.work.as_ref().unwrap().confirm);
        assert_eq!((t.story.next(), t.story.attempt), (Effect::RunAgent, 1));
        t.tell(ended(full, Ending::Finished)).tell(exported());
        assert_eq!(t.story.next(), Effect::Merge, "asked once, its end counts as it is");
    }
    for change in [(0.94, Some(9)), (0.99, None)] {
        let mut t = Told::new(2);
        let near = |e: &mut AgentEnd| (e.utilization, e.resets_at) = (Some(change.0), change.1);
        t.tell(Body::Claimed).attempt().tell(ended(near, Ending::Finished)).tell(exported());
        assert_eq!(t.story.next(), Effect::Merge, "{change:?}");
    }
}

#[test]
fn a_full_conversation_goes_on_at_once_in_a_new_one() {
    let mut t = Told::new(1);
    t.tell(Body::Claimed).attempt();
    for n in 1..policy::MAX_CONTEXTS {
        t.tell(end(Ending::ContextFull)).tell(exported());
        let Effect::Suspend { cause, .. } = t.story.next() else { panic!() };
        t.tell(Body::Suspended { cause, reason: "full".into(), until: None });
        assert!(matches!(t.story.next(), Effect::Resume { .. }), "nothing to wait for");
        t.tell(Body::Resumed { why: "full".into(), session: format!("new-{n}") });
        assert!(!t.story.work.as_ref().unwrap().resume && !t.story.conversed);
        assert_eq!((t.story.next(), t.story.attempt), (Effect::RunAgent, 1));
    }
    t.tell(end(Ending::ContextFull)).tell(exported()).settles(Outcome::Parked, "context");
}

#[test]
fn a_conflict_is_resolved_once_by_a_run_that_is_no_attempt() {
    let mut t = Told::new(1);
    t.tell(Body::Claimed).attempt().tell(end(Ending::Finished)).tell(exported()).tell(met());
    assert_eq!(t.story.next(), Effect::StartConflictRun);
    t.conflict_run();
    assert_eq!((t.story.attempt, t.story.base()), (1, &oid('e')));
    assert_eq!(t.story.work.as_ref().unwrap().from, oid('f'));
    t.tell(end(Ending::Finished)).tell(exported());
    assert_eq!(t.story.next(), Effect::Merge);
    t.tell(merged()).tell(failed());
    t.settles(Outcome::Parked, "gate");
    assert_eq!((t.story.finish.attempts, t.story.runs.len()), (1, 2));
}

#[test]
fn an_unresolved_or_second_conflict_is_a_persons_and_the_clean_work_stays_the_kept_one() {
    let reach = || {
        let mut t = Told::new(3);
        t.tell(Body::Claimed).attempt().tell(end(Ending::Finished)).tell(exported()).tell(met());
        t.conflict_run();
        t
    };
    let left = Body::Exported {
        tip: oid('9'),
        commits: 1,
        wip: false,
        files: 1,
        lines: None,
        tracker_touched: vec![],
        unresolved: vec!["a.txt".into()],
    };
    let mut t = reach();
    t.tell(end(Ending::Finished)).tell(left.clone());
    assert!(t.settles(Outcome::Parked, "conflict").contains("a.txt"));
    assert_eq!(t.story.tip.as_ref().unwrap().tip, oid('b'));
    for ending in [Ending::Failed, Ending::IdleLimit, Ending::OutOfMemory] {
        let mut t = reach();
        t.tell(end(ending)).tell(left.clone()).settles(Outcome::Parked, "conflict");
        assert_eq!(t.story.tip.as_ref().unwrap().tip, oid('b'), "{ending:?}");
    }
    let mut nothing = reach();
    nothing.tell(end(Ending::Finished)).tell(Body::NothingChanged { said: String::new() });
    nothing.settles(Outcome::Parked, "conflict");
    let mut lost = reach();
    lost.tell(end(Ending::Infrastructure)).tell(left);
    assert!(matches!(lost.story.next(), Effect::Resume { .. }), "no failure of its own");
    let mut second = reach();
    second.tell(end(Ending::Finished)).tell(exported()).tell(met());
    assert!(second.settles(Outcome::Parked, "conflict").contains("once more"));
}

#[test]
fn what_the_base_fails_too_is_told_once_and_then_does_not_count() {
    let mut t = Told::new(3);
    t.reach_gating().tell(red(AgainstBase::Known));
    assert!(matches!(t.story.next(), Effect::StartAttempt { number: 2, .. }), "the bead may be about it");
    t.attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged()).tell(red(AgainstBase::Known));
    assert_eq!(t.story.next(), Effect::Land);
    let mut only = Told::new(1);
    only.reach_gating().tell(red(AgainstBase::Known));
    assert_eq!(only.story.next(), Effect::Land);
}

#[test]
fn a_red_base_without_names_parks_and_the_very_same_failure_at_once() {
    let mut t = Told::new(3);
    t.reach_gating().tell(red(AgainstBase::Red));
    assert!(matches!(t.story.next(), Effect::StartAttempt { number: 2, .. }));
    t.attempt().tell(end(Ending::Finished)).tell(exported()).tell(merged()).tell(red(AgainstBase::Red));
    assert!(t.settles(Outcome::Parked, "red_base").contains("the base is red"));
    let mut same = Told::new(3);
    same.reach_gating().tell(red(AgainstBase::Same)).settles(Outcome::Parked, "red_base");
    let mut new = Told::new(3);
    new.reach_gating().tell(red(AgainstBase::New));
    assert!(matches!(new.story.next(), Effect::StartAttempt { number: 2, .. }));
}

#[test]
fn a_bead_left_on_its_branch_waits_for_its_user() {
    let mut t = Told::new(1);
    t.reach_gating().tell(Body::GatesPassed { skipped: false });
    t.tell(Body::LeftOnBranch { branch: "bead/orc-a1".into(), commit: oid('c') });
    t.settles(Outcome::Parked, "branch");
    assert_eq!(t.story.finish.branch.as_deref(), Some("bead/orc-a1"));
}

/// What the world answers to the next effect, by chance; from some step on it means well.
fn answer(story: &Story, dice: u32, well: bool) -> Vec<Body> {
    let pick = |n: u32| if well { 0 } else { dice % n };
    let endings = [
        Ending::Finished,
        Ending::Failed,
        Ending::Infrastructure,
        Ending::UsageLimit,
        Ending::Outage,
        Ending::ContextFull,
        Ending::IdleLimit,
        Ending::ToolLimit,
        Ending::OutOfMemory,
        Ending::Interrupted,
        Ending::PutAside,
        Ending::Budget,
        Ending::Billing,
        Ending::Credential,
    ];
    let unresolved = |n: u32| if n == 3 { vec!["a.txt".to_owned()] } else { vec![] };
    match story.next() {
        Effect::Claim => vec![Body::Claimed],
        Effect::Unite => vec![if pick(3) == 2 { met() } else { merged() }],
        Effect::Review => match &story.reviews.run {
            None => vec![review_started()],
            Some(run) if run.end.is_none() => vec![end(endings[usize::try_from(pick(14)).unwrap()])],
            Some(_) => vec![judged(match pick(5) {
                1 | 2 => Verdict::Revise,
                3 => Verdict::Again,
                4 => Verdict::Ask,
                _ => Verdict::Accept,
            })],
        },
        Effect::Block => {
            vec![Body::Blocked { blocker: BeadId::new("orc-b2"), created: true, reason: "r".into() }]
        }
        Effect::StartAttempt { from, resume, .. } => {
            vec![Body::AttemptStarted { from, session: "s".into(), resume }]
        }
        Effect::PrepareWorkspace => vec![Body::WorkspaceReady],
        Effect::RunAgent => {
            let ending = endings[usize::try_from(pick(14)).unwrap()];
            let fill = |e: &mut AgentEnd| {
                if dice % 7 == 3 && !well {
                    full(e);
                }
                e.recurrence = policy::recurs(ending).then(|| recurring(0)).flatten();
                e.asked = match dice % 13 {
                    5 if !well => Some(Asked::Question("q".into())),
                    7 if !well => Some(Asked::Blocked("b".into())),
                    _ => None,
                };
            };
            vec![
                Body::AgentStarting { sandbox: "b".into(), nonce: "n".into(), after: Default::default() },
                Body::AgentStarted { container: "c".into() },
                ended(fill, ending),
            ]
        }
        Effect::Export => vec![match pick(9) {
            7 => Body::NothingChanged { said: String::new() },
            8 => Body::ExportRejected { reason: "r".into() },
            n => Body::Exported {
                tip: oid('b'),
                commits: 1,
                wip: false,
                files: 1,
                lines: None,
                tracker_touched: vec![],
                unresolved: if story.in_conflict_run() { unresolved(n) } else { vec![] },
            },
        }],
        Effect::Merge => vec![match pick(6) {
            4 => met(),
            5 => Body::Protected { paths: vec!["p".into()] },
            _ => merged(),
        }],
        Effect::StartConflictRun => vec![Body::ConflictRunStarted { session: "s".into(), resume: true }],
        Effect::Gate => vec![match pick(6) {
            1 => failed(),
            2 => red(AgainstBase::Known),
            3 => red(AgainstBase::Red),
            4 => red(AgainstBase::Same),
            _ => Body::GatesPassed { skipped: false },
        }],
        Effect::Land => match (&story.phase, pick(6)) {
            (Phase::Landing { intent: false }, 4) => {
                vec![Body::LeftOnBranch { branch: "bead/x".into(), commit: oid('c') }]
            }
            (Phase::Landing { intent: false }, _) => vec![Body::Landing { old: oid('a'), new: oid('c') }],
            (_, 1 | 2) => vec![Body::TargetMoved { tip: oid('e'), ours: false }],
            (_, 3) => vec![Body::LandedBeside { branch: "b".into(), commit: oid('c'), why: "d".into() }],
            _ => vec![Body::Landed { commit: oid('c') }],
        },
        Effect::Close => vec![Body::Closed { reason: "r".into() }],
        Effect::Settle { journalled: true, .. } => vec![Body::Settled],
        Effect::Settle { outcome, cause, reason, .. } => vec![Body::Settling { outcome, cause, reason }],
        Effect::Suspend { cause, reason, .. } => vec![Body::Suspended { cause, reason, until: None }],
        Effect::Resume { why } => vec![Body::Resumed { why, session: format!("s{dice}") }],
        Effect::Wait => vec![Body::Resumed { why: "w".into(), session: "s".into() }],
        Effect::CleanUp => vec![Body::Finished(story.finish.clone())],
        Effect::Nothing => vec![],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever the world answers and wherever processes die, every answer may follow, attempts stay within the
    /// order, there is one conflict run at most, and the story ends.
    #[test]
    fn every_story_ends_within_its_limits(
        dice in prop::collection::vec(any::<u32>(), 150),
        attempts in 1u32..5,
        rounds in 0u32..4,
        taken_over in any::<bool>(),
    ) {
        let again = taken_over.then(|| again(oid('9'), oid('a')));
        let mut t = Told::ordered(Order { rounds, again, base: oid('8'), ..order(attempts) });
        let (mut conflict_runs, mut runs) = (0, 0u8);
        for step in 0..400 {
            let well = step >= dice.len();
            let dice = dice.get(step).copied().unwrap_or(0);
            if dice % 11 == 5 {
                t.tell(t.story.recovered("died".into()));
            }
            let bodies = answer(&t.story, dice, well);
            if bodies.is_empty() {
                break;
            }
            for body in bodies {
                let starting = matches!(body, Body::AttemptStarted { .. });
                conflict_runs += u32::from(matches!(body, Body::ConflictRunStarted { .. }));
                runs += u8::from(starting || matches!(body, Body::ConflictRunStarted { .. }));
                t.seq += 1;
                let attempt = t.story.attempt + u32::from(starting);
                let about = run_of(&t.story, &body, runs);
                let told = t.story.apply(&event(t.seq, Some(about), Some(attempt), body));
                prop_assert!(told.is_ok(), "{told:?} in {:?}", t.story.phase);
            }
            prop_assert!(t.story.attempt <= attempts + rounds);
            prop_assert!(conflict_runs <= 1 + u32::from(taken_over));
        }
        prop_assert_eq!(&t.story.phase, &Phase::Finished);
        prop_assert!(!t.story.claimed);
    }
}

#[test]
fn an_attempt_put_aside_goes_on_in_its_clone_and_none_is_spent() {
    let mut told = Told::new(1);
    let aside = |ending| match end(ending) {
        Body::AgentEnded(end) => Body::AgentEnded(AgentEnd { cause: Some(Cause::new("window")), ..end }),
        other => other,
    };
    told.tell(Body::Claimed).attempt().tell(aside(Ending::PutAside)).tell(exported());
    let Effect::Suspend { cause, .. } = told.story.next() else { panic!("{:?}", told.story.phase) };
    assert_eq!(cause.as_str(), "window");
    told.tell(Body::Suspended { cause, reason: "the night is over".into(), until: None });
    told.tell(Body::Resumed { why: "the window is open".into(), session: "s".into() });
    assert_eq!((told.story.next(), told.story.attempt), (Effect::RunAgent, 1));
}

#[test]
fn a_bead_put_aside_between_attempts_begins_the_next_one_when_it_goes_on() {
    let mut told = Told::new(2);
    told.reach_gating().tell(failed());
    assert_eq!(told.story.phase, Phase::Starting);
    told.tell(Body::Suspended { cause: Cause::new("budget"), reason: "spent".into(), until: None });
    assert_eq!(told.story.next(), Effect::Wait);
    told.tell(Body::Resumed { why: "a new night".into(), session: "s".into() });
    assert!(matches!(told.story.next(), Effect::StartAttempt { number: 2, .. }));
    // A landing is finished, never put aside.
    let mut landing = Told::new(1);
    landing.reach_gating().tell(Body::GatesPassed { skipped: false });
    let aside = Body::Suspended { cause: Cause::new("window"), reason: String::new(), until: None };
    assert!(landing.try_tell(aside).is_err());
}

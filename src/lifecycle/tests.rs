use std::path::Path;

use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::domain::event::Ending;
use crate::domain::event::{AgentEnd, Body, Order};
use crate::domain::finding::Finding;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::run::RunKind;
use crate::domain::run::{Cause, Outcome};
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
    Order {
        title: "Round totals".into(),
        target: "main".into(),
        base: oid('a'),
        attempts,
        no_gates: false,
        forced: vec![],
        model: None,
        token: "t".into(),
        actor: "beadwork/r".into(),
    }
}

fn end(ending: Ending) -> Body {
    Body::AgentEnded(AgentEnd {
        cause: None,
        ending,
        reason: "because".into(),
        said: String::new(),
        cost_usd: 0.25,
        usage: Default::default(),
        seconds: 1.0,
        conversed: true,
        resets_at: None,
    })
}

fn exported() -> Body {
    Body::Exported { tip: oid('b'), commits: 1, wip: false, files: 1, tracker_touched: vec![] }
}

fn merged() -> Body {
    Body::Merged { commit: oid('c'), tree: oid('d'), onto: oid('a') }
}

impl Told {
    fn new(attempts: u32) -> Self {
        let story = Story::open(&event(1, None, None, Body::Claiming { order: order(attempts) })).unwrap();
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
        let run_id = run(u8::try_from(attempt).unwrap());
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
    };
    Body::GatesFailed { findings: vec![finding] }
}

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
        (Ending::IdleLimit, Outcome::Timeout, "idle"),
        (Ending::RunTimeLimit, Outcome::Timeout, "run_time"),
        (Ending::ToolLimit, Outcome::Timeout, "tool"),
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
        t.tell(Body::GatesPassed { skipped: false }).tell(Body::TargetMoved { tip: oid('e') });
        assert_eq!(t.story.next(), Effect::Merge);
        t.tell(merged());
    }
    t.tell(Body::GatesPassed { skipped: false }).tell(Body::TargetMoved { tip: oid('e') });
    let Effect::Settle { cause, .. } = t.story.next() else { panic!() };
    assert_eq!(cause.as_ref().map(Cause::as_str), Some("target_moved"));
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
        Just(Ending::Budget)
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
        Just(Body::Conflicted { onto: oid('a'), paths: vec!["p".into()] }),
        Just(Body::GatesPassed { skipped: false }),
        Just(failed()),
        Just(Body::Landing { old: oid('a'), new: oid('c') }),
        Just(Body::Landed { commit: oid('c') }),
        Just(Body::TargetMoved { tip: oid('e') }),
        Just(Body::LandedBeside { branch: "bead/x".into(), commit: oid('c'), why: "dirty".into() }),
        Just(Body::Closed { reason: "r".into() }),
        Just(Body::Settling { outcome: Outcome::Cancelled, cause: None, reason: "r".into() }),
        Just(Body::Settled),
        Just(Body::Suspended { cause: Cause::new("usage_limit"), reason: "r".into(), until: None }),
        Just(Body::Resumed { why: "w".into(), session: "s".into() }),
        Just(Body::RunStarted { kind: RunKind::Work, log: "l".into() }),
        Just(Body::Notice { text: "n".into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever arrives in whatever order: an illegal event changes nothing, a landed claim is never given
    /// back, attempts never exceed the order, and a journal replayed gives the same story.
    #[test]
    fn any_order_of_events_keeps_the_promises(bodies in prop::collection::vec(any_body(), 0..60), attempts in 1u32..4) {
        let mut t = Told::new(attempts);
        let mut journal = Vec::new();
        let mut landed = false;
        for body in bodies {
            let before = t.story.clone();
            let starting = matches!(body, Body::AttemptStarted { .. });
            let n = t.story.attempt + u32::from(starting);
            t.seq += 1;
            let event = event(t.seq, Some(run(u8::try_from(n).unwrap())), Some(n), body);
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
            prop_assert!(t.story.attempt <= attempts);
        }
        let mut replayed = Told::new(attempts).story;
        for event in &journal {
            replayed.apply(event).unwrap();
        }
        prop_assert_eq!(replayed, t.story);
    }

    /// Every effect has a way on: from any reachable state some event moves the story, so no bead is stuck.
    #[test]
    fn every_reachable_phase_has_a_way_out(bodies in prop::collection::vec(any_body(), 0..40)) {
        let mut t = Told::new(3);
        for body in bodies {
            let _ = t.try_tell(body);
        }
        let way = match t.story.next() {
            Effect::Claim => Body::Claimed,
            Effect::StartAttempt { from, resume, .. } => Body::AttemptStarted { from, session: "s".into(), resume },
            Effect::PrepareWorkspace => Body::WorkspaceReady,
            Effect::RunAgent => end(Ending::Finished),
            Effect::Export => exported(),
            Effect::Merge => merged(),
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

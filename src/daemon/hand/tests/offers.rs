//! What pages offer, against the table of what the hand takes: a button is never one that is always refused.

use chrono::DateTime;

use super::*;
use crate::daemon::hand::standing::{of_phase, parked_with};
use crate::daemon::hand::table::{Verb, may};
use crate::domain::bead::{Bead, Status};
use crate::domain::event::Order;
use crate::domain::ids::{Oid, ProjectId};
use crate::domain::run::Cause;
use crate::feed::view::action::{Action, On};
use crate::feed::view::{bead, needs};
use crate::lifecycle::{Back, Phase, Story};

const CAUSES: [&str; 14] = [
    "",
    "question",
    "protected",
    "tampering",
    "review",
    "landed_beside",
    "branch",
    "conflict",
    "target_moved",
    "red_base",
    "gate",
    "user",
    "oom",
    "budget",
];

/// The verb of the hand that an action posts; none where it is no verb of the table (`work`, `close`, `reopen`).
fn verb(action: &Action) -> Option<Verb> {
    let last = action.post.rsplit('/').next().unwrap();
    let word = if last == "input" { "send" } else { last };
    Verb::ALL.into_iter().find(|verb| verb.word() == word)
}

#[track_caller]
fn fine(actions: &[Action], state: State) {
    for action in actions {
        let taken = verb(action).is_none_or(|verb| may(verb, state).is_some());
        assert!(taken, "{} is offered and always refused while {}", action.label, state.word());
    }
}

fn story(phase: Phase) -> Story {
    let order = Order::unclaimed("main", Oid::parse(&"a".repeat(40)).unwrap());
    let event = Event {
        seq: 1,
        at: DateTime::UNIX_EPOCH,
        project: Some(ProjectId::of_path(std::path::Path::new("/x/repo"))),
        bead: Some(BeadId::new("t-1")),
        run: None,
        attempt: None,
        body: Body::Claiming { order },
    };
    Story { phase, ..Story::open(&event).unwrap() }
}

fn tracked(status: Status, labels: &[&str]) -> Bead {
    let mut bead: Bead = serde_json::from_value(fixture::bead("t-1", "Write it")).unwrap();
    bead.status = status;
    bead.labels = labels.iter().map(|label| (*label).to_owned()).collect();
    bead
}

#[test]
fn every_button_of_what_ended_is_one_that_the_hand_takes() {
    let on = On::of("p", "t-1");
    for cause in CAUSES {
        let mut ended = story(Phase::Finished);
        ended.finish.cause = Some(Cause::new(cause));
        for outcome in [Outcome::Parked, Outcome::NoChange] {
            let (_, actions) = needs::asked(outcome, cause, on).unwrap();
            let state = parked_with(outcome, cause);
            fine(&actions, state);
            for verb in [Verb::Retry, Verb::Approve, Verb::Answer] {
                let offered = actions.iter().any(|action| self::verb(action) == Some(verb));
                assert_eq!(offered, may(verb, state).is_some(), "{outcome:?} {cause}: {}", verb.word());
            }
            ended.finish.outcome = outcome;
            fine(&bead::actions(on, &tracked(Status::Blocked, &["parked"]), Some(&ended)).1, state);
        }
        for outcome in [Outcome::Failed, Outcome::Timeout] {
            fine(&needs::asked(outcome, cause, on).unwrap().1, State::Failed);
        }
    }
}

#[test]
fn every_button_of_a_bead_at_rest_is_one_that_the_hand_takes() {
    let on = On::of("p", "t-1");
    let mine = |mut bead: Bead| {
        bead.assignee = Some("ann".to_owned());
        bead
    };
    for (bead, state) in [
        (tracked(Status::Open, &[]), State::Ready),
        (tracked(Status::Open, &["proposed"]), State::Ready),
        (tracked(Status::Open, &["parked"]), State::Ready),
        (tracked(Status::Deferred, &[]), State::Blocked),
        (tracked(Status::Deferred, &["proposed"]), State::Proposed),
        (tracked(Status::Blocked, &[]), State::Blocked),
        (tracked(Status::Blocked, &["parked"]), State::Parked(Why::Other)),
        (tracked(Status::InProgress, &[]), State::Taken),
        (mine(tracked(Status::Open, &[])), State::Taken),
        (mine(tracked(Status::Blocked, &["parked"])), State::Taken),
        (tracked(Status::Closed, &["proposed"]), State::Closed),
        (tracked(Status::Closed, &["parked"]), State::Closed),
    ] {
        fine(&bead::actions(on, &bead, None).1, state);
        fine(&bead::actions(on, &bead, Some(&story(Phase::Finished))).1, state);
    }
}

#[test]
fn every_button_of_a_bead_under_way_is_one_that_the_hand_takes() {
    let bead = tracked(Status::InProgress, &[]);
    let user = || Cause::new("user");
    let suspending =
        Phase::Suspending { cause: user(), reason: String::new(), resets_at: None, back: Back::Working };
    let suspended =
        Phase::Suspended { cause: user(), reason: String::new(), until: None, back: Back::Working };
    let settling =
        Phase::Settling { outcome: Outcome::Failed, cause: None, reason: String::new(), journalled: true };
    for phase in [
        Phase::Claiming,
        Phase::Uniting,
        Phase::Starting,
        Phase::Preparing,
        Phase::Working,
        Phase::Exporting,
        Phase::Merging,
        Phase::Untangling,
        Phase::Gating,
        Phase::Reviewing,
        Phase::Blocking,
        Phase::Landing { intent: false },
        Phase::Landing { intent: true },
        Phase::Closing,
        settling,
        suspending,
        suspended,
        Phase::Resuming { why: String::new() },
        Phase::Cleaning,
    ] {
        let state = if phase.name() == "suspended" { State::Suspended } else { of_phase(&phase) };
        let (_, actions) = bead::actions(On::of("p", "t-1"), &bead, Some(&story(phase)));
        fine(&actions, state);
        assert_eq!(actions.is_empty(), may(Verb::Park, state).is_none(), "{}", state.word());
    }
}

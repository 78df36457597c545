use chrono::Utc;

use super::*;
use crate::daemon::stop::Urgency;
use crate::domain::event::Finish;
use crate::domain::run::Outcome;

fn after_all(bodies: Vec<Body>) -> Option<Wish> {
    bodies.into_iter().fold(None, |standing, body| {
        let (project, bead, run, attempt) = (None, None, None, None);
        after(standing, &Event { seq: 1, at: Utc::now(), project, bead, run, attempt, body })
    })
}

fn wished(wish: Wish) -> Body {
    Body::Wished { by: "ann".to_owned(), wish }
}

fn suspended() -> Body {
    Body::Suspended { cause: Cause::new("usage_limit"), reason: String::new(), until: None }
}

fn resumed() -> Body {
    Body::Resumed { why: String::new(), session: String::new() }
}

#[test]
fn a_pause_is_over_with_the_suspension_and_an_end_only_with_the_end() {
    assert_eq!(after_all(vec![wished(Wish::Pause)]), Some(Wish::Pause));
    assert_eq!(after_all(vec![wished(Wish::Pause), suspended()]), None);
    assert_eq!(after_all(vec![wished(Wish::Pause), resumed()]), None);
    // It was being suspended for another reason as the person cancelled.
    assert_eq!(after_all(vec![wished(Wish::Cancel), suspended(), resumed()]), Some(Wish::Cancel));
    let finish = Finish {
        outcome: Outcome::Cancelled,
        cause: None,
        commit: None,
        branch: None,
        attempts: 1,
        cost_usd: 0.0,
        reason: String::new(),
    };
    assert_eq!(after_all(vec![wished(Wish::Cancel), Body::Finished(finish)]), None);
}

#[test]
fn a_cancel_outdoes_a_pause_and_not_the_reverse() {
    assert_eq!(after_all(vec![wished(Wish::Pause), wished(Wish::Cancel)]), Some(Wish::Cancel));
    assert_eq!(after_all(vec![wished(Wish::Cancel), wished(Wish::Pause)]), Some(Wish::Cancel));
}

#[test]
fn a_wish_heard_twice_never_leaves_the_work_behind() {
    for wish in [Wish::Pause, Wish::Cancel, Wish::Park { reason: "look".to_owned() }] {
        let stop = Stop::default();
        heed(&stop, &wish);
        heed(&stop, &wish);
        assert!(stop.now() < Urgency::AtOnce, "{wish:?}");
    }
    let stop = Stop::default();
    heed(&stop, &Wish::Park { reason: "look".to_owned() });
    heed(&stop, &Wish::Cancel);
    assert_eq!(stop.parked().as_deref(), Some("look"), "parking ends it too, and keeps more");
}

#[tokio::test]
async fn what_is_wished_of_one_bead_is_nothing_to_the_next() {
    let whole = Stop::default();
    let one = whole.apart();
    heed(&one, &Wish::Cancel);
    assert_eq!(whole.now(), Urgency::GoOn);
    let next = whole.apart();
    assert_eq!(next.now(), Urgency::GoOn);
    whole.more();
    let follow = next.follow(&whole);
    tokio::select! {
        _ = follow => {}
        () = next.at_least(Urgency::Gently) => {}
    }
    assert_eq!(next.now(), Urgency::Gently);
}

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::{Clock as _, Manual};

fn world() -> (Arc<Manual>, Journal) {
    let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
    let journal = Journal::in_memory(clock.clone()).unwrap();
    (clock, journal)
}

fn posted(key: &str, channels: &[&str]) -> Posted {
    Posted {
        key: key.into(),
        kind: "failure".into(),
        alert: format!("{{\"key\":\"{key}\"}}"),
        channels: channels.iter().map(|c| (*c).to_owned()).collect(),
    }
}

#[test]
fn f43_an_alert_and_how_far_was_read_are_one() {
    let (clock, journal) = world();
    assert_eq!(journal.outbox_read().unwrap(), None);
    assert_eq!(journal.post(7, "{}", &[posted("a", &["mail", "topic"])]).unwrap(), 1);
    assert_eq!(journal.outbox_read().unwrap(), Some((7, "{}".to_owned())));
    assert_eq!(journal.post(9, "{1}", &[posted("a", &["mail"]), posted("b", &[])]).unwrap(), 1);
    let due = journal.due_deliveries(clock.now(), 10).unwrap();
    assert_eq!(
        due.iter().map(|d| (d.key.as_str(), d.channel.as_str())).collect::<Vec<_>>(),
        [("a", "mail"), ("a", "topic")]
    );
    assert_eq!(due[0].posted, clock.now());
}

#[test]
fn f43_what_is_being_tried_is_not_tried_by_another_and_comes_back_after_a_crash() {
    let (clock, journal) = world();
    journal.post(1, "", &[posted("a", &["mail"])]).unwrap();
    let first = journal.due_deliveries(clock.now(), 10).unwrap().remove(0);
    let lease = clock.now() + chrono::TimeDelta::minutes(2);
    assert!(journal.try_delivery(&first, lease).unwrap());
    assert!(!journal.try_delivery(&first, lease).unwrap(), "the same look cannot take it twice");
    assert_eq!(journal.due_deliveries(clock.now(), 10).unwrap(), []);
    // The process dies here.
    clock.advance(Duration::from_secs(121));
    let again = journal.due_deliveries(clock.now(), 10).unwrap().remove(0);
    assert_eq!(again.tries, 1);
    assert!(journal.try_delivery(&again, lease).unwrap());
    assert!(!journal.tried(&again, &Tried::Sent).unwrap());
    assert!(!journal.try_delivery(&again, lease).unwrap(), "sent is sent");
    assert_eq!(journal.next_delivery().unwrap(), None);
    assert_eq!(journal.outbox_lines(5).unwrap()[0].state, "sent");
}

#[test]
fn a_failing_channel_is_told_once_until_it_works_again() {
    let (clock, journal) = world();
    journal.post(1, "", &[posted("a", &["mail"])]).unwrap();
    let round = |how: &dyn Fn(DateTime<Utc>) -> Tried| {
        let delivery = journal.due_deliveries(clock.now(), 10).unwrap().remove(0);
        assert!(journal.try_delivery(&delivery, clock.now()).unwrap());
        journal.tried(&delivery, &how(clock.now())).unwrap()
    };
    let later = |at| Tried::Later { at, why: "connection refused".into() };
    assert!(!round(&later), "once is no trouble yet");
    assert!(round(&later));
    assert!(!round(&later));
    let standing = journal.outbox_standing().unwrap();
    assert_eq!(standing.waiting, 1);
    assert_eq!(standing.failing, [("mail".to_owned(), "connection refused".to_owned())]);
    round(&|_| Tried::Sent);
    assert_eq!(journal.outbox_standing().unwrap(), Standing::default());
    journal.post(2, "", &[posted("b", &["mail"])]).unwrap();
    assert!(round(&|_| Tried::GivenUp { why: "no such user".into() }), "another trouble is told again");
    assert_eq!(journal.outbox_standing().unwrap().given_up, 1);
}

#[test]
fn only_what_has_ended_is_forgotten() {
    let (clock, journal) = world();
    journal.post(1, "", &[posted("a", &["mail"]), posted("b", &["mail"])]).unwrap();
    let first = journal.due_deliveries(clock.now(), 1).unwrap().remove(0);
    journal.try_delivery(&first, clock.now()).unwrap();
    journal.tried(&first, &Tried::Sent).unwrap();
    clock.advance(Duration::from_secs(40 * 86_400));
    assert_eq!(journal.prune_outbox(clock.now() - chrono::TimeDelta::days(30)).unwrap(), 1);
    assert_eq!(journal.due_deliveries(clock.now(), 9).unwrap()[0].key, "b");
}

#[test]
fn figures_have_one_kind_for_all_devices() {
    let (clock, journal) = world();
    assert_eq!(journal.outbox_kinds().unwrap(), []);
    journal.post(1, "", &[posted("a", &["mail", "push/one", "push/two", "push/three"])]).unwrap();
    for delivery in journal.due_deliveries(clock.now(), 10).unwrap() {
        let how = match delivery.channel.as_str() {
            "push/one" => Tried::Sent,
            "push/two" => Tried::GivenUp { why: "gone".into() },
            _ => continue,
        };
        journal.tried(&delivery, &how).unwrap();
    }
    let kind = |channel: &str, waiting, given_up| Kind { channel: channel.into(), waiting, given_up };
    assert_eq!(journal.outbox_kinds().unwrap(), [kind("mail", 1, 0), kind("push", 1, 1)]);
    let standing = journal.outbox_standing().unwrap();
    assert_eq!((standing.waiting, standing.given_up), (2, 1));
    clock.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(journal.outbox_kinds().unwrap()[1], kind("push", 1, 0), "a week is long enough");
}

#[test]
fn a_channel_that_is_used_no_more_or_took_a_test_fails_no_more() {
    let (clock, journal) = world();
    journal.post(1, "", &[posted("a", &["mail", "topic", "webhook"])]).unwrap();
    for delivery in journal.due_deliveries(clock.now(), 10).unwrap() {
        assert!(journal.try_delivery(&delivery, clock.now()).unwrap());
        let why = "no".to_owned();
        let how = if delivery.channel == "webhook" { Tried::Dropped { why } } else { Tried::GivenUp { why } };
        journal.tried(&delivery, &how).unwrap();
    }
    let failing = || -> Vec<String> {
        journal.outbox_standing().unwrap().failing.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(failing(), ["mail", "topic"], "what is no channel any more does not fail");
    journal.channel_works("mail").unwrap();
    assert_eq!(failing(), ["topic"]);
    assert_eq!(journal.keep_channels(&["mail".to_owned()]).unwrap(), 1);
    assert_eq!((failing(), journal.outbox_standing().unwrap().given_up), (vec![], 3));
}

use std::sync::Arc;

use super::*;
use crate::clock::Manual;
use crate::domain::night::{Forecast, Prospect};
use crate::journal::Entry;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

const fn queue(ready: u32, held: u32) -> Queue {
    Queue { ready, held }
}

#[test]
fn it_is_told_when_it_changed_and_not_more_often_than_every_five_minutes() {
    let mut length = Length { told: queue(9, 0), at: Some(at(0)), seen: queue(9, 0) };
    let looks = (0..600).map(|minute| (minute, queue(u32::try_from(minute % 7).unwrap(), 0)));
    let told: Vec<i64> = looks.filter_map(|(m, q)| length.see(at(m), q).map(|_| m)).collect();
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 5), "{told:?}");
    assert!(told.len() > 90 && told[0] == 5, "{told:?}");
}

#[test]
fn a_queue_that_stays_as_it_is_writes_nothing() {
    let mut length = Length { told: queue(3, 1), at: Some(at(0)), seen: queue(3, 1) };
    assert!((0..10_000).all(|minute| length.see(at(minute), queue(3, 1)).is_none()));
    assert_eq!(length.last(), None);
}

#[test]
fn what_was_held_back_by_the_pause_is_told_later_or_at_the_end() {
    let mut length = Length { told: queue(3, 0), at: Some(at(0)), seen: queue(3, 0) };
    assert_eq!(length.see(at(1), queue(2, 0)), None);
    assert_eq!(length.last(), Some(queue(2, 0)), "the night may end now");
    assert_eq!(length.see(at(6), queue(2, 0)), Some(queue(2, 0)));
    assert_eq!(length.last(), None);
    // Back to what was told meanwhile: no news.
    assert_eq!((length.see(at(7), queue(1, 0)), length.see(at(8), queue(2, 0))), (None, None));
    assert_eq!(length.see(at(-90), queue(1, 0)), Some(queue(1, 0)), "the clock was set back");
}

#[test]
fn a_dispatcher_that_takes_over_knows_what_was_told() {
    let clock = Arc::new(Manual::at(at(0)));
    let journal = Journal::in_memory(Arc::clone(&clock) as _).unwrap();
    let tell =
        |body| journal.tell(Entry { project: None, bead: None, run: None, attempt: None, body }).unwrap();
    tell(Body::QueueChanged(queue(50, 50)));
    clock.advance(std::time::Duration::from_secs(60));
    let forecast = Forecast { landed: (0, 0), usd: (0.0, 0.0), ends: (at(9), at(9)), history: 0 };
    let prospect =
        Prospect { slots: 3, queue: 7, forecast, usd: None, projects: Default::default(), estimate: false };
    let opened = Body::NightOpened { night: "n".into(), until: None, prospect: Some(Box::new(prospect)) };
    tell(opened);
    let since = at(1);
    let begun = Length::of(&journal, since).unwrap();
    assert_eq!((begun.told, begun.last()), (queue(7, 0), None), "not what an earlier night told");
    clock.advance(std::time::Duration::from_secs(600));
    tell(Body::QueueChanged(queue(4, 2)));
    let mut taken = Length::of(&journal, since).unwrap();
    assert_eq!(taken.told, queue(4, 2));
    assert_eq!(taken.see(at(12), queue(4, 1)), None, "its forerunner told something a minute ago");
    assert_eq!(taken.see(at(16), queue(4, 1)), Some(queue(4, 1)));
}

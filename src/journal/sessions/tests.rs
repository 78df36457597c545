use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::clock::{Clock as _, Manual};
use crate::journal::Journal;

#[test]
fn a_session_lasts_until_it_ends_or_expires() {
    let clock = Arc::new(Manual::at("2026-11-21T20:00:00Z".parse().unwrap()));
    let journal = Journal::in_memory(clock.clone()).unwrap();
    let begin = |hash: &str| journal.begin_session(hash, clock.now() + TimeDelta::hours(1), "phone").unwrap();
    begin("a");
    begin("b");
    assert!(journal.has_session("a").unwrap() && !journal.has_session("c").unwrap());
    journal.end_session("a").unwrap();
    assert!(!journal.has_session("a").unwrap() && journal.has_session("b").unwrap());
    clock.advance(Duration::from_secs(3600));
    assert!(!journal.has_session("b").unwrap(), "expired");
    begin("d");
    assert_eq!(journal.end_all_sessions().unwrap(), 1, "what had expired went when another began");
    assert!(!journal.has_session("d").unwrap());
}

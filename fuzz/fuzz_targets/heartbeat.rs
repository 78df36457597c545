//! Any bytes as beats, as a sender with the secret could send them: the watchman does not panic, however far its
//! times lie, and no host is known for ever growing memory.
#![no_main]

use beadwork::feed::watchman::{Beat, Rules, Watchman};
use chrono::{DateTime, TimeDelta};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut watchman = Watchman::default();
    let mut now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    for line in bytes.split(|byte| *byte == b'\n').take(64) {
        if let Ok(mut beat) = serde_json::from_slice::<Beat>(line) {
            // Once as it is, once at a time that is believed.
            let _ = watchman.hear(&beat, now, Rules::default());
            beat.at = now;
            let _ = watchman.hear(&beat, now, Rules::default());
        }
        now += TimeDelta::minutes(7);
        for message in watchman.look(now, Rules::default()) {
            watchman.told(&message);
        }
        watchman.back(now);
    }
    let kept = serde_json::to_vec(&watchman).unwrap();
    assert_eq!(serde_json::from_slice::<Watchman>(&kept).unwrap(), watchman);
});

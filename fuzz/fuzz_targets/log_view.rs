//! Any bytes as a run's stored log: cut anywhere, its lines are shown without a panic, and none is lost or doubled.
#![no_main]

use beadwork::feed::view::log::{last_words, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, log)) = bytes.split_first() else { return };
    let whole = read(log, 0, true);
    assert_eq!(whole.next, log.len() as u64);
    let _ = last_words(log);
    let first = read(&log[..usize::from(*cut).min(log.len())], 0, false);
    let rest = read(&log[usize::try_from(first.next).unwrap()..], first.next, true);
    assert_eq!(rest.next, whole.next);
    assert_eq!(first.lines.len() + rest.lines.len(), whole.lines.len());
});

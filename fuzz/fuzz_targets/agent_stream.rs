//! Any bytes as an agent's stream: no panic, the same events for any chunking, a report that is fit to print.
#![no_main]

use std::time::Duration;

use beadwork::agent::Dialect as _;
use beadwork::agent::ExitFacts;
use beadwork::agent::claude::Claude;
use beadwork::agent::inspect::{inspect, render};
use beadwork::agent::stream::Stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let size = usize::from(*first) + 1;
    let mut whole = Stream::new(&Claude);
    let mut expected = whole.push(bytes, Duration::ZERO);
    expected.extend(whole.finish(Duration::ZERO));
    let mut parts = Stream::new(&Claude);
    let mut events: Vec<_> = bytes.chunks(size).flat_map(|chunk| parts.push(chunk, Duration::ZERO)).collect();
    events.extend(parts.finish(Duration::ZERO));
    assert_eq!(events, expected);
    let end = Claude.outcome(whole.summary(), &ExitFacts { code: Some(0), ..ExitFacts::default() });
    assert!(!end.reason.chars().any(char::is_control));
    let page = render(&inspect(&Claude, bytes));
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
});

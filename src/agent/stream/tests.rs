use proptest::prelude::*;

use super::*;
use crate::agent::claude::Claude;
use crate::agent::claude::tests::recordings;

fn play(chunks: &[&[u8]]) -> (Vec<AgentEvent>, Summary) {
    let mut stream = Stream::new(&Claude);
    let mut events: Vec<AgentEvent> = chunks.iter().flat_map(|c| stream.push(c, Duration::ZERO)).collect();
    events.extend(stream.finish(Duration::ZERO));
    (events, stream.summary().clone())
}

/// Pieces of real streams with noise between them.
fn noisy() -> impl Strategy<Value = Vec<u8>> {
    let streams: Vec<Vec<u8>> = recordings().into_iter().map(|(_, bytes)| bytes).collect();
    let piece = (proptest::sample::select(streams), any::<prop::sample::Index>(), 0usize..3000).prop_map(
        |(bytes, at, length)| {
            let from = at.index(bytes.len());
            bytes[from..bytes.len().min(from + length)].to_vec()
        },
    );
    let noise = proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'{'), any::<u8>()], 0..20);
    proptest::collection::vec(prop_oneof![piece, noise], 0..5).prop_map(|parts| parts.concat())
}

#[test]
fn t45_a_huge_line_and_a_deep_one_leave_the_stream_alive() {
    let huge = format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n", "y".repeat(33 << 20));
    let deep = format!("{{\"type\":{}\n", "[".repeat(100_000));
    let good = "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n";
    let (events, summary) = play(&[huge.as_bytes(), deep.as_bytes(), b"\xff\xfe\n", good.as_bytes()]);
    assert_eq!((summary.unreadable, summary.session.as_deref()), (3, Some("s")));
    assert_eq!(events.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn t45_any_chunking_of_any_bytes_gives_the_same_events(
        bytes in noisy(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(play(&chunks).0, play(&[&bytes]).0);
    }
}

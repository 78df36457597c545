use proptest::prelude::*;

use super::*;

fn split(cap: usize, chunks: &[&[u8]]) -> (Vec<Line>, Option<Line>) {
    let mut splitter = LineSplitter::new(cap);
    let mut lines = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, |line| lines.push(line));
    }
    let torn = splitter.finish();
    (lines, torn)
}

fn whole(text: &str) -> Line {
    Line::Whole(text.as_bytes().to_vec())
}

#[test]
fn lines_end_with_either_line_end_and_the_rest_is_torn() {
    let (lines, torn) = split(100, &[b"a\r\n\nb", b"c\n", b"{\"x\":"]);
    assert_eq!(lines, [whole("a"), whole(""), whole("bc")]);
    assert_eq!(torn, Some(Line::Torn { bytes: 5 }));
    assert_eq!(split(100, &[b"a\n"]).1, None);
}

#[test]
fn t45_a_line_over_the_cap_is_skipped_counted_and_not_kept() {
    let (lines, torn) = split(4, &[b"1234\n12345\n1234\r\n", b"123", b"456", b"78\nok\n"]);
    let skipped = |bytes| Line::TooLong { bytes };
    assert_eq!(lines, [whole("1234"), skipped(5), whole("1234"), skipped(8), whole("ok")]);
    assert_eq!(torn, None);

    let mut splitter = LineSplitter::new(1 << 20);
    for _ in 0..200 {
        splitter.push(&vec![b'x'; 1 << 20], |_| unreachable!("no line end came"));
        assert!(splitter.part.capacity() <= 2 << 20, "memory stays bounded by the cap");
    }
    assert_eq!(splitter.unfinished(), 200 << 20);
    splitter.push(b"\n", |line| assert_eq!(line, Line::TooLong { bytes: 200 << 20 }));
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_lines(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200),
        cuts in proptest::collection::vec(0usize..200, 0..8),
        cap in 0usize..20,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|c| *c <= bytes.len()).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&bytes[from..cut]);
            from = cut;
        }
        chunks.push(&bytes[from..]);
        prop_assert_eq!(split(cap, &chunks), split(cap, &[&bytes]));
    }
}

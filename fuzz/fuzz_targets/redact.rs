//! Any bytes through the redactor: the length stays, no secret stays, and neither chunking nor taking the
//! stream up again where it was stored changes a byte.
#![no_main]

use beadwork::journal::redact::Redactor;
use libfuzzer_sys::fuzz_target;

const CANARY: &str = "canary-9f8e7d6c";

fn mask(text: &[u8], size: usize) -> Vec<u8> {
    let mut stream = Redactor::new([CANARY, "abcabcabc"]);
    let mut out = Vec::new();
    for chunk in text.chunks(size) {
        stream.push(chunk, &mut out);
    }
    stream.finish(&mut out);
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let size = usize::from(*first) + 1;
    let expected = mask(text, text.len().max(1));
    assert_eq!(expected.len(), text.len());
    assert!(!expected.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    // Beyond what is held back at most, a pile of overlapping matches may be cut.
    if text.len() > 60_000 {
        return;
    }
    assert_eq!(mask(text, size), expected);
    let mut stored = Vec::new();
    Redactor::new([CANARY, "abcabcabc"]).push(&text[..size.min(text.len())], &mut stored);
    let rest = mask(&text[stored.len()..], usize::MAX);
    assert_eq!([stored, rest].concat(), expected);
});

//! Any three texts as versions of a tracker file: merging, exporting and importing must not panic or lose (F36, F37).
//!
//! The versions stand one after the other, each two parted by a line `%%`.
#![no_main]

use beadwork::beads::Snapshot;
use beadwork::beads::form::Form;
use beadwork::beads::merge::{Sides, merge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = "2026-03-01T12:00:00Z".parse().expect("a fixed moment");
    let mut parts = split(bytes);
    parts.resize(3, b"");
    let (base, ours, theirs) = (parts[0], parts[1], parts[2]);
    let merged = merge(&Sides { base, ours, theirs }, now);
    assert_eq!(merge(&Sides { base: ours, ours, theirs }, now).bytes, theirs);
    assert_eq!(merge(&Sides { base: theirs, ours, theirs }, now).bytes, ours);
    assert_eq!(merge(&Sides { base, ours, theirs: ours }, now).bytes, ours);
    let read = |bytes: &[u8]| Snapshot::read(bytes.to_vec());
    let (out, ours, theirs) = (read(&merged.bytes), read(ours), read(theirs));
    for bead in &ours.beads {
        if theirs.get(&bead.id).is_some() {
            assert!(out.get(&bead.id).is_some(), "`{}` is on both sides and lost", bead.id);
        }
    }
    for form in [None, Some(Form::Classic), Some(Form::Modern)] {
        assert!(read(&out.export(form).bytes).problems.is_empty());
    }
});

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(4).position(|w| w == b"\n%%\n") {
        parts.push(&rest[..=at]);
        rest = &rest[at + 4..];
    }
    parts.push(rest);
    parts
}

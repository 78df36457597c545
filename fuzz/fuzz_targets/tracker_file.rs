//! Any bytes as a tracker file: reading, deciding and printing must not panic (F36).
#![no_main]

use beadwork::beads::Snapshot;
use beadwork::beads::ready::{Graph, Rules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let snapshot = Snapshot::read(bytes.to_vec());
    let now = "2026-03-01T12:00:00Z".parse().expect("a fixed moment");
    let graph = Graph::new(&snapshot.beads);
    for rules in [Rules::B, Rules::Classic] {
        let ready = graph.ready(rules, now);
        for (at, bead) in snapshot.beads.iter().enumerate() {
            let said = graph.explain(&bead.id, rules, now).expect("every bead can be explained");
            let is_ready = said == beadwork::beads::ready::Readiness::Ready;
            assert_eq!(is_ready, ready.contains(&at));
            said.sentence(&bead.id);
        }
    }
    for bead in &snapshot.beads {
        for raw in [snapshot.json(&bead.id), snapshot.shown(&bead.id)].into_iter().flatten() {
            serde_json::from_str::<serde::de::IgnoredAny>(raw.get()).expect("what is printed is JSON");
        }
    }
});

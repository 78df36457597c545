//! Any bytes as a reviewer's reply: reading does not panic, is bounded, and what is not whole is never called so.
#![no_main]

use beadwork::domain::text::acts_unseen;
use beadwork::review::reply::{FINDINGS, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let structured = serde_json::from_slice::<serde_json::Value>(bytes).ok();
    for reply in [read(None, &[&text]), read(structured.as_ref(), &[])] {
        assert!(reply.readable || !reply.unread.is_empty());
        assert!(reply.findings.len() <= FINDINGS);
        for reported in &reply.findings {
            assert!(reported.finding.title.chars().count() <= 200 && reported.finding.detail.len() < 9 << 10);
            assert!(!reported.finding.title.chars().any(acts_unseen));
            assert!(reported.priority <= 4);
        }
    }
});

//! Any texts as the diffs of a work and its fixes: reading does not panic, and every line has one origin.
#![no_main]

use beadwork::domain::finding::Origin;
use beadwork::review::origin::{Changed, Fix, Lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    // A line that no diff has separates the diffs.
    let mut parts = text.split("\n%%\n");
    let work = parts.next().unwrap_or_default();
    let fix = |change: &str| Fix {
        change: change.to_owned(),
        on_new_base: change.contains('%').then(|| work.to_owned()),
    };
    let fixes: Vec<Fix> = parts.take(4).map(fix).collect();
    let changed = Changed::from_diffs(work, &fixes);
    assert_eq!(changed.fixes.len(), fixes.len());
    assert_eq!(changed.work, Lines::from_diff(work));
    let mut finding = beadwork::review::reply::read(None, &[r#"{"findings":[{"title":"t","file":"a"}]}"#])
        .findings
        .remove(0)
        .finding;
    for line in [None, Some(0), Some(1), Some(7), Some(u32::MAX)] {
        finding.line = line;
        if let Origin::Fix(nth) = changed.origin(&finding) {
            assert!((1..=fixes.len()).contains(&usize::try_from(nth).unwrap()));
        }
    }
});

use std::collections::BTreeSet;

use super::*;
use crate::daemon::repository::GitRepository;
use crate::domain::finding::{Finding, Origin};
use crate::workspace::fixture::Bench;

/// A file of that many lines, some of them in other words.
fn text(lines: u32, other: &[(u32, &str)]) -> String {
    let line = |n: u32| {
        let found = other.iter().find(|(at, _)| *at == n);
        format!("{}\n", found.map_or_else(|| format!("line {n}"), |(_, words)| (*words).to_owned()))
    };
    (1..=lines).map(line).collect()
}

/// The lines of the tip that count as fix 1, after the fix was united with the target in between.
async fn lines_of_the_fix(work: &str, fixed: &str, target: &str, united: &str) -> BTreeSet<u32> {
    let bench = Bench::new();
    let base = bench.commit(&[("x.txt", &text(40, &[]))], "base");
    bench.git(&["checkout", "-q", "-b", "work"]);
    let seen = bench.commit(&[("x.txt", work)], "work");
    bench.commit(&[("x.txt", fixed)], "fix");
    bench.git(&["checkout", "-q", "main"]);
    let onto = bench.commit(&[("x.txt", target)], "another bead");
    bench.git(&["checkout", "-q", "work"]);
    // Whether git could have done it or not, its outcome is as it was resolved.
    bench.try_git(&bench.user(), &["merge", "--no-commit", "main"]);
    let tip = bench.commit(&[("x.txt", united)], "united");
    let (user, quarantine) = (bench.repo().await, bench.quarantine().await);
    for commit in [&base, &seen, &onto, &tip] {
        quarantine.fetch(&user, commit).await.unwrap();
    }
    let repo = GitRepository { user, quarantine };
    let fixes = fixes(&repo, &[&seen, &tip], &onto).unwrap();
    assert!(fixes[0].on_new_base.is_some());
    let changed = Changed::from_diffs(&repo.diff(&onto, &tip).unwrap(), &fixes);
    let finding = |line| Finding { file: Some("x.txt".into()), line: Some(line), ..Finding::default() };
    let of_fix = |line: &u32| changed.origin(&finding(*line)) == Origin::Fix(1);
    (1..=60).filter(of_fix).collect()
}

#[tokio::test]
async fn lines_that_came_with_the_target_are_no_fix() {
    let work = text(40, &[(10, "work"), (12, "work, too")]);
    let fixed = text(40, &[(10, "work"), (12, "fixed")]);
    let long = text(40, &[(1, "t\nt"), (12, "target"), (30, "target")]);
    let cases = [
        // The conflict at line 12 is resolved for the fix; lines 1, 2 and 31 are the target's.
        (long.clone(), text(40, &[(1, "t\nt"), (10, "work"), (12, "fixed"), (30, "target")]), vec![13]),
        // Resolved into something that neither side had.
        (long.clone(), text(40, &[(1, "t\nt"), (10, "work"), (12, "both"), (30, "target")]), vec![13]),
        // Resolved for the target: what the fix did is gone.
        (long, text(40, &[(1, "t\nt"), (10, "work"), (12, "target"), (30, "target")]), vec![]),
        // The one who resolved it wrote something of its own elsewhere.
        (
            text(40, &[(12, "target")]),
            text(40, &[(10, "work"), (12, "fixed"), (35, "while we are here")]),
            vec![12, 35],
        ),
    ];
    for (target, united, expected) in cases {
        let lines = lines_of_the_fix(&work, &fixed, &target, &united).await;
        assert_eq!(lines, expected.into_iter().collect(), "{united}");
    }
}

#[tokio::test]
async fn without_a_conflict_in_between_all_of_the_answer_is_the_fix() {
    let bench = Bench::new();
    let onto = bench.main();
    let seen = bench.commit(&[("x.txt", &text(9, &[]))], "work");
    let tip = bench.commit(&[("x.txt", &text(9, &[(3, "fixed")]))], "fix");
    let (user, quarantine) = (bench.repo().await, bench.quarantine().await);
    for commit in [&seen, &tip] {
        quarantine.fetch(&user, commit).await.unwrap();
    }
    let repo = GitRepository { user, quarantine };
    let fixes = fixes(&repo, &[&seen, &tip], &onto).unwrap();
    assert_eq!((fixes.len(), &fixes[0].on_new_base), (1, &None));
    assert!(fixes[0].change.contains("+fixed") && !fixes[0].change.contains("line 4"));
}

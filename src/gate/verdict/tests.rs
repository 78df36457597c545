use super::*;
use crate::gate::recognise::Recogniser;

fn judged(code: i64, output: &str, change: impl Fn(&mut Facts<'_>)) -> (Verdict, String) {
    let mut recogniser = Recogniser::default();
    output.lines().for_each(|line| recogniser.line(line));
    let recognised = recogniser.finish();
    let mut facts = Facts {
        exit: Exit { code, out_of_memory: false },
        stopped_by_us: false,
        took: Duration::from_secs(5),
        timeout: Duration::from_secs(600),
        output_lost: false,
        memory: 4 << 30,
        recognised: &recognised,
    };
    change(&mut facts);
    let j = judge(&facts);
    (j.verdict, j.hint.map_or(j.why.clone(), |hint| format!("{}; {hint}", j.why)))
}

#[test]
fn t48_facts_in_their_fixed_order() {
    use Verdict::{Broken, Failed, Passed, TimedOut};
    let plain = |_: &mut Facts<'_>| {};
    let oom = |f: &mut Facts<'_>| f.exit.out_of_memory = true;
    let ours = |f: &mut Facts<'_>| f.stopped_by_us = true;
    let late = |f: &mut Facts<'_>| f.took = f.timeout;
    type Change = fn(&mut Facts<'_>);
    let cases: &[(i64, Change, Verdict, &str)] = &[
        (0, plain, Passed, "passed"),
        (1, plain, Failed, "failed: exit code 1"),
        (0, oom, Failed, "failed: out of memory (4096 MiB)"),
        (137, oom, Failed, "failed: out of memory (4096 MiB)"),
        (137, plain, Broken, "ended from outside with code 137"),
        (143, plain, Broken, "ended from outside with code 143"),
        (255, plain, Broken, "ended from outside with code 255"),
        (137, ours, TimedOut, "timed out after 600 s"),
        (0, ours, TimedOut, "timed out after 600 s"),
        (124, late, TimedOut, "timed out after 600 s"),
        (0, late, Passed, "passed"),
        (127, plain, Failed, "failed: exit code 127, its command could not be run"),
        (0, |f| f.output_lost = true, Broken, "its output was lost on the way, so nobody knows what ran"),
        (1, |f| f.output_lost = true, Failed, "failed: exit code 1"),
    ];
    for (code, change, verdict, why) in cases {
        assert_eq!(judged(*code, "", change), (*verdict, (*why).to_owned()));
    }
}

#[test]
fn t16_zero_tests_is_a_failure_and_counts_are_told() {
    let plain = |_: &mut Facts<'_>| {};
    let cases = [
        (0, "Ran 0 tests in 0.0s\n\nOK", Verdict::Failed, "failed: unittest ran no tests"),
        (0, "2 skipped in 0.01s", Verdict::Failed, "failed: pytest ran no tests"),
        (0, "?   \tx\t[no test files]", Verdict::Failed, "failed: go test ran no tests"),
        (0, "3 passed in 0.01s", Verdict::Passed, "passed (pytest: 3 tests)"),
        (1, "1 failed, 2 passed in 0.1s", Verdict::Failed, "failed: exit code 1 (pytest: 3 tests, 1 failed)"),
        (0, "lint is clean", Verdict::Passed, "passed"),
    ];
    for (code, output, verdict, why) in cases {
        assert_eq!(judged(code, output, plain), (verdict, why.to_owned()));
    }
}

#[test]
fn a_failed_fetch_says_that_gates_have_no_network() {
    let plain = |_: &mut Facts<'_>| {};
    let (_, why) = judged(1, "npm error code EAI_AGAIN", plain);
    assert_eq!(
        why,
        "failed: exit code 1; gates have no network: what they need belongs in the project's image"
    );
    let (_, why) = judged(127, "sh: 1: just: not found", plain);
    assert!(
        why.ends_with("; `just` is not in the image; what gates need belongs in the project's image"),
        "{why}"
    );
    // A pass needs no hint.
    assert_eq!(judged(0, "warning: EAI_AGAIN", plain).1, "passed");
}

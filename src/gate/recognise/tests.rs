use proptest::prelude::*;

use super::*;

fn read(output: &str) -> Recognised {
    let mut recogniser = Recogniser::default();
    output.lines().for_each(|line| recogniser.line(line));
    recogniser.finish()
}

/// Closing lines as each runner prints them, and what they say: nothing ran where the text ends in `none`.
const SAMPLES: &[(&str, &str)] = &[
    (
        "..\n----------------------------------------------------------------------\nRan 2 tests in 0.001s\n\nOK\n",
        "unittest: 2 tests",
    ),
    ("Ran 1 test in 0.000s\n\nFAILED (failures=1)\n", "unittest: 1 test, 1 failed"),
    (
        "Ran 3 tests in 0.000s\n\nFAILED (failures=1, errors=1, skipped=1)\n",
        "unittest: 2 tests, 2 failed, 1 skipped",
    ),
    ("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", "unittest: 0 tests none"),
    ("Ran 0 tests in 0.000s\n\nOK\n", "unittest: 0 tests none"),
    ("sss\nRan 3 tests in 0.000s\n\nOK (skipped=3)\n", "unittest: 0 tests, 3 skipped none"),
    ("============================== 3 passed in 0.01s ===============================", "pytest: 3 tests"),
    (
        "=================== 1 failed, 2 passed, 1 warning in 0.12s ====================",
        "pytest: 3 tests, 1 failed",
    ),
    ("3 passed, 1 skipped in 61.20s (0:01:01)", "pytest: 3 tests, 1 skipped"),
    (
        "============================ no tests ran in 0.00s =============================",
        "pytest: 0 tests none",
    ),
    (
        "============================== 2 skipped in 0.01s ==============================",
        "pytest: 0 tests, 2 skipped none",
    ),
    ("===================== 4 deselected in 0.01s ======================", "pytest: 0 tests none"),
    ("=========================== 1 error in 0.09s ============================", "pytest: 1 test, 1 failed"),
    (
        "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n   Doc-tests x\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "cargo test: 5 tests, 1 skipped",
    ),
    (
        "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s",
        "cargo test: 0 tests none",
    ),
    (
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "cargo test: 2 tests, 1 failed",
    ),
    ("     Summary [   0.012s] 5 tests run: 4 passed, 1 failed, 2 skipped", "nextest: 5 tests, 1 failed"),
    ("    Starting 0 tests across 1 binary\nerror: no tests to run", "nextest: 0 tests none"),
    ("ok  \texample.com/a\t0.003s\n?   \texample.com/b\t[no test files]", "go test: tests ran"),
    ("ok  \texample.com/a\t(cached)", "go test: tests ran"),
    ("?   \texample.com/b\t[no test files]", "go test: 0 tests none"),
    (
        "testing: warning: no tests to run\nPASS\nok  \texample.com/a\t0.002s [no tests to run]",
        "go test: 0 tests none",
    ),
    ("\texample.com/a\t\tcoverage: 0.0% of statements", "go test: 0 tests none"),
    ("--- FAIL: TestX (0.00s)\nFAIL\nFAIL\texample.com/a\t0.002s\nFAIL", "go test: tests ran, 1 failed"),
    (
        "TAP version 13\n# Subtest: adds\nok 1 - adds\n1..1\n# tests 5\n# suites 0\n# pass 4\n# fail 0\n# cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 44",
        "node --test: 4 tests, 1 skipped",
    ),
    (
        "ℹ tests 2\nℹ suites 0\nℹ pass 1\nℹ fail 1\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0",
        "node --test: 2 tests, 1 failed",
    ),
    ("1..0\n# tests 0\n# pass 0\n# fail 0", "node --test: 0 tests none"),
    (
        "Test Suites: 1 failed, 1 total\nTests:       1 failed, 1 skipped, 2 passed, 4 total\nSnapshots:   0 total",
        "jest: 3 tests, 1 failed, 1 skipped",
    ),
    ("No tests found, exiting with code 0", "jest: 0 tests none"),
    (" Test Files  1 passed (1)\n      Tests  3 passed (3)\n   Start at  10:00:00", "vitest: 3 tests"),
    (
        " Test Files  1 failed (1)\n      Tests  1 failed | 2 passed | 1 skipped (4)",
        "vitest: 3 tests, 1 failed, 1 skipped",
    ),
    ("No test files found, exiting with code 0", "vitest: 0 tests none"),
    ("  5 passing (12ms)\n  2 pending\n  1 failing\n", "mocha: 6 tests, 1 failed, 2 skipped"),
    ("\n  0 passing (1ms)\n", "mocha: 0 tests none"),
    (
        " 5 pass\n 1 skip\n 0 fail\n 7 expect() calls\nRan 6 tests across 1 file. [10.00ms]",
        "bun test: 5 tests, 1 skipped",
    ),
    (" 0 pass\n 0 fail\nRan 0 tests across 1 files. [3.00ms]", "bun test: 0 tests none"),
    ("ok | 5 passed (2 steps) | 0 failed | 1 ignored (10ms)", "deno test: 5 tests, 1 skipped"),
    ("error: No test modules found", "deno test: 0 tests none"),
    (
        "[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.05 s -- in x.ATest\n[INFO] Results:\n[INFO] \n[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0",
        "surefire: 2 tests",
    ),
    ("[ERROR] Tests run: 3, Failures: 1, Errors: 1, Skipped: 1", "surefire: 2 tests, 2 failed, 1 skipped"),
    ("[INFO] No tests to run.", "surefire: 0 tests none"),
    ("> Task :compileJava\n> Task :app:test\nBUILD SUCCESSFUL in 1s", "gradle: tests ran"),
    ("> Task :test NO-SOURCE", "gradle: 0 tests none"),
    ("> Task :test FAILED\n5 tests completed, 1 failed, 2 skipped", "gradle: 3 tests, 1 failed, 2 skipped"),
    ("100% tests passed, 0 tests failed out of 5\n\nTotal Test time (real) =   0.01 sec", "ctest: 5 tests"),
    ("80% tests passed, 1 tests failed out of 5", "ctest: 5 tests, 1 failed"),
    ("No tests were found!!!", "ctest: 0 tests none"),
    (
        "[==========] 5 tests from 2 test suites ran. (0 ms total)\n[  PASSED  ] 4 tests.\n[  FAILED  ] 1 test, listed below:",
        "googletest: 5 tests, 1 failed",
    ),
    ("[==========] 0 tests from 0 test suites ran. (0 ms total)", "googletest: 0 tests none"),
    ("All tests passed (5 assertions in 2 test cases)", "catch2: 2 tests"),
    ("test cases: 3 | 2 passed | 1 failed\nassertions: 9 | 8 passed | 1 failed", "catch2: 3 tests, 1 failed"),
    ("No tests ran", "catch2: 0 tests none"),
    ("5 examples, 1 failure, 1 pending", "rspec: 4 tests, 1 failed, 1 skipped"),
    ("0 examples, 0 failures", "rspec: 0 tests none"),
    ("5 runs, 5 assertions, 1 failures, 0 errors, 1 skips", "minitest: 4 tests, 1 failed, 1 skipped"),
    (
        "0 tests, 0 assertions, 0 failures, 0 errors, 0 pendings, 0 omissions, 0 notifications",
        "minitest: 0 tests none",
    ),
    (
        "t/a.t .. ok\nAll tests successful.\nFiles=1, Tests=5,  0 wallclock secs ( 0.02 usr  0.00 sys)\nResult: PASS",
        "TAP: 5 tests",
    ),
    ("Files=0, Tests=0,  0 wallclock secs\nResult: NOTESTS", "TAP: 0 tests none"),
    ("1..3\nok 1 adds\nnot ok 2 divides\nok 3 later # skip no tool", "TAP: 2 tests, 1 failed, 1 skipped"),
    ("1..0 # SKIP nothing", "TAP: 0 tests none"),
    ("OK (5 tests, 12 assertions)", "phpunit: 5 tests"),
    ("FAILURES!\nTests: 5, Assertions: 5, Failures: 1, Skipped: 1.", "phpunit: 4 tests, 1 failed, 1 skipped"),
    ("No tests executed!", "phpunit: 0 tests none"),
    (
        "Passed!  - Failed:     0, Passed:     5, Skipped:     1, Total:     6, Duration: 12 ms - X.dll (net8.0)",
        "dotnet test: 5 tests, 1 skipped",
    ),
    (
        "Test summary: total: 5, failed: 1, succeeded: 4, skipped: 0, duration: 0.9s",
        "dotnet test: 5 tests, 1 failed",
    ),
    (
        "No test is available in /work/X.dll. Make sure that test discoverer & executors are registered",
        "dotnet test: 0 tests none",
    ),
    ("1 doctest, 5 tests, 0 failures, 1 skipped", "ExUnit: 5 tests, 1 skipped"),
    ("There are no tests to run", "ExUnit: 0 tests none"),
];

#[test]
fn t16_every_runner_by_its_closing_lines() {
    for (output, expect) in SAMPLES {
        let seen = read(output);
        let none = if seen.ran_nothing().is_some() { " none" } else { "" };
        assert_eq!(format!("{}{none}", seen.summary()), *expect, "for:\n{output}");
    }
}

#[test]
fn ordinary_output_is_no_runner() {
    let ordinary = [
        "",
        "OK",
        "ok",
        "FAILED (x)",
        "All good in 3s",
        "3 passed the exam in 2s",
        "pass",
        "Tests: none",
        "ok computer",
        "Compiling 5 tests",
        "# tests are run below",
        "Summary [x]",
        "> Task :testClasses",
        "Ran away in 2 tests",
        "5 files changed, 3 insertions(+)",
        "not ok",
        "1..many",
        "Total: 5",
        "It found 3 failures in 2s",
    ];
    for line in ordinary {
        assert_eq!(read(line).summary(), "", "{line}");
    }
}

#[test]
fn one_runner_that_ran_nothing_is_found_beside_another_that_ran() {
    let seen = read("3 passed in 0.01s\nRan 0 tests in 0.000s\n\nOK");
    assert_eq!(seen.ran_nothing(), Some(Runner::Unittest));
    let seen = read("Ran 0 tests in 0.000s\n\nOK\nRan 4 tests in 0.000s\n\nOK");
    assert_eq!(seen.ran_nothing(), None);
}

#[test]
fn hints_are_found() {
    for line in [
        "npm error code EAI_AGAIN",
        "fatal: unable to access 'https://x/': Could not resolve host: x",
        "WARNING: Retrying: NewConnectionError: [Errno -3] Temporary failure in name resolution",
        "go: example.com/x@v1: Get \"https://proxy\": dial tcp: lookup proxy: no such host",
        "java.net.UnknownHostException: repo.maven.apache.org",
    ] {
        assert!(read(line).wanted_network, "{line}");
    }
    assert!(!read("the network is fine").wanted_network);
    let cases = [
        ("sh: 1: pytest: not found", Some("pytest")),
        ("bash: line 1: cargo: command not found", Some("cargo")),
        ("/bin/sh: just: not found", Some("just")),
        ("/usr/bin/python3: No module named pytest", Some("pytest")),
        ("file x: not found", None),
        ("ModuleNotFoundError: No module named 'x'", None),
    ];
    for (line, expect) in cases {
        assert_eq!(read(line).missing_program.as_deref(), expect, "{line}");
    }
}

proptest! {
    #[test]
    fn no_output_makes_it_panic(words in prop::collection::vec("(18446744073709551615|[0-9]{1,3}|passed|failed|tests|Tests:|Ran|ok|not ok|1\\.\\.|in|s|total|pass|# tests|Summary \\[|, |=|\t|\\(|> Task :test|examples|assertions, |é)", 0..30)) {
        let text = words.join(" ");
        read(&text).summary();
        read(&words.concat()).summary();
        read(&words.join("\n")).summary();
    }
}

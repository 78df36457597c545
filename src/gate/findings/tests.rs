use proptest::prelude::*;

use super::*;

#[test]
fn places_as_tools_print_them() {
    let cases = [
        (
            "Traceback:\n  File \"/usr/lib/python3.11/unittest/case.py\", line 57, in x\n  File \"/work/tests/test_a.py\", line 12, in test_half",
            Some(("tests/test_a.py", 12)),
        ),
        ("tests/test_a.py:5: AssertionError", Some(("tests/test_a.py", 5))),
        ("error[E0308]: mismatched types\n --> src/gate/mod.rs:3:5", Some(("src/gate/mod.rs", 3))),
        ("thread 'x' panicked at src/lib.rs:7:9:", Some(("src/lib.rs", 7))),
        ("    totals_test.go:12: got 3", Some(("totals_test.go", 12))),
        ("    at Object.<anonymous> (/work/src/a.test.js:3:5)", Some(("src/a.test.js", 3))),
        ("    at file:///work/node_modules/x/a.js:1:1\n    at file:///work/b.mjs:2:1", Some(("b.mjs", 2))),
        ("\tat x.FooTest.half(FooTest.java:21)", Some(("FooTest.java", 21))),
        ("/work/main.c:3:1: error: expected", Some(("main.c", 3))),
        ("see http://localhost:8080 at 12:30:00, ratio 1.5:1", None),
        ("/etc/passwd:1", None),
        ("../../etc/x.py:1", None),
        ("", None),
    ];
    for (text, expect) in cases {
        assert_eq!(place(text), expect.map(|(file, line)| (file.to_owned(), line)), "{text}");
    }
}

#[test]
fn a_finding_is_bounded_and_keeps_the_end() {
    let text = format!("{}\nlast line", "x\n".repeat(50_000));
    let finding = finding("test", "failed: exit code 1", &text, Some("do this"));
    assert!(finding.detail.len() < DETAIL_BYTES + 100);
    assert!(finding.detail.ends_with("last line\n\nHint: do this"));
    assert_eq!(
        (finding.source.as_str(), finding.title.as_str()),
        ("gate:test", "gate `test` failed: exit code 1")
    );
}

proptest! {
    #[test]
    fn no_output_makes_it_panic(text in any::<String>()) {
        finding("t", "failed", &text, None);
        place(&format!("File \"{text}\", line {text}"));
        place(&format!("a.b:{text}"));
    }
}

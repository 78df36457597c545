use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Names {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line.trim()));
    reader.finish()
}

fn failed(text: &str) -> Vec<String> {
    read(text).failed.into_iter().collect()
}

#[test]
fn the_names_of_failures_are_read_from_each_runner() {
    for (text, expected) in [
        ("FAIL: test_add (test_calc.T.test_add)\nFAILED (failures=1)", "test_add (test_calc.T.test_add)"),
        ("FAILED tests/test_a.py::test_x[1] - assert 1 == 2\n1 failed in 0.1s", "tests/test_a.py::test_x[1]"),
        ("tests/test_a.py::test_y FAILED            [ 50%]", "tests/test_a.py::test_y"),
        ("test a::b ... FAILED\ntest result: FAILED. 0 passed; 1 failed", "a::b"),
        ("    FAIL [   0.005s] (2/3) shop totals::rounds", "shop totals::rounds"),
        ("not ok 3 - adds two numbers", "adds two numbers"),
        ("  ● Cart › adds an item", "Cart › adds an item"),
        (" FAIL  src/a.test.ts > cart > adds", "src/a.test.ts > cart > adds"),
        ("rspec ./spec/a_spec.rb:12 # Cart adds", "Cart adds"),
        (
            "[  FAILED  ] Cart.Adds (0 ms)\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] Cart.Adds",
            "Cart.Adds",
        ),
        ("(fail) cart > adds [0.12ms]", "cart > adds"),
        ("\t  2 - cart_adds (Failed)", "cart_adds"),
    ] {
        assert_eq!(failed(text), [expected], "{text}");
    }
}

#[test]
fn a_go_test_carries_its_package() {
    let text = "--- FAIL: TestAdd (0.00s)\n    --- FAIL: TestAdd/two (0.00s)\nFAIL\nFAIL\tshop/cart\t0.1s\n--- PASS: TestAdd (0.0s)\nok  \tshop/till\t0.2s";
    let names = read(text);
    let failed: Vec<&str> = names.failed.iter().map(String::as_str).collect();
    assert_eq!(failed, ["shop/cart", "shop/cart TestAdd", "shop/cart TestAdd/two"]);
    assert!(names.passed.contains("shop/till TestAdd"));
}

#[test]
fn passed_tests_are_known_where_they_are_named() {
    let names = read("test_a (m.T.test_a) ... ok\ntest b::c ... ok\nok 1 - x\nok 2 - y # SKIP why");
    assert_eq!(names.passed.len(), 3, "{names:?}");
}

#[test]
fn ordinary_words_are_no_tests() {
    let text =
        "ERROR: could not find a version\nERROR 404\nFAIL\nFAILED\n--- a/x\nok\nWaiting ... done\n● Console";
    assert_eq!(read(text), Names::default());
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(lines in prop::collection::vec("(FAIL|ok|FAILED|ERROR|test|not ok|--- FAIL)?[: \t\\[\\](]{0,3}\\PC{0,60}", 0..40)) {
        let names = read(&lines.join("\n"));
        prop_assert!(names.failed.len() + names.passed.len() <= MOST);
    }
}

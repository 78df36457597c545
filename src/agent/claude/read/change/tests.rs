use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn an_edit_is_what_differs() {
    let input = json!({ "file_path": "a", "old_string": "x\nold\ny", "new_string": "x\nnew\nmore\ny" });
    assert_eq!(lines(&input), ["- old", "+ new", "+ more"]);
    assert_eq!(lines(&json!({ "file_path": "a", "content": "one\ntwo\n" })), ["+ one", "+ two"]);
    let many = json!({ "edits": [{ "old_string": "a", "new_string": "b" }, { "new_string": "c" }] });
    assert_eq!(lines(&many), ["- a", "+ b", "+ c"]);
    for nothing in [json!({ "command": "ls" }), json!(null), json!([1]), json!({ "content": "no file" })] {
        assert!(lines(&nothing).is_empty(), "{nothing}");
    }
    let long = json!({ "file_path": "a", "content": "l\n".repeat(1000) });
    assert_eq!(lines(&long).len(), MOST + 1);
    assert_eq!(lines(&long).last().unwrap(), "(and 940 more lines)");
}

proptest! {
    #[test]
    fn any_edit_is_shown(old in "[ab\n]{0,20}", new in "[ab\n]{0,20}") {
        let shown = lines(&json!({ "old_string": old, "new_string": new }));
        let count = |sign: &str| shown.iter().filter(|line| line.starts_with(sign)).count();
        let grown = new.lines().count() as i64 - old.lines().count() as i64;
        prop_assert_eq!(count("+") as i64 - count("-") as i64, grown);
    }
}

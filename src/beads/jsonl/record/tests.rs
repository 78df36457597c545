use proptest::prelude::*;

use super::*;

fn changed(line: &str, change: impl FnOnce(&mut Record<'_>)) -> String {
    let mut record = Record::parse(line).unwrap();
    change(&mut record);
    record.render()
}

#[test]
fn an_unchanged_record_is_the_same_text() {
    for line in ["{}", " { } \r", "\u{feff}{\"a\":1}", r#"{ "a" : 2.50 ,"b":[1, 2] , "a":1e3,"\u0061":"<" }"#]
    {
        assert_eq!(changed(line, |_| ()), line);
    }
}

#[test]
fn a_changed_key_leaves_the_others_alone() {
    let line = r#"{ "id":"x" , "n":2.50, "status":"open","x":{"a" : 1e3} } "#;
    assert_eq!(
        changed(line, |r| r.set("status", "\"closed\"".into())),
        r#"{ "id":"x" , "n":2.50, "status":"closed","x":{"a" : 1e3} } "#
    );
}

#[test]
fn new_keys_stand_in_the_struct_order() {
    let line = r#"{"id":"x","title":"t","priority":1,"created_at":"c","labels":["a"],"zz":1}"#;
    let out = changed(line, |r| {
        r.set("comments", "[]".into());
        r.set("status", "\"open\"".into());
        r.set("metadata", "{}".into());
        r.set("_type", "\"issue\"".into());
        r.set("own", "1".into());
    });
    assert_eq!(
        out,
        r#"{"_type":"issue","id":"x","title":"t","status":"open","priority":1,"created_at":"c","metadata":{},"labels":["a"],"comments":[],"zz":1,"own":1}"#
    );
}

#[test]
fn removing_keeps_the_commas_right() {
    assert_eq!(changed(r#"{ "a":1, "b":2,"c":3}"#, |r| r.remove("a")), r#"{ "b":2,"c":3}"#);
    assert_eq!(changed(r#"{"a":1, "b":2}"#, |r| r.remove("b")), r#"{"a":1}"#);
    assert_eq!(changed(r#"{"a":1}"#, |r| r.remove("a")), "{}");
    assert_eq!(changed(r#"{"a":1,"b":0,"a":2}"#, |r| r.remove("a")), r#"{"b":0}"#);
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let line = r#"{"a":1,"a":2}"#;
    assert_eq!(Record::parse(line).unwrap().get("a"), Some("2"));
    assert_eq!(changed(line, |r| r.set("a", "3".into())), r#"{"a":1,"a":3}"#);
}

#[test]
fn what_is_no_object_is_refused() {
    for line in ["", "[]", "x{}", "{", "{\"a\":1}}", "{\"a\":}", "<<<<<<< HEAD", "{}{}", "{\"a\":1"] {
        assert!(Record::parse(line).is_none(), "{line}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics_and_rendering_is_the_identity(line in "[ {}\\[\\]\",:a-c0-9.e\\\\é\u{feff}]{0,60}") {
        if let Some(record) = Record::parse(&line) {
            prop_assert_eq!(record.render(), line);
        }
    }
}

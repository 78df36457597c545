use proptest::prelude::*;

use super::*;

fn ran(code: i32, stdout: &str, stderr: &str) -> Ran {
    Ran { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

fn values(stdout: &str) -> Vec<String> {
    match Answer::of(stdout) {
        Answer::Values(values) => values,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_shapes_and_the_envelope_give_values_on_one_line() {
    assert_eq!(
        values("[\n  {\n    \"id\": \"orc-1\",\n    \"title\": \"a  b\\\" c\"\n  }\n]\n"),
        [r#"{"id":"orc-1","title":"a  b\" c"}"#]
    );
    assert_eq!(values(r#"{"id":"orc-1","schema_version":1}"#), [r#"{"id":"orc-1","schema_version":1}"#]);
    assert_eq!(values(r#"{"data":[{"id":"a"},{"id":"b"}],"schema_version":1}"#).len(), 2);
    assert_eq!(values(r#"{"schema_version":1,"data":{"id":"a"}}"#), [r#"{"id":"a"}"#]);
    // An object that merely has such a key is no envelope.
    assert_eq!(values(r#"{"data":[],"id":"a","schema_version":1}"#).len(), 1);
    assert_eq!(values("[]\n"), Vec::<String>::new());
    assert_eq!(values("null"), Vec::<String>::new());
}

#[test]
fn an_error_is_one_on_either_stream_and_in_the_envelope() {
    let said =
        r#"{"error":"resolving ID orc-zzzz: no issue found matching \"orc-zzzz\"","schema_version":1}"#;
    assert!(matches!(Answer::of(said), Answer::Error(text) if text.contains("orc-zzzz")));
    assert!(matches!(Answer::of(r#"{"data":{"error":"x"},"schema_version":1}"#), Answer::Error(_)));
    assert!(matches!(failure(&ran(1, said, "")), Failure::Unknown(_)));
    let on_stderr = "warning: beads.role not configured.\n{\n  \"error\": \"title is required\"\n}\n";
    assert!(
        matches!(failure(&ran(1, "", on_stderr)), Failure::Other(text) if text.contains("title is required"))
    );
    assert_eq!(failure(&ran(0, "", "")), Failure::Other("it said nothing".to_owned()));
}

#[test]
fn text_where_json_was_asked_for_is_no_success() {
    assert_eq!(Answer::of("No updates specified\n"), Answer::Words("No updates specified".to_owned()));
    assert_eq!(Answer::of(" \n"), Answer::Nothing);
}

#[test]
fn a_lost_claim_is_known_by_its_words_although_the_exit_code_lies() {
    let by = |by: &str| Failure::Claimed { by: by.to_owned() };
    assert_eq!(failure(&ran(0, "", "Error claiming orc-oao: already claimed by worker-1\n")), by("worker-1"));
    assert_eq!(
        failure(&ran(1, "", "Error claiming a: issue already claimed by locked-in\n")),
        by("locked-in")
    );
    let status = failure(&ran(1, "", "Error claiming a: issue not claimable: status closed\n"));
    assert_eq!(status, Failure::NotClaimable { status: "closed".to_owned() });
}

#[test]
fn locks_are_known_by_their_words() {
    for words in [
        "Error: database is locked",
        "Error 1213 (40001): serialization failure",
        "Error 1205: lock wait timeout",
        "cannot write: database is read only",
    ] {
        assert!(matches!(failure(&ran(1, "", words)), Failure::Locked(_)), "{words}");
    }
    assert!(matches!(failure(&ran(1, "", "Error fetching orc-1213: nothing\n")), Failure::Other(_)));
    // Seen: taken for a lock, each guard was tried again six times.
    let guard = "cannot close orc-1fz: blocked by open issues [orc-bbs] (use --force to override)";
    assert!(matches!(failure(&ran(0, "", guard)), Failure::Other(text) if text == guard));
}

proptest! {
    #[test]
    fn any_output_is_taken_without_a_panic(out in ".*", err in ".*", code in -1..3_i32) {
        let _ = Answer::of(&out);
        let _ = failure(&ran(code, &out, &err));
    }

    #[test]
    fn white_space_goes_and_nothing_else(text in "[\\PC\\n\\t\"\\\\]{0,40}") {
        let value = serde_json::json!({ "id": text, "n": [1, { "k": text }] });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(one_line(&pretty), serde_json::to_string(&value).unwrap());
    }
}

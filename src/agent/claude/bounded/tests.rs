use super::*;

fn keys(line: &str) -> Vec<String> {
    parse(line.as_bytes()).unwrap().keys().cloned().collect()
}

#[test]
fn the_known_keys_are_sorted_for_the_search() {
    assert!(KEYS.is_sorted());
}

#[test]
fn only_known_keys_are_kept() {
    assert_eq!(
        keys(r#"{"zzz":[1,{"type":2}],"type":"x","tool_use_result":{"originalFile":"..."}}"#),
        ["type"]
    );
}

#[test]
fn t45_depth_is_refused_where_it_would_be_kept_and_read_over_where_not() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(parse(format!(r#"{{"message":{deep}}}"#).as_bytes()).is_err());
    assert_eq!(keys(&format!(r#"{{"unknown":{deep},"type":"x"}}"#)), ["type"]);
    assert!(parse("{\"a\":".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn t45_nodes_and_bytes_are_bounded() {
    let many = format!(r#"{{"message":{{"content":[{}0]}},"type":"x"}}"#, "[],".repeat(1_000_000));
    let map = parse(many.as_bytes()).unwrap();
    assert_eq!(map["type"], "x");
    assert!(map["message"]["content"].as_array().unwrap().len() <= NODES);

    let names: String = (0..200_000).map(|n| format!("\"{n}\":{n},")).collect();
    let map = parse(format!(r#"{{"usage":{{{names}"z":0}},"type":"x"}}"#).as_bytes()).unwrap();
    assert!(map["usage"].as_object().unwrap().len() <= NODES);

    let texts =
        format!(r#"{{"errors":[{}""],"type":"x"}}"#, format!("\"{}\",", "x".repeat(5000)).repeat(2000));
    let map = parse(texts.as_bytes()).unwrap();
    let kept: usize = map["errors"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().len()).sum();
    assert!(kept <= BYTES, "{kept}");
}

#[test]
fn long_texts_keep_their_beginning_and_their_end() {
    let long = format!("first line\n{}\nBLOCKED: x", "é".repeat(100_000));
    let short = excerpt(&long);
    assert!(short.len() < HEAD + TAIL + 100);
    assert!(short.starts_with("first line\n") && short.ends_with("\nBLOCKED: x"));
    assert!(short.contains(" bytes left out ..."));
    assert_eq!(excerpt("short"), "short");
}

#[test]
fn a_structured_answer_is_kept_whole_or_is_said_to_be_too_long() {
    let text = "x".repeat(100_000);
    let map = parse(format!(r#"{{"structured_output":{{"a":"{text}"}}}}"#).as_bytes()).unwrap();
    assert_eq!(map["structured_output"]["a"], text);
    let text = "x".repeat(ANSWER_BYTES + 1);
    let map = parse(format!(r#"{{"structured_output":{{"a":"{text}"}},"type":"x"}}"#).as_bytes()).unwrap();
    assert!(text::is_excerpt(map["structured_output"].as_str().unwrap()));
}

#[test]
fn half_characters_and_bytes_that_are_no_text_do_not_lose_the_line() {
    let map = parse(br#"{"result":"a\ud83d b\\ud83d \uD83D\uDE00 \udc00"}"#).unwrap();
    assert_eq!(map["result"], "a\u{fffd} b\\ud83d \u{1f600} \u{fffd}");
    let map = parse(b"{\"result\":\"a\xff\xfeb\"}").unwrap();
    assert_eq!(map["result"], "a\u{fffd}\u{fffd}b");
}

#[test]
fn what_is_no_object_says_so() {
    for line in ["", "[1]", "Error: x", "\"{\"", "nul"] {
        assert_eq!(parse(line.as_bytes()), Err(Unreadable::NotJson), "{line}");
    }
    for line in ["{", "{}}", "{\"a\":1} x", "{\"type\":1e999}", "{\"type\":\"\\ud8\"}", "{\"result\":\"\\ud"]
    {
        assert!(matches!(parse(line.as_bytes()), Err(Unreadable::Broken(_))), "{line}");
    }
}

#[test]
fn what_an_agent_says_is_kept_whole_where_other_texts_are_not() {
    let long = "x".repeat(100_000);
    let line = format!(r#"{{"message":{{"content":[{{"text":"{long}","thinking":"{long}"}}]}}}}"#);
    let map = parse(line.as_bytes()).unwrap();
    let block = &map["message"]["content"][0];
    assert_eq!(block["text"], long);
    assert!(block["thinking"].as_str().unwrap().len() < 10_000);
    let longer = "x".repeat(SAID + 1);
    let map = parse(format!(r#"{{"message":{{"text":"{longer}"}}}}"#).as_bytes()).unwrap();
    let kept = map["message"]["text"].as_str().unwrap();
    assert!(kept.len() < 10_000 && text::is_excerpt(kept));
}

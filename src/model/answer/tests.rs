use std::time::Duration;

use proptest::prelude::*;

use super::super::script::ToolCall;
use super::*;

const ASKED: Asked<'static> =
    Asked { place: Place { conversation: 0, turn: 2 }, model: "claude-opus-5-5", stream: true, number: 7 };

fn own() -> Turn {
    Turn {
        thinking: Some("hm".to_owned()),
        text: Some("Grüße \u{1f600}".to_owned()),
        tools: vec![ToolCall { name: "Bash".to_owned(), input: json!({"command": "ls"}) }],
        usage: Tokens {
            input: Some(30),
            output: Some(125),
            cache_read: Some(5000),
            cache_write: Some(2000),
            cache_write_hour: Some(500),
        },
        ..Turn::default()
    }
}

fn events(answer: &Answer) -> Vec<Value> {
    let text = answer.pieces.concat();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// The deltas of a block, put together.
fn joined(events: &[Value], index: u64, key: &str) -> String {
    let own = events.iter().filter(|event| event["index"] == index);
    own.filter_map(|event| event["delta"][key].as_str()).collect()
}

#[test]
fn a_stream_has_the_api_s_order() {
    let events = events(&turn(ASKED, &own()));
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let block = ["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"];
    assert_eq!(
        kinds,
        [&["message_start"][..], &block, &block, &block, &["message_delta", "message_stop"]].concat()
    );
    assert_eq!(events[0]["message"]["usage"]["output_tokens"], 1);
    assert_eq!(joined(&events, 1, "text"), "Grüße \u{1f600}");
    assert_eq!(joined(&events, 2, "partial_json"), r#"{"command":"ls"}"#);
    let delta = &events[events.len() - 2];
    assert_eq!(
        (&delta["delta"]["stop_reason"], &delta["usage"]["output_tokens"]),
        (&"tool_use".into(), &125.into())
    );
    assert_eq!(delta["usage"]["cache_creation"]["ephemeral_5m_input_tokens"], 1500);
    assert!(events.iter().any(|event| event["content_block"]["id"] == "toolu_bw0x2x0"));
}

#[test]
fn a_plain_answer_says_the_same() {
    let answer = turn(Asked { stream: false, ..ASKED }, &own());
    let body: Value = serde_json::from_str(&answer.pieces.concat()).unwrap();
    assert_eq!(body["content"][1]["text"], "Grüße \u{1f600}");
    assert_eq!(
        (&body["content"][2]["input"]["command"], &body["stop_reason"]),
        (&"ls".into(), &"tool_use".into())
    );
    assert_eq!(body["usage"]["cache_read_input_tokens"], 5000);
}

#[test]
fn a_usage_limit_carries_the_headers_of_a_subscription() {
    let limit = Failure::UsageLimit { resets_in: Duration::from_secs(10_800), claim: "seven_day".to_owned() };
    let answer = failure(ASKED, &own(), &limit, DateTime::from_timestamp(1_000_000, 0).unwrap());
    let header =
        |name: &str| answer.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!((answer.status, header("anthropic-ratelimit-unified-reset")), (429, Some("1010800")));
    assert_eq!(header("anthropic-ratelimit-unified-7d-utilization"), Some("1"));
    assert_eq!(header("anthropic-ratelimit-unified-representative-claim"), Some("seven_day"));
}

#[test]
fn cuts_are_where_they_were_asked_for() {
    let now = DateTime::UNIX_EPOCH;
    let whole = turn(ASKED, &own()).pieces.concat();
    let cut = |point| failure(ASKED, &own(), &Failure::CutAfter(point), now);
    let one = cut(Point::Blocks(1));
    assert_eq!(one.end, End::Cut);
    assert_eq!(events(&one).last().unwrap()["type"], "content_block_stop");
    assert_eq!(events(&one).iter().filter(|event| event["type"] == "content_block_start").count(), 1);
    assert_eq!(cut(Point::Blocks(99)).pieces.concat(), whole);
    assert!(cut(Point::Bytes(0)).pieces.is_empty());
    let plain = failure(Asked { stream: false, ..ASKED }, &own(), &Failure::CutAfter(Point::Blocks(1)), now);
    assert!(serde_json::from_str::<Value>(&plain.pieces.concat()).is_err());
}

#[test]
fn failures_look_like_the_api_s() {
    let fail = |failure: Failure| super::failure(ASKED, &own(), &failure, DateTime::UNIX_EPOCH);
    let status = |status| fail(Failure::Status { status, retry_after: Some(3), kind: None, message: None });
    let body: Value = serde_json::from_str(&status(529).pieces.concat()).unwrap();
    assert_eq!((&body["type"], &body["error"]["type"]), (&"error".into(), &"overloaded_error".into()));
    assert!(status(429).headers.contains(&("retry-after".to_owned(), "3".to_owned())));
    assert!(fail(Failure::Credit).pieces[0].contains("credit balance is too low"));
    assert_eq!(
        events(&fail(Failure::SseError { kind: "overloaded_error".to_owned() })).last().unwrap()["type"],
        "error"
    );
    assert_eq!(events(&fail(Failure::Refusal))[1]["delta"]["stop_reason"], "refusal");
    let cut_off = events(&fail(Failure::MaxTokens));
    assert_eq!(joined(&cut_off, 0, "text"), "Grü");
    assert!(!events(&fail(Failure::Empty)).iter().any(|event| event["type"] == "content_block_start"));
}

proptest! {
    #[test]
    fn any_cut_is_a_prefix(bytes in 0_usize..4000) {
        let whole = turn(ASKED, &own()).pieces.concat();
        let cut = failure(ASKED, &own(), &Failure::CutAfter(Point::Bytes(bytes)), DateTime::UNIX_EPOCH).pieces.concat();
        prop_assert!(whole.starts_with(&cut) && cut.len() <= bytes && cut.len() + 4 > bytes.min(whole.len()));
    }
}

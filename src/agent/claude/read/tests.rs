use proptest::prelude::*;

use super::*;
use crate::agent::claude::tests::recordings;
use crate::domain::agent_event::TurnEnd;

fn read(line: &str) -> Vec<AgentEvent> {
    ClaudeReader::default().read(&Line::Whole(line.as_bytes().to_vec()))
}

fn turn(line: &str) -> TurnEnd {
    match read(line).remove(0) {
        AgentEvent::TurnEnd(turn) => *turn,
        other => panic!("expected a turn's end, found {other:?}"),
    }
}

fn tool(name: &str, input: &str) -> String {
    let content = format!(r#"[{{"type":"tool_use","id":"t","name":"{name}","input":{input}}}]"#);
    match read(&format!(r#"{{"type":"assistant","message":{{"content":{content}}}}}"#)).remove(0) {
        AgentEvent::ToolCall { input, .. } => input,
        other => panic!("expected a tool call, found {other:?}"),
    }
}

#[test]
fn a_tool_is_told_in_one_short_line() {
    assert_eq!(tool("Bash", r#"{"command":"\n  cargo test \\\n --all","description":"d"}"#), "cargo test \\");
    assert_eq!(tool("Edit", r#"{"file_path":"/work/a.rs","old_string":"x"}"#), "/work/a.rs");
    assert_eq!(tool("Grep", r#"{"pattern":"fn main","path":"src"}"#), "fn main");
    assert_eq!(tool("Agent", r#"{"description":"look","prompt":"p"}"#), "look");
    assert_eq!(tool("Other", r#"{"x":1}"#), r#"{"x":1}"#);
    assert_eq!(tool("None", "{}"), "");
    assert_eq!(tool("None", "null"), "");
    assert_eq!(tool("Bash", r#"{"command":"echo \u001b[31mred"}"#), "echo red");
    let long = tool("Bash", &format!(r#"{{"command":"{}"}}"#, "x".repeat(1000)));
    assert_eq!((long.chars().count(), long.ends_with('…')), (200, true));
}

#[test]
fn f19_a_result_that_does_not_say_it_is_no_error_is_one() {
    for (mark, is_error) in [
        ("", true),
        (r#","is_error":null"#, true),
        (r#","is_error":"false""#, true),
        (r#","is_error":0"#, true),
        (r#","is_error":true"#, true),
        (r#","is_error":false"#, false),
        (r#","is_error":false,"is_error":true"#, true),
    ] {
        let line = format!(r#"{{"type":"result","subtype":"success"{mark}}}"#);
        assert_eq!(turn(&line).is_error, is_error, "{line}");
    }
}

#[test]
fn wrong_types_and_absurd_figures_become_nothing() {
    let turn = turn(
        r#"{"type":"result","is_error":false,"num_turns":"3","total_cost_usd":-1,"errors":"x","usage":[],
            "modelUsage":{"m":{"inputTokens":1e300,"costUSD":null},"n":7},"model_usage_since_last_result":{},
            "queued_turn_count":-4,"permission_denials":{},"result":{"a":1},"api_error_status":99999,
            "structured_output":null}"#
            .replace('\n', " ")
            .as_str(),
    );
    assert_eq!((turn.turns, turn.cost_total_usd.to_bits(), turn.queued_turns), (0, 0.0_f64.to_bits(), 0));
    assert_eq!(turn.by_model["m"].input, u64::MAX);
    assert_eq!(turn.cost_delta_usd.map(f64::to_bits), Some(0.0_f64.to_bits()));
    assert_eq!((turn.api_status, turn.errors.len(), turn.structured_output), (None, 0, None));
}

#[test]
fn contents_may_be_a_bare_text_or_blocks_of_any_kind() {
    let text = |words: &str| AgentEvent::Text { text: words.into(), nested: false };
    assert_eq!(read(r#"{"type":"assistant","message":{"content":"hi"}}"#), [text("hi")]);
    let mixed =
        r#"{"type":"assistant","message":{"content":[{"type":"image"},7,{"type":"text","text":"a"},{}]}}"#;
    assert_eq!(read(mixed), [text("a")]);
    let result = r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":
        [{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]}]}}"#
        .replace('\n', " ");
    let expected = AgentEvent::ToolReturn { id: "t".into(), ok: true, text: "a\nb".into() };
    assert_eq!(read(&result), [expected]);
}

#[test]
fn a_null_error_is_none_and_filler_is_nobodys_word() {
    let line = r#"{"type":"assistant","error":null,"message":{"content":[{"type":"text","text":"a"}]}}"#;
    assert!(matches!(&read(line)[..], [AgentEvent::Text { .. }]));
    let filler = r#"{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"No response requested."}]}}"#;
    assert_eq!(read(filler), [AgentEvent::Activity { what: "synthetic".into() }]);
}

#[test]
fn limits_are_as_full_as_their_fullest_window() {
    let line =
        r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1795228270.0,
        "rateLimitType":"five_hour","utilization":0.5,"unifiedWindows":{"five_hour":{"utilization":0.5},
        "seven_day":{"utilization":0.97}}}}"#
            .replace('\n', " ");
    let [AgentEvent::RateLimit(limit)] = &read(&line)[..] else { panic!("expected a limit") };
    assert_eq!((limit.resets_at, limit.utilization), (Some(1_795_228_270), Some(0.97)));
}

/// Cumulative figures of one answer, as the API gives them: often only the output is in the last event.
#[test]
fn usage_of_an_answer_is_counted_once() {
    let mut reader = ClaudeReader::default();
    let mut sum = Usage::default();
    for line in [
        r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1","model":"opus","usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}}"#,
        r#"{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":4}},"api_message_id":"m1"}"#,
        r#"{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":9}},"api_message_id":"m1"}"#,
        r#"{"type":"stream_event","event":{"type":"message_stop"},"api_message_id":"m1"}"#,
    ] {
        for event in reader.read(&Line::Whole(line.into())) {
            if let AgentEvent::Usage { model, usage } = event {
                assert_eq!(model, "opus");
                sum += usage;
            }
        }
    }
    assert_eq!(sum, Usage { input: 10, output: 9, cache_read: 5, cache_write: 0 });
}

#[test]
fn t45_what_cannot_be_read_is_told_with_its_line_number() {
    let mut reader = ClaudeReader::default();
    assert_eq!(reader.read(&Line::Whole(Vec::new())), []);
    let [AgentEvent::Unreadable { line: 2, reason }] = &reader.read(&Line::Whole(b"warning: x".to_vec()))[..]
    else {
        panic!("expected an unreadable line 2")
    };
    assert_eq!(reason, "not a JSON object");
    assert!(matches!(
        &reader.read(&Line::TooLong { bytes: 99 })[..],
        [AgentEvent::Unreadable { line: 3, reason }] if reason.contains("99")
    ));
    assert_eq!(reader.read(&Line::Torn { bytes: 5 }), [AgentEvent::Torn { line: 4, bytes: 5 }]);
    let unknown = Line::Whole(br#"{"type":"brand_new","x":1}"#.to_vec());
    assert_eq!(reader.read(&unknown), [AgentEvent::Activity { what: "brand_new".into() }]);
    let untyped = Line::Whole(b"{}".to_vec());
    assert_eq!(reader.read(&untyped), [AgentEvent::Activity { what: "untyped".into() }]);
}

/// A real line with some of its values replaced by something else.
fn mutated() -> impl Strategy<Value = String> {
    let lines: Vec<String> = recordings()
        .into_iter()
        .flat_map(|(_, bytes)| {
            String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let odd = proptest::sample::select(vec![
        "null",
        "true",
        "-1",
        "1e308",
        "\"\"",
        "[]",
        "{}",
        "[[]]",
        "{\"type\":{}}",
        "\"\\ud800\"",
        "18446744073709551615",
    ]);
    (proptest::sample::select(lines), odd, any::<prop::sample::Index>()).prop_map(|(line, odd, at)| {
        let places: Vec<usize> = line.match_indices("\":").map(|(place, _)| place + 2).collect();
        let Some(place) = (!places.is_empty()).then(|| places[at.index(places.len())]) else { return line };
        let end = line[place..].find([',', '}', ']']).map_or(line.len(), |length| place + length);
        format!("{}{odd}{}", &line[..place], &line[end..])
    })
}

proptest! {
    #[test]
    fn t45_any_bytes_are_read_without_a_panic(lines in proptest::collection::vec(
        prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), mutated().prop_map(String::into_bytes)], 0..8,
    )) {
        let mut reader = ClaudeReader::default();
        for line in lines {
            let events = reader.read(&Line::Whole(line));
            prop_assert!(serde_json::to_string(&events).unwrap().len() < 1 << 20);
        }
        prop_assert!(reader.answers.len() <= OPEN_ANSWERS + 1);
    }
}

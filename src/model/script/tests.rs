use super::*;

fn error(text: &str) -> String {
    Script::parse(text).unwrap_err().to_string()
}

fn turn(yaml: &str) -> Turn {
    let script = Script::parse(&format!("conversations: [{{turns: [{yaml}]}}]"))
        .unwrap_or_else(|error| panic!("{yaml}: {error}"));
    script.conversations[0].turns[0].clone()
}

#[test]
fn the_examples_are_read() {
    let examples = [
        include_str!("../../../rehearsals/hello.yaml"),
        include_str!("../../../rehearsals/fix-after-gate.yaml"),
        include_str!("../../../rehearsals/trouble.yaml"),
    ];
    for example in examples {
        Script::parse(example).unwrap();
    }
}

/// Every YAML block in the page on rehearsals that begins with `conversations:` is a script.
#[test]
fn the_page_tells_the_truth() {
    let page = include_str!("../../../docs/rehearsal.md");
    let blocks: Vec<_> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 2);
    for block in blocks {
        Script::parse(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}

#[test]
fn shorthands_become_tool_calls() {
    let turn = turn(
        "{read: a, write: {path: b, text: c}, edit: {path: d, old: e, new: f}, run: g, tools: [{name: Glob}]}",
    );
    let names: Vec<_> = turn.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["Read", "Write", "Read", "Edit", "Bash", "Glob"]);
    assert_eq!(turn.tools[3].input, json!({"file_path": "d", "old_string": "e", "new_string": "f"}));
    assert_eq!(turn.tools[5].input, json!({}));
}

#[test]
fn every_failure_is_read() {
    let cases = [
        ("{status: 529}", Failure::Status { status: 529, retry_after: None, kind: None, message: None }),
        (
            "{status: 429, retry_after: 8, type: rate_limit_error, message: slow}",
            Failure::Status {
                status: 429,
                retry_after: Some(8),
                kind: Some("rate_limit_error".into()),
                message: Some("slow".into()),
            },
        ),
        (
            "{usage_limit: {resets_in: 3h}}",
            Failure::UsageLimit { resets_in: Duration::from_secs(10_800), claim: "five_hour".into() },
        ),
        ("{credit: true}", Failure::Credit),
        ("{sse_error: overloaded_error}", Failure::SseError { kind: "overloaded_error".into() }),
        ("{hang: 90s}", Failure::Hang(Duration::from_secs(90))),
        ("{stall_after: {blocks: 1}}", Failure::StallAfter(Point::Blocks(1))),
        ("{cut_after: {bytes: 300}}", Failure::CutAfter(Point::Bytes(300))),
        ("{garbage: true}", Failure::Garbage),
        ("{html: true}", Failure::Html),
        ("{empty: true}", Failure::Empty),
        ("{refusal: true}", Failure::Refusal),
        ("{max_tokens: true}", Failure::MaxTokens),
    ];
    for (yaml, failure) in cases {
        assert_eq!(
            turn(&format!("{{text: x, fail: {yaml}}}")).fail,
            Some(Fail { times: 1, failure }),
            "{yaml}"
        );
    }
    assert_eq!(turn("{text: x, fail: {status: 500, times: 3}}").fail.unwrap().times, 3);
}

#[test]
fn errors_name_the_place_and_the_nearest_key() {
    let unknown = error("conversations:\n  - turns:\n      - text: a\n        delya: 1s\n");
    assert!(
        unknown.contains("`delya`") && unknown.contains("did you mean `delay`") && unknown.contains("line 4"),
        "{unknown}"
    );
    assert!(error("conversations: [{matches: x, turns: []}]").contains("did you mean `match`"));
    assert_eq!(
        error("conversations: []"),
        "the script has no conversation, expected at least one under `conversations`"
    );
    assert!(error("conversations: [{turns: []}, {match: x, turns: []}]").contains("conversation 1"));
    let at = |turn: &str| error(&format!("conversations: [{{turns: [{{text: x}}, {turn}]}}]"));
    for (turn, words) in [
        ("{}", "nothing is said or done"),
        ("{text: ' '}", "nothing is said or done"),
        ("{text: x, delay: 3}", "`3` is no duration"),
        ("{text: x, delay: 3d}", "`3d` is no duration"),
        ("{text: x, delay: 99999999999999999999h}", "no duration"),
        ("{text: x, fail: {}}", "0 kinds"),
        ("{text: x, fail: {status: 529, html: true}}", "2 kinds"),
        ("{text: x, fail: {status: 200}}", "no failure"),
        ("{text: x, fail: {html: true, retry_after: 1}}", "belong to `status`"),
        ("{text: x, fail: {cut_after: {}}}", "either `bytes` or `blocks`"),
        ("{tools: [{name: Bash, input: ls}]}", "`Bash` is no mapping"),
    ] {
        let text = at(turn);
        assert!(text.starts_with("conversation 1, turn 2: ") && text.contains(words), "{turn}: {text}");
    }
}

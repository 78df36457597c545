use proptest::prelude::*;

use super::*;
use crate::domain::finding::Severity;
use crate::domain::verdict::Verdict;
use crate::review::judge::{Round, judge};
use crate::review::origin::Changed;

const GOOD: &str = r#"{"findings":[{"title":"Half is rounded up","description":"2.5 gives 3","severity":"major","priority":1,"type":"bug","file":"tally/totals.py","line":12,"evidence":"return int(x + .5)"}],"summary":"One defect.","ready":false}"#;

fn texts(text: &str) -> Reply {
    read(None, &[text])
}

fn titles(reply: &Reply) -> Vec<&str> {
    reply.findings.iter().map(|reported| reported.finding.title.as_str()).collect()
}

#[test]
fn reads_what_was_asked_for() {
    let value: Value = serde_json::from_str(GOOD).unwrap();
    let reply = read(Some(&value), &["ignored {\"findings\":[],\"ready\":true}"]);
    assert_eq!(reply, texts(GOOD));
    assert!(reply.readable && reply.unread.is_empty(), "{:?}", reply.unread);
    assert_eq!((reply.summary.as_str(), reply.ready), ("One defect.", Some(false)));
    let Reported { finding, evidence, priority, kind } = &reply.findings[0];
    assert_eq!((*priority, kind.as_str(), evidence.as_str()), (1, "bug", "return int(x + .5)"));
    assert_eq!((finding.file.as_deref(), finding.line), (Some("tally/totals.py"), Some(12)));
    assert_eq!(finding.detail, "2.5 gives 3\n\nEvidence:\nreturn int(x + .5)");
    assert_eq!((finding.severity, finding.source.as_str()), (Severity::Major, "review"));
}

#[test]
fn finds_it_wherever_it_stands() {
    let wrapped = [
        format!("Here is what I found.\n\n```json\n{GOOD}\n```\nThat is all."),
        format!("I looked at {{x}} and [y]: {GOOD} done ]}}"),
        format!("{{\"review\": {GOOD}}}"),
        format!("[{GOOD}]"),
        format!("{{\"type\":\"result\",\"data\":{{\"output\":{GOOD}}}}}"),
        format!("\u{feff}{GOOD}\0\0"),
    ];
    for text in &wrapped {
        let reply = texts(text);
        assert_eq!(titles(&reply), ["Half is rounded up"], "{text}");
        assert!(reply.readable, "{text} {:?}", reply.unread);
    }
    let value = Value::String(GOOD.to_owned());
    assert!(read(Some(&value), &[]).readable);
    // The newest text that holds one counts, and junk in the structured output does not hide it.
    let reply = read(
        Some(&json!({"answer": 42})),
        &["thanks", GOOD, r#"{"findings":[{"title":"old","severity":"minor"}]}"#],
    );
    assert_eq!(titles(&reply), ["Half is rounded up"]);
    assert_eq!(reply.unread, ["the structured output holds no review"]);
}

#[test]
fn an_array_and_several_objects_lose_nothing() {
    let list = texts(r#"[{"title":"a","severity":"minor"},{"title":"b","file":"x.py"}]"#);
    assert_eq!(titles(&list), ["a", "b"]);
    assert!(!list.readable && list.ready.is_none(), "nobody knows whether that was all");
    let two = texts(&format!(
        "{GOOD}\n\nand\n{{\"findings\":[{{\"title\":\"b\",\"severity\":\"note\"}}],\"ready\":true}}"
    ));
    assert_eq!(titles(&two), ["Half is rounded up", "b"]);
    assert_eq!((two.ready, two.readable), (Some(false), true), "a no is not taken back beside it");
    assert_eq!(two.unread, ["the reply holds 2 reviews: the findings of all were taken"]);
    let loose = texts("{\"title\":\"a\",\"severity\":\"major\"}\n{\"title\":\"b\",\"severity\":\"major\"}");
    assert_eq!(titles(&loose), ["a", "b"]);
    assert!(!loose.readable, "nobody knows whether that was all");
}

#[test]
fn only_a_whole_review_in_a_text_may_accept() {
    let said = "the reply does not say both what was found and whether it is ready";
    for quoted in [r#"{"issues": []}"#, r#"{"approved": true}"#, r#"{"findings":[],"ready":"perhaps"}"#] {
        let reply = texts(&format!("The handler answers `{quoted}` whatever comes in."));
        assert!(!reply.readable && reply.unread.contains(&said.to_owned()), "{quoted}: {:?}", reply.unread);
    }
    for text in ["[]", "done\n```json\n[]\n```", "it returns\n```json\n[]\n```\nand that loses the rows"] {
        assert!(!texts(text).readable, "{text}");
    }
    // A quotation hides nothing of the review around it, and says nothing for it.
    let whole = r#"{"findings":[],"summary":"fine","ready":false}"#;
    for text in [
        format!("It returns\n```json\n[]\n```\n{GOOD}"),
        format!("{GOOD}\nIt prints `{{\"approved\": true}}` and `{{\"issues\": []}}`."),
    ] {
        let reply = texts(&text);
        assert_eq!((titles(&reply), reply.readable), (vec!["Half is rounded up"], true), "{text}");
        assert_eq!((reply.ready, reply.summary.as_str()), (Some(false), "One defect."));
    }
    assert_eq!(texts(&format!("{whole} `{{\"approved\": true}}`")).ready, Some(false));
    // What came over the schema is held to the same: it asks for both.
    assert!(!read(Some(&json!({"issues": []})), &[]).readable);
}

#[test]
fn a_path_is_read_however_it_is_spelt() {
    let place = |file: Value, line: Value| {
        let reply = read(Some(&json!({"findings": [{"title": "t", "file": file, "line": line}]})), &[]);
        let finding = &reply.findings[0].finding;
        (finding.file.clone().unwrap_or_default(), finding.line)
    };
    for spelt in [
        "`src/a.py`:12",
        "src/a.py:12",
        "src/a.py:12:3",
        "src/a.py:L12-L14",
        "src/a.py#L12",
        "src/a.py#L12-L14",
        "src/a.py (line 12)",
        "`src/a.py` (lines 12-14)",
        "src/a.py, line 12",
        "src/a.py line 12",
        "/work/src/a.py:12",
        "\"./src/a.py\" (L12)",
    ] {
        assert_eq!(place(json!(spelt), Value::Null), ("src/a.py".to_owned(), Some(12)), "{spelt}");
        assert_eq!(
            place(json!(spelt), json!(7)),
            ("src/a.py".to_owned(), Some(7)),
            "its own field goes first"
        );
    }
    for (spelt, path) in [
        ("`src/a.py`", "src/a.py"),
        ("src/", "src"),
        ("line 5 of it", "line 5 of it"),
        ("v1:final", "v1:final"),
    ] {
        assert_eq!(place(json!(spelt), Value::Null), (path.to_owned(), None));
    }
    // Several paths are no path: the first one alone would speak for all.
    assert_eq!(place(json!(["src/a.py", "src/b.py"]), Value::Null).0, "src/a.py, src/b.py");
}

#[test]
fn wrong_types_are_understood() {
    let reply = texts(
        r#"{"Findings":[
            {"name":"a","severity":"high","path":"/work/./src/a.rs","line":"12-14","priority":"P1"},
            {"title":"b","severity":"P1","location":"src/b.rs:7:3","type":"enhancement"},
            {"title":"c","severity":"blocker","file":"./c.py","lines":[3,9]},
            {"title":"d","severity":"weird","file":null,"line":-4,"priority":"9","unknown":{"deep":[1]}},
            {"message":"first line\nsecond","line":"n/a","severity":null},
            {"title":7,"level":2,"file":"x","line":3.0},
            null, "only words", {}
        ],"ready_to_land":"not ready","summary":["x"]}"#,
    );
    let seen: Vec<_> = reply
        .findings
        .iter()
        .map(|r| {
            let f = &r.finding;
            (f.title.as_str(), f.severity.as_str(), f.file.as_deref(), f.line, r.priority, r.kind.as_str())
        })
        .collect();
    let expected = [
        ("a", "major", Some("src/a.rs"), Some(12), 1, "bug"),
        ("b", "major", Some("src/b.rs"), Some(7), 2, "feature"),
        ("c", "critical", Some("c.py"), Some(3), 1, "bug"),
        ("d", "major", None, None, 2, "bug"),
        ("first line", "major", None, None, 2, "bug"),
        ("7", "minor", Some("x"), Some(3), 3, "bug"),
        ("only words", "major", None, None, 2, "bug"),
    ];
    assert_eq!(seen, expected);
    assert_eq!((reply.ready, reply.readable), (Some(false), true));
    assert_eq!(reply.unread, [r#"the weight "weird" of `d` is unknown: taken for major"#]);
    for none in ["\"none\"", "null", "false", "0", "{}", "\"\""] {
        let reply = texts(&format!("{{\"findings\":{none},\"ready\":\"yes\"}}"));
        assert!(reply.readable && reply.findings.is_empty() && reply.ready == Some(true), "{none}");
    }
    let map = texts(r#"{"findings":{"1":{"title":"a","severity":"low"},"2":{"title":"b"}},"ready":0}"#);
    assert_eq!(titles(&map), ["a", "b"]);
    let one = texts(r#"{"findings":{"title":"a","severity":"low"},"ready":1}"#);
    assert_eq!((titles(&one), one.ready), (vec!["a"], Some(true)));
}

#[test]
fn what_cannot_be_read_is_said() {
    let cases: [(&str, &str); 6] = [
        ("", "the reply is empty"),
        ("All fine, land it!", "no text of the reply holds the JSON that was asked for"),
        (r#"{"findings": 3, "ready": false}"#, "the findings are a number, expected a list"),
        (
            r#"{"findings":[{"severity":"critical","file":"a"}], "ready":false}"#,
            "a finding has no words, only: file, severity",
        ),
        (
            "{\"findings\":[{\"title\":\"\\ud800\"}],\"ready\":true} {\"ready\":true}",
            "a part of the reply is no valid JSON",
        ),
        (r#"{"items":[{"name":"x"}],"version":1}"#, "no text of the reply holds the JSON that was asked for"),
    ];
    for (text, why) in cases {
        let reply = texts(text);
        assert!(!reply.readable, "{text}");
        assert_eq!(reply.unread, [why], "{text}");
    }
    assert_eq!(texts("All fine, land it!").summary, "All fine, land it!");
}

#[test]
fn a_reply_that_is_cut_off_keeps_what_was_whole() {
    let whole = r#"{"ready":true,"findings":[{"title":"a","severity":"critical"},{"title":"b","severity":"minor","description":"long text"}]}"#;
    for end in 1..whole.len() {
        let reply = texts(&format!("So: {}", &whole[..end]));
        assert!(!reply.readable, "{end}");
        if end > 60 {
            assert_eq!(reply.findings[0].finding.title, "a");
            assert_eq!(reply.findings[0].finding.severity, Severity::Critical);
        }
    }
    let reply = texts(&whole[..whole.len() - 8]);
    assert_eq!(titles(&reply), ["a", "b"]);
    assert_eq!(reply.unread, ["the reply is cut off; 2 of its findings could be read"]);
    // A whole one before it does not make it whole.
    let reply = texts(&format!("{GOOD}\nand\n{}", &whole[..whole.len() - 8]));
    assert_eq!(titles(&reply), ["Half is rounded up", "a", "b"]);
    assert!(!reply.readable, "what was cut off may be anything");
}

#[test]
fn t45_whatever_is_quoted_is_bounded_and_clean() {
    let hostile = json!({ "severity": "critical", "\u{1b}]0;owned\u{7}\u{202e}key": 1 });
    let mut items = vec![hostile];
    items.extend((0..50).map(|n| json!({ "title": format!("t{n}"), "severity": "odd" })));
    items.push(json!({ "title": "far", "severity": "minor", "file": format!("src/{}", "d/".repeat(5000)) }));
    let reply = read(Some(&json!({ "findings": items, "ready": false })), &[]);
    assert_eq!(reply.unread.len(), UNREAD + 1);
    assert_eq!(reply.unread[UNREAD], "31 more remarks of this kind");
    assert!(reply.unread[0].contains("key"), "{}", reply.unread[0]);
    let unseen = |text: &String| text.chars().any(crate::domain::text::acts_unseen);
    assert!(!reply.unread.iter().any(unseen), "{:?}", reply.unread);
    let far = reply.findings.last().unwrap().finding.file.clone().unwrap();
    assert!(far.chars().count() <= 301, "{}", far.len());
}

#[test]
fn t45_a_review_may_be_wrapped_and_not_without_end() {
    let wrap = |times: usize| format!("{}{GOOD}{}", "{\"a\":".repeat(times), "}".repeat(times));
    assert!(texts(&wrap(4)).readable);
    assert!(!texts(&wrap(5)).readable && texts(&wrap(5)).findings.is_empty());
}

#[test]
fn t34_nothing_acts_on_a_terminal() {
    let hostile = json!({"findings": [{
        "title": "\u{1b}]0;owned\u{7}\u{202e}evil\u{9b}31m\nsecond",
        "description": "a\u{1b}[2Jb\u{200b}\u{0}c", "severity": "minor",
        "file": "src/\u{1b}[31ma.rs\u{2066}:3",
        "evidence": "\u{90}x\u{9c}y",
    }], "summary": "\u{1b}]8;;http://x\u{7}link", "ready": true});
    let reply = read(Some(&hostile), &[]);
    let Reported { finding, evidence, .. } = &reply.findings[0];
    let all = [&finding.title, &finding.detail, finding.file.as_ref().unwrap(), evidence, &reply.summary];
    for text in all {
        assert!(!text.chars().any(crate::domain::text::acts_unseen), "{text:?}");
        assert!(!text.contains("owned") && !text.contains("http"), "{text:?}");
    }
    assert_eq!((finding.file.as_deref(), finding.line), (Some("src/a.rs"), Some(3)));
    assert_eq!(finding.title, "evil second");
}

#[test]
fn t31_a_flood_is_bounded_and_the_heaviest_stay() {
    let mut items: Vec<Value> = (0..30_000)
        .map(|n| json!({"title": format!("small {n}"), "severity": "note", "description": "x".repeat(40)}))
        .collect();
    items[9_000] = json!({"title": "the one", "severity": "critical", "description": "é".repeat(1 << 20)});
    items[20_000] = json!({"title": "beyond", "severity": "critical"});
    let reply = read(Some(&json!({"findings": items, "ready": true})), &[]);
    assert!(!titles(&reply).contains(&"beyond"), "so far nobody looks");
    assert_eq!(reply.findings.len(), FINDINGS);
    assert_eq!(reply.findings[0].finding.title, "the one");
    assert!(reply.findings[0].finding.detail.len() < 9 << 10);
    assert!(!reply.readable, "what was not looked at may be anything");
    let heavy: Vec<Value> = (0..300)
        .map(|n| json!({"title": format!("t{n}"), "severity": "major", "description": "y".repeat(9_000)}))
        .collect();
    let reply = read(Some(&json!({"findings": heavy})), &[]);
    let details: usize = reply.findings.iter().map(|r| r.finding.detail.len()).sum();
    assert!(details < DETAILS_BYTES + FINDINGS * 600, "{details}");
    assert!(!reply.readable, "material ones were dropped");
}

#[test]
fn brackets_without_end_take_no_time() {
    let text = "[".repeat(3 << 20);
    let reply = texts(&text);
    assert!(!reply.readable);
    assert!(reply.unread.iter().any(|why| why.contains("full of brackets")), "{:?}", reply.unread);
    let reply = texts(&format!("{}{GOOD}", "x".repeat(5 << 20)));
    assert_eq!(titles(&reply), ["Half is rounded up"]);
    assert!(!reply.readable, "what stood before it may be anything");
    assert!(reply.unread[0].starts_with("only the last "), "{:?}", reply.unread);
}

/// Words with all that JSON is made of.
fn prose() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            4 => "[a-z ]{0,8}".prop_map(|text| text),
            1 => prop::sample::select(vec!["{", "}", "[", "]", "\"", "\\", ":", ",", "```json\n", "```", "\n", "{}", "[1]", "{\"a\":", "[\"x\",", "é"]).prop_map(str::to_owned),
        ],
        0..24,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let reply = read(None, &[&text]);
        prop_assert!(reply.findings.len() <= FINDINGS);
        prop_assert!(reply.readable || !reply.unread.is_empty());
    }

    #[test]
    fn any_pieces_of_json_are_read(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"findings\"", "\"title\"", "\"severity\"", "\"ready\"", "null", "true", "\"x\"", "1", "-", "\"", "\\u12",
    ]), 0..60)) {
        let text = pieces.concat();
        let reply = read(None, &[&text]);
        prop_assert!(reply.readable || !reply.unread.is_empty(), "{}", text);
    }

    #[test]
    fn a_valid_reply_is_found_in_any_prose(before in prose(), after in prose()) {
        let reply = texts(&format!("{before}{GOOD}{after}"));
        prop_assert!(titles(&reply).contains(&"Half is rounded up"), "{:?} {:?}", before, after);
        prop_assert!(!reply.readable || reply.ready == Some(false));
    }

    #[test]
    fn any_value_is_read(title in any::<String>(), detail in any::<String>(), file in any::<String>(), line in any::<i64>(), severity in any::<String>()) {
        let value = json!({"findings": [{"title": title, "detail": detail, "file": file, "line": line, "severity": severity}]});
        let reply = read(Some(&value), &[]);
        for Reported { finding, .. } in &reply.findings {
            prop_assert!(finding.title.chars().count() <= 200 && finding.detail.len() < 9 << 10);
            let all = format!("{}{}{}", finding.title, finding.detail, finding.file.clone().unwrap_or_default());
            prop_assert!(!all.replace("\r\n", "\n").chars().any(crate::domain::text::acts_unseen));
        }
    }
}

#[test]
fn what_was_clipped_is_never_accepted_and_says_so() {
    use crate::domain::text::{excerpt, gap};
    let ready = r#"{"findings":[],"summary":"fine","ready":true}"#;
    let long = format!("{GOOD}\n{}\n{ready}", "x".repeat(20_000));
    let clipped = excerpt(&long, 100, 2000);
    let said = "the reply is so long that only its beginning and its end were kept";
    for reply in [
        texts(&clipped),
        // What it said in the end is lost: an older word does not stand for it.
        read(None, &[&excerpt(&"y".repeat(20_000), 100, 100), ready]),
        read(Some(&Value::String(gap(2_000_000))), &[ready]),
    ] {
        assert!(!reply.readable && reply.ready == Some(true), "{reply:?}");
        assert_eq!(reply.unread[0], said);
        let round =
            Round { number: 1, rounds: 3, repeated: false, earlier: &[], changed: &Changed::default() };
        let review = judge(&reply, &round);
        assert_eq!(review.verdict, Verdict::Again);
        assert!(review.reason.contains(said), "{}", review.reason);
    }
    // What came before the whole reply is of no interest, and neither are the words alone.
    assert!(read(None, &[ready, &clipped]).readable);
    assert!(texts(&format!("[... some bytes left out ...] {ready}")).readable);
}

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::agent::claude::Claude;
use crate::agent::claude::tests::recordings;

fn report(name: &str) -> Report {
    let (_, bytes) = recordings().into_iter().find(|(found, _)| found == name).unwrap();
    inspect(&Claude, &bytes)
}

#[test]
fn a_report_says_what_the_stream_says() {
    let tools = report("tools");
    assert_eq!((tools.outcome.as_str(), tools.turns, tools.tool_failures), ("finished", 9, 3));
    assert_eq!(tools.tokens["claude-opus-5-5"].output, 356);
    assert_eq!(tools.tools["Bash"], 4);
    let limit = report("u_oauth_429");
    assert_eq!((limit.outcome.as_str(), limit.resets_at), ("usage_limit", Some(1_795_228_270)));
    let retried = &report("f_529").retries;
    assert_eq!(retried[..], [Retried { error: "overloaded".into(), status: Some(529), times: 2 }]);
    assert_eq!(report("s_tool_INT").outcome, "interrupted");
    assert_eq!(report("s_tool_TERM").outcome, "unfinished");
    assert_eq!(report("subagent").subagents, 1);
}

#[test]
fn a_damaged_file_says_where() {
    let (_, bytes) = recordings().into_iter().find(|(name, _)| name == "basic").unwrap();
    let mut damaged = b"Error: \x1b[31mno such thing\n".to_vec();
    damaged.extend_from_slice(&bytes[..bytes.len() - 10]);
    let report = inspect(&Claude, &damaged);
    assert_eq!((report.outcome.as_str(), report.unreadable, report.lines), ("unfinished", 2, 4));
    let lines: Vec<u64> = report.unreadable_lines.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [1, 4]);
    assert_eq!(inspect(&Claude, b"").outcome, "unfinished");
}

#[test]
fn the_page_for_people() {
    insta::assert_snapshot!("tools", render(&report("tools")));
    insta::assert_snapshot!("usage_limit", render(&report("u_oauth_429")));
    insta::assert_snapshot!("cut", render(&inspect(&Claude, b"{\"type\":\"system\"}\nnot json\n{\"ty")));
}

#[test]
fn t34_the_page_is_clean_and_fits_for_every_recording_and_hostile_words() {
    let hostile = concat!(
        r#"{"type":"system","subtype":"init","session_id":"\u001b]0;x\u0007s\nfake","model":"\u202em"}"#,
        "\n",
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 \u001b[2Jx"},{"type":"tool_use","id":"a","name":"\u009b31mBash\r"}]}}"#,
        "\n"
    );
    let all = recordings().into_iter().map(|(_, bytes)| bytes).chain([hostile.as_bytes().to_vec()]);
    for bytes in all {
        let page = render(&inspect(&Claude, &bytes));
        for line in page.lines() {
            assert!(line.width() <= 80, "{line}");
            assert!(
                !line.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)),
                "{line:?}"
            );
        }
    }
}

//! Every recorded stream of the real client, with the exit code that was measured for it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::agent::claude::Claude;
use crate::agent::stream::Stream;
use crate::agent::{Dialect, End, ExitFacts, StopReason};
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::Ending;
use crate::domain::lines::{Line, LineSplitter};

/// The recordings, by name.
pub(crate) fn recordings() -> Vec<(String, Vec<u8>)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude-streams");
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

fn recording(name: &str) -> Vec<u8> {
    recordings().into_iter().find(|(found, _)| found == name).unwrap().1
}

/// Exit codes as measured: 1 for any error result at the end, 0 for SIGINT, 143 for SIGTERM.
fn exit_code(name: &str) -> i64 {
    match name {
        "s_tool_TERM" => 143,
        "s_tool_INT" => 0,
        "old_int" | "m_budget" | "m_maxturns" | "rv_bad" | "u_noauth" | "u_oauth_429"
        | "u_oauth_429_plain" => 1,
        "f_empty" | "f_maxtok" => 0,
        name if name.starts_with("f_") => 1,
        _ => 0,
    }
}

fn play(bytes: &[u8]) -> Stream {
    let mut stream = Stream::new(&Claude);
    stream.push(bytes, Duration::ZERO);
    stream.finish(Duration::ZERO);
    stream
}

fn end_of(name: &str) -> End {
    let exit = ExitFacts { code: Some(exit_code(name)), ..ExitFacts::default() };
    Claude.outcome(play(&recording(name)).summary(), &exit)
}

#[test]
fn every_recording_is_understood() {
    let mut table = String::new();
    let all = recordings();
    assert_eq!(all.len(), 41);
    for (name, bytes) in all {
        let stream = play(&bytes);
        let summary = stream.summary();
        let end = end_of(&name);
        let usage = summary.spent.usage();
        let tools: Vec<String> =
            summary.tools.iter().map(|(tool, calls)| format!("{tool} {calls}")).collect();
        writeln!(table, "{name}: {:?} - {}", end.ending, end.reason).unwrap();
        writeln!(
            table,
            "    in {} out {} cached {}+{}  ${:.5}  results {} turns {} retries {} fallbacks {} denials {} \
             subagents {} unreadable {}",
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write,
            summary.spent.cost_usd,
            summary.results,
            summary.turns,
            summary.retries,
            summary.fallbacks,
            summary.denials,
            summary.subagents,
            summary.unreadable,
        )
        .unwrap();
        writeln!(table, "    said {:?}  tools {tools:?}  resets {:?}", summary.said(), end.resets_at)
            .unwrap();
    }
    insta::assert_snapshot!("recordings", table);
}

/// The table again, by hand and by class, so that a careless update of the snapshot cannot move one.
#[test]
fn f19_every_recording_ends_in_its_class() {
    let classes: &[(Ending, &[&str])] = &[
        (Ending::Credential, &["f_401", "f_403", "u_noauth"]),
        (Ending::Billing, &["f_credit"]),
        (Ending::UsageLimit, &["u_oauth_429"]),
        (Ending::Outage, &["f_429_ra1", "f_500", "f_529", "f_garbage", "f_refuse", "u_oauth_429_plain"]),
        (Ending::ContextFull, &["f_toolong"]),
        (Ending::Budget, &["m_budget"]),
        (Ending::Failed, &["f_404", "m_maxturns", "rv_bad", "s_tool_INT", "old_int"]),
        (Ending::Infrastructure, &["s_tool_TERM"]),
    ];
    for (name, _) in recordings() {
        let class = classes.iter().find(|(_, names)| names.contains(&name.as_str()));
        let expected = class.map_or(Ending::Finished, |(ending, _)| *ending);
        assert_eq!(end_of(&name).ending, expected, "{name}");
    }
}

/// The recordings that end by our own doing, told so.
#[test]
fn a_stop_of_ours_is_told_as_ours() {
    for (name, code, stop, expected) in [
        ("s_tool_INT", 1, StopReason::User, Ending::Interrupted),
        ("s_tool_INT", 1, StopReason::RunTimeLimit, Ending::RunTimeLimit),
        ("s_tool_TERM", 143, StopReason::ToolLimit, Ending::ToolLimit),
        ("s_tool_TERM", 137, StopReason::User, Ending::Interrupted),
        ("f_403", 1, StopReason::Budget, Ending::Budget),
        ("f_refuse", 1, StopReason::Outage, Ending::Outage),
        ("f_credit", 1, StopReason::Done, Ending::Billing),
        ("basic", 137, StopReason::Done, Ending::Finished),
    ] {
        let exit = ExitFacts { code: Some(code), stopped_by: Some(stop), ..ExitFacts::default() };
        let end = Claude.outcome(play(&recording(name)).summary(), &exit);
        assert_eq!(end.ending, expected, "{name} {stop:?}");
    }
}

#[test]
fn f23_a_break_that_the_client_overcame_is_no_failure() {
    let stream = play(&recording("pf_disc"));
    let failure = stream.summary().failure().unwrap();
    assert!(failure.overcome);
    assert_eq!(failure.error.kind.as_deref(), Some("connection_failed"));
    assert_eq!(end_of("pf_disc").ending, Ending::Finished);
}

#[test]
fn partial_messages_give_true_usage_before_any_result() {
    let bytes = recording("partial");
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let stream = play(&lines[..lines.len() - 1].concat());
    assert_eq!(stream.summary().results, 0);
    let open = stream.summary().spent.usage();
    let all = play(&bytes).summary().spent.usage();
    assert_eq!((open, stream.summary().spent.unbilled().len()), (all, 1));
}

#[test]
fn any_chunking_gives_the_same_events() {
    for (name, bytes) in recordings() {
        let whole = Stream::new(&Claude).push(&bytes, Duration::ZERO);
        for size in [1, 7, 1000] {
            let mut stream = Stream::new(&Claude);
            let parts: Vec<AgentEvent> =
                bytes.chunks(size).flat_map(|chunk| stream.push(chunk, Duration::ZERO)).collect();
            assert_eq!(parts, whole, "{name} in chunks of {size}");
        }
    }
}

#[test]
fn f19_a_stream_cut_anywhere_is_never_a_success() {
    for name in ["basic", "i_interrupt_tool"] {
        let bytes = recording(name);
        let settled: Vec<usize> = ends_of_results(&bytes);
        for cut in 0..bytes.len() {
            let inside_line = cut > 0 && bytes[cut - 1] != b'\n';
            let after_result = settled.iter().any(|end| *end <= cut);
            let stream = play(&bytes[..cut]);
            let end = Claude.outcome(stream.summary(), &ExitFacts { code: Some(0), ..ExitFacts::default() });
            if inside_line || !after_result {
                assert_ne!(end.ending, Ending::Finished, "{name} cut at {cut}");
            }
        }
    }
}

fn ends_of_results(bytes: &[u8]) -> Vec<usize> {
    let mut splitter = LineSplitter::default();
    let (mut at, mut ends) = (0, Vec::new());
    splitter.push(bytes, |line| {
        let Line::Whole(line) = line else { unreachable!("no recording has a long line") };
        at += line.len() + 1;
        if memchr::memmem::find(&line, b"\"type\":\"result\"").is_some() {
            ends.push(at);
        }
    });
    ends
}

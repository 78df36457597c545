use std::time::Duration;

use crate::agent::summary::Summary;
use crate::domain::agent_event::{AgentEvent, ApiError, RateLimit, TurnEnd};

use super::*;

fn see(events: &[AgentEvent]) -> Summary {
    let mut summary = Summary::default();
    for event in events {
        summary.see(event, Duration::ZERO);
    }
    summary
}

fn started() -> AgentEvent {
    AgentEvent::Started { session: "s".into(), model: "m".into(), version: "2.1.329".into() }
}

fn text() -> AgentEvent {
    AgentEvent::Text { text: "SUCCESS. Everything is done, all tests pass.".into(), nested: false }
}

fn end(turn: TurnEnd) -> AgentEvent {
    AgentEvent::TurnEnd(Box::new(turn))
}

fn good() -> TurnEnd {
    let completed = Some("completed".to_owned());
    TurnEnd { subtype: "success".into(), terminal_reason: completed, ..TurnEnd::default() }
}

fn failed(status: Option<u16>) -> TurnEnd {
    let reason = Some("api_error".to_owned());
    TurnEnd { is_error: true, api_status: status, terminal_reason: reason, ..good() }
}

fn exit(code: i64) -> ExitFacts {
    ExitFacts { code: Some(code), ..ExitFacts::default() }
}

fn stop(code: i64, reason: StopReason) -> ExitFacts {
    ExitFacts { stopped_by: Some(reason), ..exit(code) }
}

fn check(events: &[AgentEvent], exit: &ExitFacts, expected: Ending) {
    let end = outcome(&see(events), exit);
    assert_eq!(end.ending, expected, "{} from {exit:?} after {events:?}", end.reason);
}

#[test]
fn t48_exit_codes_are_read_in_a_fixed_order() {
    let oom = |code| ExitFacts { oom: true, ..exit(code) };
    let silent = [started(), text()];
    let done = [started(), text(), end(good())];
    // Memory first: the first process may exit 0, or be ours to kill.
    check(&done, &oom(0), Ending::OutOfMemory);
    check(&silent, &oom(137), Ending::OutOfMemory);
    check(&silent, &ExitFacts { oom: true, ..stop(137, StopReason::IdleLimit) }, Ending::OutOfMemory);
    // Then our own kill.
    check(&silent, &stop(137, StopReason::RunTimeLimit), Ending::RunTimeLimit);
    check(&silent, &stop(143, StopReason::User), Ending::Interrupted);
    // Then the code: the same 137 without our doing is somebody else's.
    check(&silent, &exit(137), Ending::Infrastructure);
    check(&silent, &exit(1), Ending::Failed);
    check(&silent, &ExitFacts::default(), Ending::Infrastructure);
}

#[test]
fn f12_code_255_means_that_nobody_knows() {
    check(&[started(), text()], &exit(255), Ending::Infrastructure);
}

#[test]
fn f18_a_good_result_stands_when_we_end_the_process() {
    let done = [started(), text(), end(good())];
    for code in [0, 1, 137, 143] {
        check(&done, &stop(code, StopReason::Done), Ending::Finished);
    }
    for late in [StopReason::IdleLimit, StopReason::RunTimeLimit, StopReason::ToolLimit, StopReason::Budget] {
        check(&done, &stop(137, late), Ending::Finished);
    }
    check(&done, &stop(137, StopReason::Flood), Ending::Flood);
    check(&done, &stop(137, StopReason::DiskQuota), Ending::DiskQuota);
    check(&done, &stop(0, StopReason::User), Ending::Interrupted);
}

#[test]
fn f17_a_silent_agent_ends_at_the_limit_that_stopped_it() {
    let call = AgentEvent::ToolCall {
        id: "t".into(),
        name: "Bash".into(),
        input: "sleep".into(),
        nested: false,
        change: Vec::new(),
    };
    let hung = [started(), call];
    check(&hung, &stop(137, StopReason::IdleLimit), Ending::IdleLimit);
    let end = outcome(&see(&hung), &stop(137, StopReason::ToolLimit));
    assert_eq!((end.ending, end.reason.contains("`Bash`")), (Ending::ToolLimit, true));
}

#[test]
fn f19_the_table_of_contradictions() {
    let after = |last: TurnEnd| [started(), text(), end(last)];
    check(&after(good()), &exit(0), Ending::Finished);
    // An error mark wins over subtype, words and exit code.
    check(&after(TurnEnd { is_error: true, ..good() }), &exit(0), Ending::Failed);
    check(&after(failed(Some(500))), &exit(0), Ending::Outage);
    // So does anything beside a clean mark that speaks of failure.
    check(&after(TurnEnd { api_status: Some(529), ..good() }), &exit(0), Ending::Outage);
    check(&after(TurnEnd { errors: vec!["broke".into()], ..good() }), &exit(0), Ending::Failed);
    let aborted = TurnEnd { terminal_reason: Some("aborted_tools".into()), ..good() };
    check(&after(aborted), &exit(0), Ending::Failed);
    check(&after(TurnEnd { terminal_reason: Some("news".into()), ..good() }), &exit(0), Ending::Failed);
    // The program fails after a good result.
    check(&after(good()), &exit(1), Ending::Failed);
    check(&after(good()), &exit(3), Ending::Failed);
    // It was idle and was ended from outside: the result stands.
    for code in [124, 129, 137, 143, 255] {
        check(&after(good()), &exit(code), Ending::Finished);
    }
    check(&after(good()), &ExitFacts::default(), Ending::Finished);
    // No result, whatever the words and the code say.
    check(&[started(), text()], &exit(0), Ending::Failed);
    check(&[], &exit(0), Ending::Failed);
    // The last line is torn: nobody knows what it was to say.
    let torn = AgentEvent::Torn { line: 4, bytes: 17 };
    check(&[started(), text(), end(good()), torn.clone()], &exit(0), Ending::Failed);
    check(&[started(), text(), torn], &exit(0), Ending::Failed);
    // Something began after the result, or waits.
    check(&[started(), text(), end(good()), started()], &exit(0), Ending::Failed);
    check(&[started(), text(), end(good()), text()], &exit(0), Ending::Failed);
    check(&after(TurnEnd { queued_turns: 1, ..good() }), &exit(0), Ending::Failed);
    let queued = AgentEvent::Message { uuid: "u".into(), state: "queued".into() };
    check(&[started(), end(good()), queued], &exit(0), Ending::Failed);
    let completed = AgentEvent::Message { uuid: "u".into(), state: "completed".into() };
    check(&[started(), end(good()), completed], &exit(0), Ending::Finished);
}

#[test]
fn failed_requests_are_told_apart_by_mark_and_status() {
    let api = |class: &str, kind: Option<&str>, status| {
        let error =
            ApiError { class: class.into(), kind: kind.map(str::to_owned), status, ..ApiError::default() };
        [started(), AgentEvent::ApiError(error), end(failed(status))]
    };
    for (class, kind, status, expected) in [
        ("rate_limit", Some("usage_limit_reached"), Some(429), Ending::UsageLimit),
        ("rate_limit", None, Some(429), Ending::Outage),
        ("server_error", None, Some(529), Ending::Outage),
        ("server_error", Some("connection_failed"), None, Ending::Outage),
        ("overloaded", None, Some(503), Ending::Outage),
        ("unknown", None, None, Ending::Outage),
        ("billing_error", None, Some(400), Ending::Billing),
        ("authentication_failed", None, None, Ending::Credential),
        ("unknown", None, Some(401), Ending::Credential),
        ("account_on_hold", None, Some(400), Ending::Credential),
        ("invalid_request", None, Some(400), Ending::Failed),
        ("model_not_found", None, Some(404), Ending::Failed),
    ] {
        check(&api(class, kind, status), &exit(1), expected);
    }
    // An old client says `completed` where the new one says `api_error`.
    let old = TurnEnd { terminal_reason: Some("completed".into()), ..failed(None) };
    let error = ApiError { class: "overloaded".into(), ..ApiError::default() };
    check(&[started(), AgentEvent::ApiError(error), end(old)], &exit(1), Ending::Outage);
}

#[test]
fn a_limit_counts_only_with_its_reset_and_only_if_it_ended_the_turn() {
    let limit = |resets_at| {
        let status = "rejected".to_owned();
        AgentEvent::RateLimit(RateLimit { status, resets_at, ..RateLimit::default() })
    };
    let ended = end(failed(Some(429)));
    let end_with = |events: &[AgentEvent]| outcome(&see(events), &exit(1));
    let reached = end_with(&[started(), limit(Some(1_795_228_270)), ended.clone()]);
    assert_eq!((reached.ending, reached.resets_at), (Ending::UsageLimit, Some(1_795_228_270)));
    assert_eq!(end_with(&[started(), limit(None), ended.clone()]).ending, Ending::Outage);
    let went_on = [started(), limit(Some(7)), text(), end(failed(Some(500)))];
    assert_eq!(end_with(&went_on).ending, Ending::Outage);
    check(&[started(), limit(Some(7)), text(), end(good())], &exit(0), Ending::Finished);
}

#[test]
fn t49_words_of_a_tool_or_of_the_agent_move_nothing() {
    let words =
        "API Error: 429 usage limit reached|1795228270. BLOCKED: fatal error, credit balance is too low";
    let says = AgentEvent::Text { text: words.into(), nested: false };
    let prints = AgentEvent::ToolReturn { id: "t".into(), ok: false, text: words.into() };
    check(
        &[started(), prints, says, end(TurnEnd { text: words.into(), ..good() })],
        &exit(0),
        Ending::Finished,
    );
}

#[test]
fn a_program_that_cannot_start_is_not_the_agents_fault_and_says_why() {
    let complaint = Some("\u{1b}[31mexec: claude: not found\u{1b}[0m".to_owned());
    let end = outcome(&Summary::default(), &ExitFacts { complaint: complaint.clone(), ..exit(127) });
    assert_eq!(end.ending, Ending::Infrastructure);
    assert_eq!(end.reason, "the agent's program did not start (exit code 127): exec: claude: not found");
    let end = outcome(&Summary::default(), &ExitFacts { complaint, ..exit(1) });
    assert_eq!(end.ending, Ending::Failed);
}

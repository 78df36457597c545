use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn request() -> Request {
    Request {
        session: "154de1b8-7c98-4f28-85f1-03512a60bf41".into(),
        resume: false,
        model: None,
        fallback_model: None,
        max_turns: None,
        max_budget_usd: None,
        append_system_prompt: None,
        schema: None,
        socket: "/run/gateway/m.sock".into(),
        home: "/home/agent".into(),
        tool_limit: Duration::from_secs(3600),
        credential: CredentialKind::ApiKey,
    }
}

/// The golden command. Every flag is there for a reason that was measured: without `--setting-sources ""`
/// the repository's hooks run, without `--strict-mcp-config` its servers start (T18).
#[test]
fn t18_the_command_is_exactly_this() {
    let command = command(&request());
    let expected = [
        "claude",
        "-p",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
        "--dangerously-skip-permissions",
        "--setting-sources",
        "",
        "--strict-mcp-config",
        "--tools",
        "Bash,Edit,Glob,Grep,NotebookEdit,Read,Task,TaskCreate,TaskGet,TaskList,TaskUpdate,Write",
        "--session-id",
        "154de1b8-7c98-4f28-85f1-03512a60bf41",
    ];
    assert_eq!(command.argv, expected);
    let env: Vec<String> = command.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "ANTHROPIC_API_KEY=beadwork-placeholder",
        "ANTHROPIC_BASE_URL=http://localhost",
        "ANTHROPIC_UNIX_SOCKET=/run/gateway/m.sock",
        "API_TIMEOUT_MS=600000",
        "BASH_DEFAULT_TIMEOUT_MS=600000",
        "BASH_MAX_TIMEOUT_MS=3600000",
        "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS=300000",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY=1",
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS=1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
        "CLAUDE_CODE_MAX_RETRIES=3",
        "DISABLE_AUTOUPDATER=1",
        "DISABLE_ERROR_REPORTING=1",
        "DISABLE_TELEMETRY=1",
        "HOME=/home/agent",
        "LANG=C.UTF-8",
        "TMPDIR=/tmp",
    ];
    assert_eq!(env, expected);
}

#[test]
fn a_resumed_run_names_its_conversation_and_what_was_asked_for() {
    let command = command(&Request {
        resume: true,
        model: Some("sonnet".into()),
        fallback_model: Some("haiku".into()),
        max_turns: Some(40),
        max_budget_usd: Some(2.5),
        append_system_prompt: Some("Two\nlines $(touch CANARY) --dangerous".into()),
        tool_limit: Duration::from_secs(120),
        credential: CredentialKind::OAuth,
        ..request()
    });
    let expected = [
        "--resume",
        "154de1b8-7c98-4f28-85f1-03512a60bf41",
        "--model",
        "sonnet",
        "--fallback-model",
        "haiku",
        "--max-turns",
        "40",
        "--max-budget-usd",
        "2.5",
        "--append-system-prompt",
        "Two\nlines $(touch CANARY) --dangerous",
    ];
    assert_eq!(command.argv[14..], expected);
    assert_eq!(command.env["CLAUDE_CODE_OAUTH_TOKEN"], PLACEHOLDER);
    assert!(!command.env.contains_key("ANTHROPIC_API_KEY"), "with both, the key would win");
    assert_eq!(command.env["BASH_DEFAULT_TIMEOUT_MS"], "120000");
    assert_eq!(command.env["BASH_MAX_TIMEOUT_MS"], "120000");
}

#[test]
fn no_tool_reaches_out_or_stays_behind() {
    for word in ["Cron", "Schedule", "Workflow", "Worktree", "Web", "Monitor", "Remote", "Ask", "Stop"] {
        assert!(!TOOLS.iter().any(|tool| tool.contains(word)), "{word}");
    }
}

#[test]
fn lines_for_stdin_are_as_measured() {
    assert_eq!(
        user_message("a\nb\u{2028}", "u-1", When::AfterTool),
        "{\"message\":{\"content\":\"a\\nb\u{2028}\",\"role\":\"user\"},\"type\":\"user\",\"uuid\":\"u-1\"}\n"
    );
    assert!(user_message("x", "u", When::Now).contains("\"priority\":\"now\""));
    assert_eq!(
        control("r1", "end_session"),
        "{\"request\":{\"subtype\":\"end_session\"},\"request_id\":\"r1\",\"type\":\"control_request\"}\n"
    );
}

proptest! {
    #[test]
    fn t19_any_text_is_one_line_and_arrives_whole(text in any::<String>(), uuid in any::<String>()) {
        let line = user_message(&text, &uuid, When::Now);
        prop_assert_eq!(line.matches(['\n', '\r']).count(), 1);
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(back["message"]["content"].as_str(), Some(text.as_str()));
    }
}

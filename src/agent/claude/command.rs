//! How Claude Code is called and what is written to its stdin.
//!
//! Owns the advised argv and environment, golden-tested: no settings of the repository are read, no server
//! of it is started, nothing runs in the background, no real credential is inside. It quotes nothing, for
//! there is no shell. Start with [`command`].

use std::collections::BTreeMap;

use serde_json::json;

use crate::agent::{Command, CredentialKind, Request, When};

/// What stands where a credential would: it opens nothing and looks like none.
pub const PLACEHOLDER: &str = "beadwork-placeholder";

/// The closed list of tools (rules 13.5). Measured: 2.1.329 gives exactly these. Nothing that reaches the
/// network (there is none), outlives the turn (cron, wake-up, monitor), leaves the clone (worktree) or asks.
pub const TOOLS: [&str; 12] = [
    "Bash",
    "Edit",
    "Glob",
    "Grep",
    "NotebookEdit",
    "Read",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskUpdate",
    "Write",
];

/// Without a timeout of its own a command gets this long; the agent may ask for up to the tool limit.
const BASH_DEFAULT_MS: u128 = 600_000;

pub(super) fn command(request: &Request) -> Command {
    Command { argv: argv(request), env: env(request) }
}

fn argv(request: &Request) -> Vec<String> {
    let mut argv: Vec<String> = [
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
    ]
    .map(str::to_owned)
    .to_vec();
    argv.push(TOOLS.join(","));
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            argv.extend([name.to_owned(), value]);
        }
    };
    option(if request.resume { "--resume" } else { "--session-id" }, Some(request.session.clone()));
    option("--model", request.model.clone());
    option("--fallback-model", request.fallback_model.clone());
    option("--max-turns", request.max_turns.map(|n| n.to_string()));
    option("--max-budget-usd", request.max_budget_usd.map(|usd| usd.to_string()));
    option("--append-system-prompt", request.append_system_prompt.clone());
    option("--json-schema", request.schema.as_ref().map(ToString::to_string));
    argv
}

fn env(request: &Request) -> BTreeMap<String, String> {
    let tool_ms = request.tool_limit.as_millis().max(1);
    let credential = match request.credential {
        CredentialKind::ApiKey => "ANTHROPIC_API_KEY",
        CredentialKind::OAuth => "CLAUDE_CODE_OAUTH_TOKEN",
    };
    let fixed = [
        ("ANTHROPIC_BASE_URL", "http://localhost"),
        ("API_TIMEOUT_MS", "600000"),
        ("CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS", "300000"),
        ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
        ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        // Few: an outage is waited out by us, with the run put aside, not inside a paid container.
        ("CLAUDE_CODE_MAX_RETRIES", "3"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
        ("DISABLE_TELEMETRY", "1"),
        ("LANG", "C.UTF-8"),
        ("TMPDIR", "/tmp"),
        (credential, PLACEHOLDER),
    ];
    let chosen = [
        ("ANTHROPIC_UNIX_SOCKET", request.socket.clone()),
        ("BASH_DEFAULT_TIMEOUT_MS", BASH_DEFAULT_MS.min(tool_ms).to_string()),
        ("BASH_MAX_TIMEOUT_MS", tool_ms.to_string()),
        ("HOME", request.home.clone()),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    fixed.chain(chosen.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
}

pub(super) fn user_message(text: &str, uuid: &str, when: When) -> String {
    let mut message = json!({
        "type": "user",
        "message": { "role": "user", "content": text },
        "uuid": uuid,
    });
    if when == When::Now {
        message["priority"] = json!("now");
    }
    one_line(&message)
}

pub(super) fn control(request_id: &str, subtype: &str) -> String {
    one_line(&json!({
        "type": "control_request",
        "request_id": request_id,
        "request": { "subtype": subtype },
    }))
}

/// A bad line kills the run (measured), so a line is always one whole JSON object.
fn one_line(value: &serde_json::Value) -> String {
    let mut line = value.to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests;

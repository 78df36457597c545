//! The lines of Claude Code's stream that a simulated agent prints.
//!
//! Owns their shapes, as recorded from the real client, and the running figures of a conversation. It decides
//! nothing. Start with [`Voice`].

use std::time::Duration;

use serde_json::{Value, json};

use super::upstream::{Answer, Trouble, status};
use crate::domain::usage::Usage;

/// One agent's way to speak.
pub(super) struct Voice {
    session: String,
    /// Makes ids that differ from every other agent's.
    name: String,
    said: u64,
    total: Usage,
    since: Usage,
    turns: u64,
}

impl Voice {
    pub(super) const MODEL: &'static str = "claude-opus-5-5";

    pub(super) fn new(session: String, name: &str) -> Self {
        let (total, since) = (Usage::default(), Usage::default());
        Self { session, name: name.to_owned(), said: 0, total, since, turns: 0 }
    }

    fn line(&mut self, mut value: Value) -> String {
        self.said += 1;
        value["uuid"] = json!(format!("{}-{}", self.name, self.said));
        value["session_id"] = json!(self.session);
        format!("{value}\n")
    }

    pub(super) fn init(&mut self) -> String {
        self.line(json!({
            "type": "system", "subtype": "init", "model": Self::MODEL, "claude_code_version": "2.1.329",
        }))
    }

    pub(super) fn ping(&mut self) -> String {
        self.line(json!({ "type": "system", "subtype": "status", "status": "requesting" }))
    }

    pub(super) fn tool(&mut self, turn: u64) -> String {
        let call = json!({
            "type": "tool_use", "id": format!("tool-{turn}"), "name": "Bash", "input": { "command": "make" },
        });
        self.assistant(&call)
    }

    pub(super) fn tool_returns(&mut self, turn: u64) -> String {
        let content = json!([{
            "type": "tool_result", "tool_use_id": format!("tool-{turn}"), "content": "ok", "is_error": false,
        }]);
        self.line(json!({ "type": "user", "message": { "role": "user", "content": content } }))
    }

    fn assistant(&mut self, block: &Value) -> String {
        let message = json!({
            "id": format!("msg-{}-{}", self.name, self.said), "role": "assistant", "model": Self::MODEL,
            "content": [block], "usage": { "input_tokens": 1, "output_tokens": 1 },
        });
        self.line(json!({ "type": "assistant", "message": message, "parent_tool_use_id": null }))
    }

    pub(super) fn next_usage(&self, input: u64, output: u64) -> Usage {
        Usage { input, output, cache_read: 4 * input, cache_write: 0 }
    }

    /// An answer with its figures, as partial messages tell them.
    pub(super) fn answer(&mut self, usage: Usage) -> String {
        self.turns += 1;
        self.total += usage;
        self.since += usage;
        let id = format!("msg-{}-{}", self.name, self.said);
        let start = json!({
            "input_tokens": usage.input, "output_tokens": 1, "cache_read_input_tokens": usage.cache_read,
            "cache_creation_input_tokens": usage.cache_write,
        });
        let message =
            json!({ "id": id, "role": "assistant", "model": Self::MODEL, "content": [], "usage": start });
        let event = json!({ "type": "message_start", "message": message });
        let first = self.line(json!({ "type": "stream_event", "event": event, "api_message_id": id }));
        let figures = json!({ "output_tokens": usage.output });
        let event = json!({ "type": "message_delta", "usage": figures });
        let second = self.line(json!({ "type": "stream_event", "event": event, "api_message_id": id }));
        let text = self.assistant(&json!({ "type": "text", "text": "I go on." }));
        format!("{first}{second}{text}")
    }

    pub(super) fn near_limit(&mut self, utilization: f64, resets_at: i64) -> String {
        self.line(json!({ "type": "rate_limit_event", "rate_limit_info": {
            "status": "allowed_warning", "resetsAt": resets_at, "rateLimitType": "five_hour",
            "utilization": utilization, "unifiedWindows": {
                "five_hour": { "utilization": utilization, "resetsAt": resets_at, "status": "allowed_warning" },
            },
        }}))
    }

    pub(super) fn retry(&mut self, attempt: u64, wait: Duration, answer: Answer) -> String {
        let (word, status) = (class(answer), status(answer));
        self.line(json!({
            "type": "system", "subtype": "api_retry", "attempt": attempt, "max_retries": 3,
            "retry_delay_ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "error_status": status, "error": word,
        }))
    }

    /// A request that failed for good, and the error result behind it.
    pub(super) fn fails(&mut self, answer: Answer) -> String {
        let (word, status) = (class(answer), status(answer));
        let mut limit = String::new();
        let mut error = json!({
            "type": "assistant", "parent_tool_use_id": null, "error": word, "is_api_error_message": true,
            "api_error_status": status,
            "message": { "id": format!("error-{}", self.said), "role": "assistant", "model": "<synthetic>",
                "content": [{ "type": "text", "text": words(answer) }] },
        });
        if let Answer::UsageLimit { resets_at } = answer {
            let info = json!({ "status": "rejected", "resetsAt": resets_at, "rateLimitType": "five_hour" });
            limit = self.line(json!({ "type": "rate_limit_event", "rate_limit_info": info }));
            error["api_error"] = json!("usage_limit_reached");
            error["api_error_params"] = json!({ "rate_limit_info": info });
        }
        let error = self.line(error);
        let mut result = self.ending(words(answer), true, "api_error");
        result["api_error_status"] = json!(status);
        let result = self.line(result);
        format!("{limit}{error}{result}")
    }

    pub(super) fn result(&mut self, text: &str) -> String {
        let said = self.assistant(&json!({ "type": "text", "text": text }));
        let result = self.ending(text, false, "completed");
        let result = self.line(result);
        format!("{said}{result}")
    }

    /// A result with the reply that a schema asked for.
    pub(super) fn reply(&mut self, reply: &Value) -> String {
        let mut result = self.ending(&reply.to_string(), false, "completed");
        result["structured_output"] = reply.clone();
        self.line(result)
    }

    pub(super) fn error_result(&mut self) -> String {
        let result = self.ending("it went wrong", true, "error_during_execution");
        self.line(result)
    }

    pub(super) fn too_long(&mut self) -> String {
        let result = self.ending("Prompt is too long", true, "prompt_too_long");
        self.line(result)
    }

    pub(super) fn aborted(&mut self) -> String {
        let result = self.ending("", true, "aborted_streaming");
        self.line(result)
    }

    fn ending(&mut self, text: &str, is_error: bool, reason: &str) -> Value {
        let models = |usage: Usage| {
            json!({ Self::MODEL: { "inputTokens": usage.input, "outputTokens": usage.output,
                "cacheReadInputTokens": usage.cache_read, "cacheCreationInputTokens": usage.cache_write } })
        };
        let result = json!({
            "type": "result", "subtype": "success", "is_error": is_error, "terminal_reason": reason,
            "num_turns": self.turns, "result": text, "total_cost_usd": 0.0, "queued_turn_count": 0,
            "modelUsage": models(self.total), "model_usage_since_last_result": models(self.since),
        });
        self.since = Usage::default();
        result
    }
}

fn class(answer: Answer) -> &'static str {
    match answer {
        Answer::UsageLimit { .. } | Answer::OverBudget | Answer::Wrong(Trouble::Throttled(_)) => "rate_limit",
        Answer::Wrong(Trouble::Unauthorised) => "authentication_failed",
        Answer::Wrong(Trouble::Credit) => "billing_error",
        Answer::Wrong(Trouble::Overloaded) => "overloaded",
        _ => "server_error",
    }
}

fn words(answer: Answer) -> &'static str {
    match answer {
        Answer::UsageLimit { .. } => "You've hit your 5-hour limit",
        Answer::OverBudget => "the run's budget is spent",
        Answer::Wrong(Trouble::Throttled(_)) => "API Error: Rate limited",
        Answer::Wrong(Trouble::Unauthorised) => "Invalid API key",
        Answer::Wrong(Trouble::Credit) => "Credit balance is too low",
        Answer::Wrong(Trouble::Overloaded) => "API Error: Repeated 529 Overloaded errors",
        _ => "API Error: Connection error",
    }
}

//! Which kind of failure an error result tells of.
//!
//! Owns the classes that decide what happens next: wait for a reset, wait out an outage, ask a person about
//! credential or money, begin a new conversation, or count a failed attempt. The classes come from marks and
//! status codes; the client's sentences are only quoted. Start with [`failure`].

use crate::agent::End;
use crate::agent::summary::Summary;
use crate::domain::agent_event::{ApiError, TurnEnd};
use crate::domain::clean::ellipsis;
use crate::domain::event::Ending;

/// Classes of a failed request that a person must settle with the provider.
const CREDENTIAL: [&str; 5] = [
    "authentication_failed",
    "oauth_org_not_allowed",
    "account_on_hold",
    "verification_required",
    "cloud_credential_error",
];

pub(super) fn failure(summary: &Summary, turn: &TurnEnd) -> End {
    let reason = turn.terminal_reason.as_deref().unwrap_or(&turn.subtype);
    let told = words(turn);
    match reason {
        "prompt_too_long" | "blocking_limit" | "rapid_refill_breaker" => {
            return End::of(Ending::ContextFull, quoted("the conversation is too long for the model", &told));
        }
        "budget_exhausted" | "error_max_budget_usd" => {
            return End::of(Ending::Budget, quoted("the budget is used up", &told));
        }
        "max_turns" | "error_max_turns" => {
            return End::of(Ending::Failed, quoted("it used up its turns", &told));
        }
        // Our own interrupts were settled before: this one came from the sandbox, a SIGINT say.
        "aborted_tools" | "aborted_streaming" => {
            return End::of(Ending::Failed, "its turn was interrupted, and not by us");
        }
        _ => {}
    }
    match last_request(summary, turn, reason) {
        Some(request) => api_failure(summary, &request, &told),
        None if !turn.is_error => End::of(Ending::Failed, format!("its turn ended as `{reason}`")),
        None => End::of(Ending::Failed, quoted("the agent's program reports an error", &told)),
    }
}

/// The failed request that ended the turn, if one did.
fn last_request(summary: &Summary, turn: &TurnEnd, reason: &str) -> Option<ApiError> {
    let seen = summary.failure().filter(|failure| !failure.overcome).map(|failure| failure.error.clone());
    let named = turn.api_status.is_some() || reason == "api_error";
    match seen {
        Some(error) => Some(ApiError { status: turn.api_status.or(error.status), ..error }),
        None => named.then(|| ApiError { status: turn.api_status, ..ApiError::default() }),
    }
}

fn api_failure(summary: &Summary, request: &ApiError, told: &str) -> End {
    let limited = request.kind.as_deref() == Some("usage_limit_reached");
    if limited || summary.rejected().is_some() {
        let resets_at = request.resets_at.or_else(|| summary.rejected().and_then(|limit| limit.resets_at));
        let reason = quoted("the account's usage limit is reached", told);
        return End { resets_at, ..End::of(Ending::UsageLimit, reason) };
    }
    if request.class == "billing_error" {
        return End::of(Ending::Billing, quoted("the account cannot pay", told));
    }
    if matches!(request.status, Some(401 | 403)) || CREDENTIAL.contains(&request.class.as_str()) {
        return End::of(Ending::Credential, quoted("the credential was refused", told));
    }
    match request.status {
        None | Some(408 | 429 | 500..) => End::of(Ending::Outage, quoted("the model's API failed", told)),
        Some(status) => {
            End::of(Ending::Failed, quoted(&format!("the model's API refused a request ({status})"), told))
        }
    }
}

/// What the client says about its error, shortened.
fn words(turn: &TurnEnd) -> String {
    let told = if turn.text.is_empty() { turn.errors.join("; ") } else { turn.text.clone() };
    ellipsis(&told, 200)
}

fn quoted(reason: &str, words: &str) -> String {
    if words.is_empty() { reason.to_owned() } else { format!("{reason}: {words}") }
}

//! The words reviewers use for weight, urgency, kind and readiness.
//!
//! Owns the lists, small and closed: what is in none of them is not guessed. Start with [`severity`].

use serde_json::Value;

use crate::domain::finding::Severity;

/// `None`: a word nobody knows.
pub(super) fn severity(value: &Value) -> Option<Severity> {
    let text = match value {
        // As priorities count: 0 and 1 are the heaviest.
        Value::Number(number) => format!("p{}", number.as_f64().filter(|n| (0.0..=4.0).contains(n))?),
        Value::String(text) => word(text),
        _ => return None,
    };
    let text = text.strip_prefix("severity").map_or(text.as_str(), str::trim);
    Some(match text {
        "critical" | "blocker" | "blocking" | "severe" | "fatal" | "catastrophic" | "urgent" | "p0"
        | "s0" | "sev0" | "sev 0" | "0" => Severity::Critical,
        "major" | "high" | "error" | "important" | "serious" | "significant" | "p1" | "s1" | "sev1"
        | "sev 1" | "1" => Severity::Major,
        "minor" | "medium" | "moderate" | "warning" | "warn" | "low" | "small" | "p2" | "p3" | "s2"
        | "s3" | "sev2" | "sev3" | "2" | "3" | "normal" => Severity::Minor,
        "note" | "info" | "informational" | "information" | "nit" | "nitpick" | "trivial" | "suggestion"
        | "style" | "cosmetic" | "none" | "optional" | "p4" | "s4" | "4" => Severity::Note,
        _ => return None,
    })
}

/// 0 to 4.
pub(super) fn priority(value: &Value) -> Option<u8> {
    let text = match value {
        Value::Number(number) => return number.as_f64().filter(|n| (0.0..=4.0).contains(n)).map(|n| n as u8),
        Value::String(text) => word(text),
        _ => return None,
    };
    match text.trim_start_matches('p') {
        "0" | "critical" | "urgent" | "blocker" => Some(0),
        "1" | "high" => Some(1),
        "2" | "medium" | "normal" => Some(2),
        "3" | "low" => Some(3),
        "4" | "lowest" | "backlog" => Some(4),
        _ => None,
    }
}

/// The type of the bead it would become. What holds no work of its own (an epic, a gate) becomes a task.
pub(super) fn kind(value: Option<&Value>) -> &'static str {
    match value.and_then(Value::as_str).map(word).as_deref() {
        Some("feature" | "enhancement" | "improvement") => "feature",
        Some("chore" | "refactor" | "refactoring" | "cleanup" | "style") => "chore",
        Some("task" | "docs" | "documentation" | "test" | "tests" | "epic" | "gate") => "task",
        _ => "bug",
    }
}

pub(super) fn ready(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(ready) => Some(*ready),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match word(text).as_str() {
            "true" | "yes" | "y" | "ready" | "ready to land" | "approve" | "approved" | "accept"
            | "accepted" | "lgtm" | "pass" | "passed" | "ok" | "1" => Some(true),
            "false" | "no" | "n" | "not ready" | "not ready to land" | "reject" | "rejected" | "revise"
            | "request changes" | "changes requested" | "needs work" | "needs changes" | "fail"
            | "failed" | "block" | "blocked" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text where a list of findings should be, that says there are none.
pub(super) fn says_none(text: &str) -> bool {
    matches!(
        word(text).as_str(),
        "" | "none"
            | "no"
            | "no findings"
            | "no issues"
            | "no issues found"
            | "nothing"
            | "na"
            | "n a"
            | "empty"
    )
}

/// How a sentence calls a value of the wrong type.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Lower case, letters and digits, one space between words.
fn word(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    super::super::similar::normalised(&short)
}

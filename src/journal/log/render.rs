//! An agent's event as lines for people.
//!
//! Owns the marks at the beginning of a line and what is worth showing. Without clock and colour, so that
//! the same events give the same page; the words are still to be cleaned. Start with [`render`].

use crate::domain::agent_event::{AgentEvent, RateLimit, TurnEnd};
use crate::domain::clean::ellipsis;

/// Columns of what is told in one line.
const WIDE: usize = 160;

/// The event as one or more lines without a final line end; none where it tells a person nothing.
pub fn render(event: &AgentEvent) -> Option<String> {
    let line = match event {
        AgentEvent::Started { session, model, version } => {
            format!("- session {session}, model {model}, version {version}")
        }
        AgentEvent::Text { text, nested } => return words(text, *nested),
        AgentEvent::Thinking { text } => {
            let thought = ellipsis(text, WIDE);
            return (!thought.is_empty()).then(|| format!("~ {thought}"));
        }
        AgentEvent::ToolCall { name, input, nested, change, .. } => {
            let indent = if *nested { "  " } else { "" };
            let call = if name == "Bash" { format!("$ {input}") } else { format!("> {name} {input}") };
            let change: String = change.iter().map(|line| format!("\n    {line}")).collect();
            format!("{indent}{}{change}", call.trim_end())
        }
        AgentEvent::ToolReturn { ok, text, .. } => tool_return(*ok, text),
        AgentEvent::Retry { attempt, max, delay_ms, status, error } => {
            let status = status.map_or("no answer".to_owned(), |status| status.to_string());
            format!("! request failed ({status} {error}), try {attempt} of {max} after {delay_ms} ms")
        }
        AgentEvent::RateLimit(limit) => return rate_limit(limit),
        AgentEvent::Fallback { from, to } => format!("! model {from} is busy, going on with {to}"),
        AgentEvent::Denied { tool, message } => format!("! {tool} was denied: {}", ellipsis(message, WIDE)),
        AgentEvent::Message { state, .. } if state == "started" => "< our message was read".to_owned(),
        AgentEvent::ApiError(error) => format!("! {}", ellipsis(&error.text, WIDE)),
        AgentEvent::TurnEnd(end) => turn_end(end),
        AgentEvent::Unreadable { line, reason } => format!("? line {line} cannot be read: {reason}"),
        AgentEvent::Torn { line, bytes } => {
            format!("? the output ends inside line {line}, after {bytes} bytes")
        }
        AgentEvent::Usage { .. }
        | AgentEvent::Message { .. }
        | AgentEvent::Control { .. }
        | AgentEvent::Activity { .. } => return None,
    };
    Some(line)
}

fn words(text: &str, nested: bool) -> Option<String> {
    let (first, next) = if nested { ("  » ", "    ") } else { ("» ", "  ") };
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(if index == 0 { first } else { next });
        out.push_str(line.trim_end());
    }
    Some(out)
}

fn tool_return(ok: bool, text: &str) -> String {
    let mark = if ok { "  ok" } else { "  failed" };
    // A ruler of dashes says nothing; the first line with a word in it does.
    let mut words = text.lines().filter(|line| !line.trim().is_empty());
    let first = words.clone().find(|line| line.chars().any(char::is_alphanumeric));
    let first = first.or_else(|| words.next()).unwrap_or_default();
    let first = ellipsis(first, WIDE);
    let more = text.lines().count().saturating_sub(1);
    match (first.is_empty(), more) {
        (true, _) => mark.to_owned(),
        (false, 0) => format!("{mark}: {first}"),
        (false, more) => format!("{mark}: {first} (+{more} lines)"),
    }
}

fn rate_limit(limit: &RateLimit) -> Option<String> {
    let quiet = limit.status == "allowed" && limit.utilization.is_none_or(|share| share < 0.9);
    let which = limit.limit.as_deref().unwrap_or("account");
    let share = limit.utilization.map(|share| format!(", {:.0}% used", share * 100.0)).unwrap_or_default();
    (!quiet).then(|| format!("! {which} limit: {}{share}", limit.status))
}

fn turn_end(end: &TurnEnd) -> String {
    if !end.is_error {
        return format!("= turn ended ({} model calls, {} s)", end.turns, end.duration_ms / 1000);
    }
    let told = if end.text.is_empty() { end.errors.join("; ") } else { end.text.clone() };
    let why = end.terminal_reason.as_deref().unwrap_or(&end.subtype);
    format!("= turn failed ({why}): {}", ellipsis(&told, WIDE))
}

//! Which turn of which conversation a request asks for.
//!
//! Owns finding the place from the request itself: the history a client sends back names it, so retries ask
//! for the same turn again, a resumed session goes on where it stopped, and the client's own fillers move
//! nothing. No counter, no I/O. Start with [`find`].

use serde_json::Value;

use super::script::{REPLY_TOOL, Role, Script, Turn};

/// A place in the script; `turn` is past the end when the script is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) conversation: usize,
    pub(crate) turn: usize,
}

/// The id of a tool call: the history carries it back to us, and it names its turn.
pub(crate) fn tool_id(place: Place, tool: usize) -> String {
    format!("toolu_bw{}x{}x{tool}", place.conversation, place.turn)
}

/// `None` where no conversation matches.
pub(crate) fn find(script: &Script, request: &Value) -> Option<Place> {
    let messages = request["messages"].as_array()?;
    let opening = messages.iter().find(|message| message["role"] == "user").map(said).unwrap_or_default();
    let role = role(request);
    let conversation = script.conversations.iter().position(|candidate| {
        let said = |wanted: &String| opening.iter().any(|text| text.contains(wanted.as_str()));
        candidate.matches.as_ref().is_none_or(said) && candidate.role.is_none_or(|wanted| wanted == role)
    })?;
    let turns = &script.conversations[conversation].turns;
    let mut turn = 0;
    for message in messages.iter().filter(|message| message["role"] == "assistant") {
        for text in said(message) {
            turn = after_text(turns, turn, text);
        }
        for block in message["content"].as_array().into_iter().flatten() {
            if let Some(done) = block["id"].as_str().and_then(|id| turn_of(id, conversation)) {
                turn = turn.max(done.saturating_add(1));
            }
        }
    }
    Some(Place { conversation, turn: turn.min(turns.len()) })
}

/// Only a reviewer has a tool for its reply.
fn role(request: &Value) -> Role {
    let mut tools = request["tools"].as_array().into_iter().flatten();
    if tools.any(|tool| tool["name"] == REPLY_TOOL) { Role::Review } else { Role::Work }
}

/// A text answers a turn only if the turn is nothing but text: one with tools is done when a tool came back.
fn after_text(turns: &[Turn], at: usize, text: &str) -> usize {
    let same = |turn: &Turn| turn.text.as_deref().is_some_and(|own| own.trim() == text.trim());
    let hit = turns.iter().enumerate().skip(at).find(|(_, turn)| same(turn));
    match hit {
        Some((index, turn)) if turn.tools.is_empty() => index + 1,
        _ => at,
    }
}

fn turn_of(id: &str, conversation: usize) -> Option<usize> {
    let mut parts = id.strip_prefix("toolu_bw")?.split('x');
    let own = parts.next()?.parse::<usize>().ok()? == conversation;
    let turn = parts.next()?.parse().ok()?;
    own.then_some(turn)
}

/// The texts of a message, whichever way its content is written.
fn said(message: &Value) -> Vec<&str> {
    match &message["content"] {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;

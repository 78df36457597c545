//! What an answer looks like on the wire, as an event stream or as plain JSON.
//!
//! Owns the form of the Messages API as the client reads it, failures included. Pure: the pieces it makes are
//! sent, delayed, cut or stalled by `serve`. Start with [`Answer`].

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::place::{Place, tool_id};
use super::script::{Failure, Point, Tokens, Turn};

/// An answer ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// Sent one after the other, each on its own.
    pub(crate) pieces: Vec<String>,
    pub(crate) end: End,
}

/// What happens after the last piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Stall,
    Cut,
}

/// What an answer is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) place: Place,
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    /// Number of the request at this server: two answers never share a message id.
    pub(crate) number: u64,
}

/// The model's message, before it is written either way.
struct Message {
    blocks: Vec<Value>,
    stop: &'static str,
    usage: Tokens,
}

/// The turn's own answer.
pub(crate) fn turn(asked: Asked<'_>, turn: &Turn) -> Answer {
    let mut blocks = Vec::new();
    blocks.extend(
        turn.thinking.as_ref().map(|text| json!({"type":"thinking","thinking":text,"signature":"c2NyaXB0"})),
    );
    blocks.extend(turn.text.as_ref().map(|text| json!({"type":"text","text":text})));
    for (at, tool) in turn.tools.iter().enumerate() {
        let id = tool_id(asked.place, at);
        blocks.push(json!({"type":"tool_use","id":id,"name":tool.name,"input":tool.input}));
    }
    let stop = if turn.tools.is_empty() { "end_turn" } else { "tool_use" };
    write(asked, &Message { blocks, stop, usage: turn.usage })
}

/// What is said once the script is used up, or where no conversation matches.
pub(crate) fn nothing_left(asked: Asked<'_>) -> Answer {
    turn(asked, &Turn { text: Some("I have nothing left to do.".to_owned()), ..Turn::default() })
}

/// The failure in the turn's place. `now` dates the reset of a limit.
pub(crate) fn failure(asked: Asked<'_>, own: &Turn, failure: &Failure, now: DateTime<Utc>) -> Answer {
    let said = |blocks, stop| write(asked, &Message { blocks, stop, usage: own.usage });
    match failure {
        Failure::Status { status, retry_after, kind, message } => {
            let (usual_kind, usual_message) = usual(*status);
            let mut answer = error(
                *status,
                kind.as_deref().unwrap_or(usual_kind),
                message.as_deref().unwrap_or(usual_message),
            );
            answer.headers.extend(retry_after.map(|after| ("retry-after".to_owned(), after.to_string())));
            answer
        }
        Failure::UsageLimit { resets_in, claim } => usage_limit(*resets_in, claim, now),
        Failure::Credit => error(400, "invalid_request_error", CREDIT),
        Failure::SseError { kind } => {
            if !asked.stream {
                return error(500, kind, "Scripted failure");
            }
            let mut answer = turn(asked, own);
            answer.pieces.truncate(1);
            let error = json!({"type":"error","error":{"type":kind,"message":"Scripted failure"}});
            answer.pieces.push(event("error", &error));
            answer
        }
        Failure::Hang(_) => Answer { status: 200, headers: Vec::new(), pieces: Vec::new(), end: End::Cut },
        Failure::StallAfter(point) => shorten(turn(asked, own), *point, End::Stall),
        Failure::CutAfter(point) => shorten(turn(asked, own), *point, End::Cut),
        Failure::Garbage => {
            let mut answer = turn(asked, own);
            answer.pieces =
                vec!["event: message_start\ndata: {\"type\":\"message_start\",\"mess\n\n".to_owned()];
            answer
        }
        Failure::Html => Answer {
            status: 200,
            headers: vec![content_type("text/html")],
            pieces: vec!["<html><body><h1>It works!</h1></body></html>".to_owned()],
            end: End::Whole,
        },
        Failure::Empty => said(Vec::new(), "end_turn"),
        Failure::Refusal => said(Vec::new(), "refusal"),
        Failure::MaxTokens => {
            let text = own.text.as_deref().unwrap_or("I was about to");
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            said(vec![json!({"type":"text","text":half})], "max_tokens")
        }
    }
}

/// An error in the API's form.
pub(crate) fn error(status: u16, kind: &str, message: &str) -> Answer {
    let body = json!({"type":"error","error":{"type":kind,"message":message}});
    Answer {
        status,
        headers: vec![content_type("application/json")],
        pieces: vec![body.to_string()],
        end: End::Whole,
    }
}

/// The answer to `count_tokens`: four bytes of the request to a token.
pub(crate) fn count(request_bytes: usize) -> Answer {
    let body = json!({"input_tokens": request_bytes.div_ceil(4)}).to_string();
    Answer {
        status: 200,
        headers: vec![content_type("application/json")],
        pieces: vec![body],
        end: End::Whole,
    }
}

const CREDIT: &str = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.";

fn usual(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("invalid_request_error", "Scripted failure"),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your account does not have permission to use this resource."),
        404 => ("not_found_error", "Not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "Number of request tokens has exceeded your rate limit"),
        529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    }
}

fn usage_limit(resets_in: std::time::Duration, claim: &str, now: DateTime<Utc>) -> Answer {
    let seconds = i64::try_from(resets_in.as_secs()).unwrap_or(i64::MAX);
    let reset = now.timestamp().saturating_add(seconds).to_string();
    let mut answer = error(
        429,
        "rate_limit_error",
        "This request would exceed your account's rate limit. Please try again later.",
    );
    let short = if claim == "five_hour" { "5h" } else { "7d" };
    let window = [
        ("status", "rejected"),
        ("reset", reset.as_str()),
        ("representative-claim", claim),
        ("overage-status", "rejected"),
        ("overage-disabled-reason", "out_of_credits"),
    ];
    let unified = |name: &str, value: &str| (format!("anthropic-ratelimit-unified-{name}"), value.to_owned());
    answer.headers.extend(window.iter().map(|(name, value)| unified(name, value)));
    for (name, value) in [("status", "rejected"), ("reset", reset.as_str()), ("utilization", "1")] {
        answer.headers.push(unified(&format!("{short}-{name}"), value));
    }
    answer
}

fn write(asked: Asked<'_>, message: &Message) -> Answer {
    let id = format!("msg_bw{}x{}r{}", asked.place.conversation, asked.place.turn, asked.number);
    let usage = usage(message);
    let whole = |content: &Value, stop: &Value, usage: &Value| {
        json!({"id":id,"type":"message","role":"assistant","model":asked.model,"content":content,
            "stop_reason":stop,"stop_sequence":null,"usage":usage})
    };
    if !asked.stream {
        let body = whole(&Value::from(message.blocks.clone()), &message.stop.into(), &usage);
        let headers = vec![content_type("application/json")];
        return Answer { status: 200, headers, pieces: vec![body.to_string()], end: End::Whole };
    }
    let mut first = usage.clone();
    first["output_tokens"] = 1.into();
    let start = json!({"type":"message_start","message":whole(&json!([]), &Value::Null, &first)});
    let mut pieces = vec![event("message_start", &start)];
    pieces.extend(message.blocks.iter().enumerate().map(|(index, content)| block(index, content)));
    let delta = json!({"type":"message_delta","delta":{"stop_reason":message.stop,"stop_sequence":null},"usage":usage});
    pieces.push(event("message_delta", &delta) + &event("message_stop", &json!({"type":"message_stop"})));
    Answer { status: 200, headers: vec![content_type("text/event-stream")], pieces, end: End::Whole }
}

/// One content block: opened empty, filled by deltas, closed.
fn block(index: usize, content: &Value) -> String {
    let (empty, deltas) = match content["type"].as_str() {
        Some("thinking") => (
            json!({"type":"thinking","thinking":"","signature":""}),
            vec![
                json!({"type":"thinking_delta","thinking":content["thinking"]}),
                json!({"type":"signature_delta","signature":content["signature"]}),
            ],
        ),
        Some("tool_use") => {
            let empty = json!({"type":"tool_use","id":content["id"],"name":content["name"],"input":{}});
            let parts = halves(&content["input"].to_string());
            (empty, parts.iter().map(|part| json!({"type":"input_json_delta","partial_json":part})).collect())
        }
        _ => {
            let parts = halves(content["text"].as_str().unwrap_or_default());
            (
                json!({"type":"text","text":""}),
                parts.iter().map(|part| json!({"type":"text_delta","text":part})).collect(),
            )
        }
    };
    let start = json!({"type":"content_block_start","index":index,"content_block":empty});
    let mut out = event("content_block_start", &start);
    for delta in deltas {
        out +=
            &event("content_block_delta", &json!({"type":"content_block_delta","index":index,"delta":delta}));
    }
    out + &event("content_block_stop", &json!({"type":"content_block_stop","index":index}))
}

/// Two parts, so that a reader that takes the first for the whole is found out.
fn halves(text: &str) -> [String; 2] {
    let middle = text.chars().count() / 2;
    [text.chars().take(middle).collect(), text.chars().skip(middle).collect()]
}

fn usage(message: &Message) -> Value {
    let made: usize = message.blocks.iter().map(|block| block.to_string().len()).sum();
    let write = message.usage.cache_write.unwrap_or(0);
    let hour = message.usage.cache_write_hour.unwrap_or(0).min(write);
    json!({
        "input_tokens": message.usage.input.unwrap_or(100),
        "output_tokens": message.usage.output.unwrap_or(made.div_ceil(4).max(1) as u64),
        "cache_read_input_tokens": message.usage.cache_read.unwrap_or(0),
        "cache_creation_input_tokens": write,
        "cache_creation": {"ephemeral_5m_input_tokens": write - hour, "ephemeral_1h_input_tokens": hour},
        "service_tier": "standard",
    })
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn content_type(kind: &str) -> (String, String) {
    ("content-type".to_owned(), kind.to_owned())
}

fn shorten(mut answer: Answer, point: Point, end: End) -> Answer {
    match point {
        // The first piece is the message's start.
        Point::Blocks(blocks) if answer.pieces.len() > 1 => answer.pieces.truncate(1 + blocks),
        Point::Blocks(_) => answer.pieces.iter_mut().for_each(|piece| cut(piece, piece.len() / 2)),
        Point::Bytes(mut left) => {
            for piece in &mut answer.pieces {
                let length = left.min(piece.len());
                left -= length;
                cut(piece, length);
            }
            answer.pieces.retain(|piece| !piece.is_empty());
        }
    }
    answer.end = end;
    answer
}

fn cut(piece: &mut String, at: usize) {
    piece.truncate(piece.floor_char_boundary(at));
}

#[cfg(test)]
mod tests;

//! The server's loop: read a request, find its place, send its answer as the script wants it sent.
//!
//! Owns connections, delays, stalls and cuts, and the list of requests seen. What is said is `answer`'s, where
//! in the script is `place`'s. Credentials are kept as digests only. Start with [`serve`].

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer, Asked, End};
use super::place::{self, Place};
use super::script::{Failure, Script};
use crate::clock::Clock;

/// Largest body that is read.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// How many requests are remembered.
const MAX_SEEN: usize = 100_000;

/// One request as the server saw it. Bodies are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenRequest {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Lower-case names; values of credentials and cookies are `sha256:` digests.
    pub headers: Vec<(String, String)>,
    pub body_bytes: usize,
    pub model: String,
    /// Conversation and turn of the script, counted from 0.
    pub place: Option<(usize, usize)>,
    /// The status it was answered with.
    pub status: u16,
}

impl SeenRequest {
    /// The digest under which a credential appears in `headers`.
    pub fn digest(value: &str) -> String {
        let hex: String = Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

pub(super) struct Shared {
    script: Script,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    seen: Vec<SeenRequest>,
    number: u64,
    /// How often a turn has failed already, by session.
    failed: HashMap<(String, Place), u32>,
    record: Option<File>,
}

impl Shared {
    pub(super) fn new(script: Script, record: Option<File>, clock: Arc<dyn Clock>) -> Self {
        let state = State { seen: Vec::new(), number: 0, failed: HashMap::new(), record };
        Self { script, clock, state: Mutex::new(state) }
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    fn remember(&self, seen: SeenRequest) {
        let mut state = self.lock();
        if let Some(record) = &mut state.record {
            let line = serde_json::json!({"at": self.clock.now(), "request": seen});
            // The record is for the reader's eyes; a full disk must not change what the model says.
            let _ = writeln!(record, "{line}");
        }
        if state.seen.len() < MAX_SEEN {
            state.seen.push(seen);
        }
    }
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, Arc::clone(&shared)))),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Pieces are meant to arrive one by one.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { respond(&shared, request).await }
    });
    // Clients come and go, and cuts are on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// An error closes the connection without a word.
async fn respond(shared: &Shared, request: Request<Incoming>) -> std::io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string);
    let body = Limited::new(body, MAX_BODY).collect().await.map(http_body_util::Collected::to_bytes);
    let body = body.unwrap_or_default();
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let reply = match (&head.method, head.uri.path()) {
        (&Method::POST, "/v1/messages") if parsed.is_object() => decide(shared, &head.headers, &parsed),
        (&Method::POST, "/v1/messages/count_tokens") if parsed.is_object() => {
            Reply::plain(answer::count(body.len()))
        }
        (&Method::POST, "/v1/messages" | "/v1/messages/count_tokens") => {
            Reply::plain(answer::error(400, "invalid_request_error", "The request body is not valid JSON"))
        }
        _ => Reply::plain(answer::error(404, "not_found_error", "Not found")),
    };
    shared.remember(SeenRequest {
        method: head.method.to_string(),
        target,
        headers: named(&head.headers),
        body_bytes: body.len(),
        model: parsed["model"].as_str().unwrap_or_default().to_owned(),
        place: reply.place.map(|place| (place.conversation, place.turn)),
        status: reply.answer.status,
    });
    tokio::time::sleep(reply.delay).await;
    send(reply.answer)
}

struct Reply {
    answer: Answer,
    place: Option<Place>,
    delay: Duration,
}

impl Reply {
    fn plain(answer: Answer) -> Self {
        Self { answer, place: None, delay: Duration::ZERO }
    }
}

fn decide(shared: &Shared, headers: &HeaderMap, request: &Value) -> Reply {
    let place = place::find(&shared.script, request);
    let mut state = shared.lock();
    state.number += 1;
    let asked = Asked {
        place: place.unwrap_or(Place { conversation: shared.script.conversations.len(), turn: 0 }),
        model: request["model"].as_str().unwrap_or_default(),
        stream: request["stream"].as_bool().unwrap_or(false),
        number: state.number,
    };
    let turns = place.map(|place| &shared.script.conversations[place.conversation].turns);
    let Some((turn, place)) =
        turns.zip(place).and_then(|(turns, place)| Some((turns.get(place.turn)?, place)))
    else {
        return Reply { answer: answer::nothing_left(asked), place, delay: Duration::ZERO };
    };
    if let Some(fail) = &turn.fail {
        let failed = state.failed.entry((session(headers, request), place)).or_default();
        if *failed < fail.times {
            *failed += 1;
            let delay = if let Failure::Hang(time) = fail.failure { turn.delay + time } else { turn.delay };
            let answer = answer::failure(asked, turn, &fail.failure, shared.clock.now());
            return Reply { answer, place: Some(place), delay };
        }
    }
    Reply { answer: answer::turn(asked, turn), place: Some(place), delay: turn.delay }
}

/// Who asks: parallel runs of one script fail independently.
fn session(headers: &HeaderMap, request: &Value) -> String {
    let header = headers.get("x-claude-code-session-id").and_then(|value| value.to_str().ok());
    header.or(request["metadata"]["user_id"].as_str()).unwrap_or_default().to_owned()
}

fn named(headers: &HeaderMap) -> Vec<(String, String)> {
    let secret = ["authorization", "x-api-key", "cookie", "proxy-authorization"];
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let text = if secret.contains(&name.as_str()) { SeenRequest::digest(&text) } else { text };
        (name.as_str().to_owned(), text)
    };
    headers.iter().map(shown).collect()
}

fn send(answer: Answer) -> std::io::Result<Response<Body>> {
    let end = answer.end;
    if end == End::Cut && answer.pieces.is_empty() {
        return Err(cut());
    }
    let pieces = stream::iter(answer.pieces).then(|piece| async move {
        // A pause lets each piece go out on its own.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Frame::data(Bytes::from(piece)))
    });
    let tail = stream::once(async move {
        match end {
            End::Whole => None,
            End::Stall => std::future::pending().await,
            End::Cut => {
                // What was said before the cut is to arrive: a body's error drops what is not yet flushed.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some(Err(cut()))
            }
        }
    });
    let body = pieces.chain(tail.filter_map(std::future::ready));
    let mut response = Response::new(UnsyncBoxBody::new(StreamBody::new(body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    let id = HeaderValue::from_static("req_beadwork_script");
    response.headers_mut().insert("request-id", id);
    Ok(response)
}

fn cut() -> std::io::Error {
    std::io::Error::other("cut on purpose")
}

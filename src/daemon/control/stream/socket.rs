//! The same streams over a WebSocket, with a way back: words for a run.
//!
//! Owns the messages: `{"id","event","data"}` out, `{"input": {..}}` in. What a message to a run does is `hand`'s. Start with
//! [`routes`].

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cursor::Subject;
use super::place::Place;
use super::reading::{Next, Reading};
use crate::daemon::control::problem::Problem;
use crate::daemon::control::projects::site;
use crate::daemon::control::{Desk, hand};
use crate::daemon::hand::Ask;
use crate::domain::ids::BeadId;
use crate::feed::web::extract::Query;

/// No message to a run is longer.
const LONGEST: usize = 256 << 10;
/// A peer that takes nothing for so long is gone.
const STALLED: Duration = Duration::from_secs(30);

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(socket))
}

/// What is told, and from where on.
#[derive(Debug, Deserialize, Default, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only what came after this id. Without it: from now on.
    since: Option<String>,
    /// With `bead`: that bead's work with what its agents say, instead of everything.
    project: Option<String>,
    bead: Option<String>,
}

/// A message of the peer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    input: Input,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    project: String,
    run: String,
    text: String,
    #[serde(default)]
    now: bool,
}

/// The same as the streams, as a WebSocket that also takes words for a run
#[utoipa::path(get, path = "/api/ws", tag = "streams", params(Wanted),
    responses((status = SWITCHING_PROTOCOLS, description = "Messages are `{\"id\",\"event\",\"data\"}`; in goes `{\"input\": {\"project\",\"run\",\"text\",\"now\"}}`")))]
async fn socket(
    State(desk): State<Desk>,
    Query(wanted): Query<Wanted>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    let from = wanted
        .since
        .as_deref()
        .map(|text| Place::parse(text).ok_or_else(|| Problem::wrong("`since` is no id of a stream")));
    let subject = match (&wanted.project, &wanted.bead) {
        (None, None) => Subject::default(),
        (Some(project), Some(bead)) => {
            let site = site(&desk, project).await?;
            let bead = BeadId::new(bead);
            site.tracker.show(&bead).await?;
            Subject { project: Some(site.id), bead: Some(bead), run: None }
        }
        _ => return Err(Problem::wrong("`project` and `bead` are given together")),
    };
    let reading = Reading::begin(&desk.streams, subject, from.transpose()?, desk.guard.voided()).await?;
    Ok(upgrade
        .max_message_size(LONGEST)
        .max_frame_size(LONGEST)
        .on_upgrade(move |peer| talk(desk, peer, reading)))
}

async fn talk(desk: Desk, mut peer: WebSocket, mut reading: Reading) {
    loop {
        tokio::select! {
            next = reading.next() => {
                let messages = match next {
                    None => break,
                    Some(Next::Beat) => vec![Message::Ping(bytes::Bytes::new())],
                    Some(Next::Frames(frames)) => messages(&frames),
                };
                for message in messages {
                    let sent = tokio::time::timeout(STALLED, peer.send(message)).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return;
                    }
                }
            }
            heard = peer.recv() => {
                let Some(Ok(heard)) = heard else { return };
                let answer = match heard {
                    Message::Text(text) => take(&desk, text.as_str()).await,
                    Message::Close(_) => return,
                    _ => continue,
                };
                if peer.send(Message::Text(answer.to_string().into())).await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = peer.send(Message::Close(None)).await;
}

/// What is said to a run goes the way of every other message to it.
async fn take(desk: &Desk, text: &str) -> serde_json::Value {
    let said: Incoming = match serde_json::from_str(text) {
        Ok(said) => said,
        Err(error) => return json!({ "event": "problem", "data": { "detail": error.to_string() } }),
    };
    let Input { project, run, text, now } = said.input;
    match hand::lay(desk, (project, run), Ask::Send { text, now }).await {
        Ok((_, taken)) => json!({ "event": "accepted", "data": taken.0 }),
        Err(problem) => {
            json!({ "event": "problem", "data": { "detail": problem.detail, "hints": problem.hints } })
        }
    }
}

/// Frames of server-sent events as one message each.
fn messages(frames: &[u8]) -> Vec<Message> {
    let text = String::from_utf8_lossy(frames);
    let frames = text.split("\n\n").filter_map(|frame| {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let (kind, id, data) = (field("event: ")?, field("id: ")?, field("data: ")?);
        Some(Message::Text(format!("{{\"id\":\"{id}\",\"event\":\"{kind}\",\"data\":{data}}}").into()))
    });
    frames.collect()
}

#[cfg(test)]
mod tests;

//! Server-sent events: the journal as it grows, and one bead's work with what its agent says.
//!
//! Owns the order on a stream: what the journal has since `since` (or `Last-Event-ID`), then what comes, each
//! event once and with its number; comments keep a silent connection open. Start with [`events`].

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use futures_util::Stream;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc};

use super::Desk;
use super::beads::{Outcome, with_hints};
use super::hub::Said;
use super::problem::Problem;
use super::routes::{SinceQuery, site};
use crate::daemon::dispatch::Key;
use crate::daemon::work::Ended;
use crate::domain::event::Event;
use crate::domain::ids::BeadId;
use crate::journal::read::Filter;
use crate::lifecycle::Phase;

/// How many events one look takes from the journal.
const PAGE: usize = 500;
/// Other processes write the journal too, and nobody tells us.
const LOOK: Duration = Duration::from_secs(1);
/// What a stream may hold back for a slow reader.
const AHEAD: usize = 64;

/// Everything that happens, from a number on.
pub(super) async fn events(
    State(desk): State<Desk>,
    Query(since): SinceQuery,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let from = first(&desk, since.since, &headers)?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut told = desk.hub.listen();
        let mut seq = from;
        while send_events(&desk, &Filter::default(), &mut seq, &sender).await {
            tokio::select! {
                _ = told.recv() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = sender.closed() => return,
            }
        }
    });
    Ok(sse(receiver))
}

/// One bead's events, what its agent says, and at last the result line.
pub(super) async fn work(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
    Query(since): SinceQuery,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    let bead = BeadId::new(bead);
    site.tracker.show(&bead).await?;
    let from = first(&desk, since.since, &headers)?;
    let key: Key = (site.id, bead);
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let outcome = desk.works.of(&key);
        follow(&desk, &key, from, outcome, sender).await;
    });
    Ok(sse(receiver))
}

async fn follow(
    desk: &Desk,
    key: &Key,
    from: u64,
    mut outcome: Option<Outcome>,
    sender: mpsc::Sender<Frame>,
) {
    let mut told = desk.hub.listen();
    let filter = Filter { project: Some(key.0.clone()), bead: Some(key.1.clone()), run: None };
    let mut seq = from;
    loop {
        // Asked before the journal is read, so that nothing written before the end is left out.
        let end = result(desk, key, outcome.as_ref());
        if !send_events(desk, &filter, &mut seq, &sender).await {
            return;
        }
        if let Some(end) = end {
            let _ = sender.send(frame("result", &end)).await;
            return;
        }
        tokio::select! {
            said = told.recv() => {
                let agent = match said {
                    Ok(told) if told.project == key.0 && told.bead == key.1 => match &told.said {
                        Said::Agent(event) => serde_json::to_value(event).ok(),
                        Said::Event(_) => None,
                    },
                    Err(broadcast::error::RecvError::Closed) => return,
                    _ => continue,
                };
                if let Some(agent) = agent && sender.send(frame("agent", &agent)).await.is_err() {
                    return;
                }
            }
            () = changed(&mut outcome) => {}
            () = tokio::time::sleep(LOOK) => {}
            () = sender.closed() => return,
        }
    }
}

async fn changed(outcome: &mut Option<Outcome>) {
    if let Some(outcome) = outcome
        && outcome.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// How the bead's work ended, if it has.
fn result(desk: &Desk, key: &Key, outcome: Option<&Outcome>) -> Option<Value> {
    if let Some(outcome) = outcome {
        return outcome.borrow().clone();
    }
    let story = desk.house.journal.stories_of(&key.0, &key.1).ok()?.pop()?;
    let over = !story.is_open() || matches!(story.phase, Phase::Suspended { .. });
    let ended = Ended::of(&story);
    over.then(|| with_hints(ended.result_line(), ended.hints()))
}

/// Sends what the journal has after `seq`; false when nobody reads any more.
async fn send_events(desk: &Desk, filter: &Filter, seq: &mut u64, sender: &mpsc::Sender<Frame>) -> bool {
    loop {
        let Ok(events) = desk.house.journal.events(*seq, filter, PAGE) else { return false };
        let last = events.len() < PAGE;
        for event in events {
            *seq = event.seq;
            if sender.send(numbered(&event)).await.is_err() {
                return false;
            }
        }
        if last {
            return true;
        }
    }
}

fn numbered(event: &Event) -> Frame {
    let data = serde_json::to_value(event).unwrap_or_default();
    frame("event", &data).id(event.seq.to_string())
}

fn frame(kind: &str, data: &Value) -> Frame {
    Frame::default().event(kind).data(data.to_string())
}

/// `Last-Event-ID` of a reader that comes back, else `?since=`, else from now on.
fn first(desk: &Desk, since: Option<u64>, headers: &HeaderMap) -> Result<u64, Problem> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    match last.or(since) {
        Some(seq) => Ok(seq),
        None => Ok(desk.house.journal.last_seq()?),
    }
}

fn sse(receiver: mpsc::Receiver<Frame>) -> Sse<impl Stream<Item = Result<Frame, Infallible>>> {
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let frame = receiver.recv().await?;
        Some((Ok(frame), receiver))
    });
    Sse::new(frames).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

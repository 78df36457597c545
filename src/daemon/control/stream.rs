//! Streams: the journal as it grows, and one bead's or run's work with what its agent says.
//!
//! Owns the routes and how a subject is over; each event comes once, in order, with an id to come back with. Frames are
//! `event` (of the journal), `agent` (of the run's log), `result` (the last one) and `resync` (the reader lay too far behind: the
//! stream ends, and goes on from that id). Start with [`routes`], then [`reading::Reading`].

mod cursor;
mod place;
mod reading;
mod socket;
mod tail;
mod topic;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::projects::site;
use super::view::RunView;
use super::work::{Works, with_hints};
use super::{Desk, Hub};
use crate::agent::Dialect;
use crate::daemon::house::House;
use crate::daemon::work::Ended;
use crate::domain::ids::{BeadId, RunId};
use crate::feed::web::extract::{Path, Query};
use crate::journal::read::Filter;
use crate::lifecycle::{Phase, Story};
use cursor::Subject;
pub(super) use cursor::shown;
use place::Place;
use reading::{Next, Reading};
use topic::Topics;

/// What streams stand on.
#[derive(Clone)]
pub(super) struct Streams {
    house: Arc<House>,
    dialect: Arc<dyn Dialect>,
    hub: Hub,
    works: Works,
    topics: Arc<Topics>,
}

impl Streams {
    pub(super) fn new(house: Arc<House>, dialect: Arc<dyn Dialect>, hub: Hub, works: Works) -> Self {
        Self { house, dialect, hub, works, topics: Arc::new(Topics::default()) }
    }

    /// How many readers there are.
    pub(super) fn readers(&self) -> usize {
        self.topics.count()
    }
}

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(events))
        .routes(routes!(work))
        .routes(routes!(run))
        .merge(socket::routes())
}

/// Where a stream begins.
#[derive(Debug, Deserialize, Default, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Since {
    /// Only what came after this id; `Last-Event-ID` goes before it. Without either: from now on.
    since: Option<String>,
}

impl Since {
    fn place(&self, headers: &HeaderMap) -> Result<Option<Place>, Problem> {
        let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
        let Some(text) = last.or(self.since.as_deref()) else { return Ok(None) };
        let place = Place::parse(text).ok_or_else(|| Problem::wrong("`since` is no id of a stream"));
        place.map(Some)
    }
}

/// Everything that happens, from a number on
#[utoipa::path(get, path = "/api/events", tag = "streams", params(Since),
    responses((status = OK, description = "Server-sent events: `event`, `resync`; ids are numbers", body = String,
        content_type = "text/event-stream")))]
async fn events(
    State(desk): State<Desk>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    sse(&desk, Subject::default(), since.place(&headers)?).await
}

/// One bead's events, what its agents say, and at last the result line
#[utoipa::path(get, path = "/api/projects/{project}/work/{bead}/stream", tag = "streams",
    params(Since, ("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = OK, description = "Server-sent events: `event`, `agent`, `result`, `resync`; ids are `<number>.<line of the run's log>`",
        body = String, content_type = "text/event-stream")))]
async fn work(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let site = site(&desk, &project).await?;
    let bead = BeadId::new(bead);
    site.tracker.show(&bead).await?;
    let subject = Subject { project: Some(site.id), bead: Some(bead), run: None };
    sse(&desk, subject, since.place(&headers)?).await
}

/// One run's events, what its agent says, and at last the run as it ended
#[utoipa::path(get, path = "/api/projects/{project}/runs/{run}/stream", tag = "streams",
    params(Since, ("project" = String, Path, description = "Its name or id"), ("run" = String, Path)),
    responses((status = OK, description = "Server-sent events: `event`, `agent`, `result`, `resync`; ids are `<number>.<line of the run's log>`",
        body = String, content_type = "text/event-stream")))]
async fn run(
    State(desk): State<Desk>,
    Path((project, run)): Path<(String, String)>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = super::runs::row(&desk, &project, &run).await?;
    let site = site(&desk, &project).await?;
    let (bead, run) = (row.bead.map(BeadId::new), RunId::parse(&run));
    sse(&desk, Subject { project: Some(site.id), bead, run }, since.place(&headers)?).await
}

/// How the subject ended, if it has: a person's work with its answer, a story, a run.
fn result(streams: &Streams, subject: &Subject) -> Option<Value> {
    let (project, bead) = (subject.project.as_ref()?, subject.bead.as_ref()?);
    let journal = &streams.house.journal;
    if let Some(run) = &subject.run {
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let mut rows = journal.runs(&filter, 1).ok()?;
        streams.house.mark_interrupted(&mut rows);
        let row = rows.pop().filter(|row| row.state != "running")?;
        return serde_json::to_value(RunView::from(row)).ok();
    }
    let asked = streams.works.of(&(project.clone(), bead.clone())).map(|outcome| outcome.borrow().clone());
    if asked == Some(None) {
        return None;
    }
    let story = journal.stories_of(project, bead).ok()?.pop();
    let over = |story: &Story| !story.is_open() || matches!(story.phase, Phase::Suspended { .. });
    match (asked.flatten(), story) {
        // The night took it up again after somebody's work on it had ended.
        (_, Some(story)) if !over(&story) => None,
        (Some(asked), _) => Some(asked),
        (None, Some(story)) => {
            let ended = Ended::of(&story);
            Some(with_hints(ended.result_line(), ended.hints()))
        }
        (None, None) => None,
    }
}

async fn sse(desk: &Desk, subject: Subject, from: Option<Place>) -> Result<Response, Problem> {
    let reading = Reading::begin(&desk.streams, subject, from, desk.guard.voided()).await?;
    let frames = futures_util::stream::unfold(reading, |mut reading| async move {
        let bytes = match reading.next().await? {
            Next::Frames(bytes) => bytes,
            Next::Beat => Bytes::from_static(b":\n\n"),
        };
        Some((Ok::<_, Infallible>(bytes), reading))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (ACCEL, "no")];
    Ok((kind, Body::from_stream(frames)).into_response())
}

/// Reverse proxies hold back what they are not told to pass on at once.
pub(super) const ACCEL: header::HeaderName = header::HeaderName::from_static("x-accel-buffering");

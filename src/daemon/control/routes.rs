//! The routes, in one list.
//!
//! Owns paths and methods, and the answers that need no file of their own: health, status, projects, events.
//! Start with [`all`].

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::problem::Problem;
use super::{Desk, beads, stream};
use crate::daemon::dispatch::Order;
use crate::daemon::house::Site;

pub(super) fn all(desk: Desk) -> Router {
    let project = "/api/projects/{project}";
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/api/status", get(status))
        .route("/api/night", post(night))
        .route("/api/poke", post(poke))
        .route("/api/shutdown", post(shutdown))
        .route("/api/events", get(stream::events))
        .route("/api/projects", get(projects).post(add_project))
        .route(project, delete(remove_project))
        .route(&format!("{project}/beads"), get(beads::list))
        .route(&format!("{project}/beads/{{bead}}/why"), get(beads::why))
        .route(&format!("{project}/work/{{bead}}"), post(beads::work))
        .route(&format!("{project}/work/{{bead}}/stream"), get(stream::work))
        .route(&format!("{project}/runs"), get(beads::runs))
        .route(&format!("{project}/runs/{{run}}/cancel"), post(beads::cancel))
        .route(&format!("{project}/runs/{{run}}/pause"), post(beads::pause))
        .route(&format!("{project}/runs/{{run}}/resume"), post(beads::resume))
        .fallback(|| async { Problem::gone("there is no such route") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this route does not take that method")
        })
        .with_state(desk)
}

/// Ready means that the dispatcher has looked around at least once.
async fn ready(State(desk): State<Desk>) -> impl IntoResponse {
    let seen = desk.status.borrow().at.is_some();
    if seen { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "starting\n") }
}

async fn status(State(desk): State<Desk>) -> impl IntoResponse {
    let mut status = (**desk.status.borrow()).clone();
    // Phases change between two looks of the dispatcher; the journal has them as they are.
    for running in &mut status.running {
        let Ok(Some(story)) = desk.house.journal.open_story_of(&running.project, &running.bead) else {
            continue;
        };
        story.phase.name().clone_into(&mut running.phase);
        running.attempt = story.attempt;
        running.run = story.run().map(ToString::to_string);
    }
    Json(status)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Night {
    paused: bool,
}

async fn night(State(desk): State<Desk>, Json(night): Json<Night>) -> Result<StatusCode, Problem> {
    order(&desk, Order::Night { paused: night.paused }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something changed that the dispatcher would notice only later.
async fn poke(State(desk): State<Desk>) -> Result<StatusCode, Problem> {
    order(&desk, Order::Poke).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Shutdown {
    /// End the runs too, with their work kept.
    stop_runs: bool,
}

async fn shutdown(State(desk): State<Desk>, Json(how): Json<Shutdown>) -> StatusCode {
    if how.stop_runs {
        desk.stop_runs.send_replace(true);
    } else {
        desk.stop.more();
    }
    StatusCode::ACCEPTED
}

async fn projects(State(desk): State<Desk>) -> Result<impl IntoResponse, Problem> {
    Ok(Json(desk.house.journal.projects()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProject {
    path: std::path::PathBuf,
    name: Option<String>,
}

async fn add_project(
    State(desk): State<Desk>,
    Json(new): Json<NewProject>,
) -> Result<impl IntoResponse, Problem> {
    let added = crate::daemon::projects::add(&desk.house, &new.path, new.name.as_deref()).await?;
    order(&desk, Order::Poke).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

async fn remove_project(State(desk): State<Desk>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    crate::daemon::projects::remove(&desk.house, &name)?;
    order(&desk, Order::Poke).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The project that a path names: by its name or its id.
pub(super) async fn site(desk: &Desk, name: &str) -> Result<Site, Problem> {
    let all = desk.house.journal.projects()?;
    let Some(found) = all.iter().find(|p| p.name == name || p.id.as_str() == name) else {
        let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        let mut problem = Problem::gone(format!("no project `{name}` is registered"));
        problem.hints.push(format!("registered: {}", names.join(", ")));
        return Err(problem);
    };
    Ok(Site::open(&desk.house, &found.path).await?)
}

pub(super) async fn order(desk: &Desk, order: Order) -> Result<(), Problem> {
    let gone = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping");
    desk.orders.send(order).await.map_err(gone)
}

/// `?since=` of streams.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct Since {
    pub since: Option<u64>,
}

pub(super) type SinceQuery = Query<Since>;

/// What an accepted order is answered with.
pub(super) fn accepted(text: &str) -> impl IntoResponse + use<> {
    (StatusCode::ACCEPTED, Json(json!({ "accepted": text })))
}

//! How the night stands, and what may be said to the whole of it.
//!
//! Owns status, pausing, poking and the end of the daemon. What the night does is the dispatcher's. Start with
//! [`routes`].

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use super::view::Nothing;
use crate::daemon::dispatch::{Order, Status};
use crate::feed::web::extract::Json;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(night))
        .routes(routes!(poke))
        .routes(routes!(shutdown))
}

/// How everything stands now
#[utoipa::path(get, path = "/api/status", tag = "night",
    responses((status = OK, description = "This moment", body = Status)))]
async fn status(State(desk): State<Desk>) -> Json<Status> {
    Json(now(&desk))
}

/// The dispatcher's last look, with the phases as they are by now.
pub(super) fn now(desk: &Desk) -> Status {
    let mut status = (**desk.status.borrow()).clone();
    status.alerts = desk.house.journal.outbox_standing().map(Into::into).unwrap_or_default();
    // Phases change between two looks of the dispatcher; the journal has them as they are.
    for running in &mut status.running {
        let Ok(Some(story)) = desk.house.journal.open_story_of(&running.project, &running.bead) else {
            continue;
        };
        story.phase.name().clone_into(&mut running.phase);
        running.attempt = story.attempt;
        running.run = story.run().map(ToString::to_string);
    }
    status
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Night {
    /// Start nothing more, or start again; what runs goes on.
    paused: bool,
}

/// Pause the night, or let it go on
#[utoipa::path(post, path = "/api/night", tag = "night", request_body = Night,
    responses((status = NO_CONTENT, description = "It is so")))]
async fn night(State(desk): State<Desk>, Json(night): Json<Night>) -> Result<StatusCode, Problem> {
    desk.order(Order::Night { paused: night.paused }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Look around now: something changed that would be noticed only later
#[utoipa::path(post, path = "/api/poke", tag = "night", request_body = Nothing,
    responses((status = NO_CONTENT, description = "It looks")))]
async fn poke(State(desk): State<Desk>, Json(Nothing {}): Json<Nothing>) -> Result<StatusCode, Problem> {
    desk.order(Order::Poke).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Shutdown {
    /// End the runs too, with their work kept.
    stop_runs: bool,
}

/// End the daemon; landings are finished first
#[utoipa::path(post, path = "/api/shutdown", tag = "night", request_body = Shutdown,
    responses((status = ACCEPTED, description = "It is ending")))]
async fn shutdown(State(desk): State<Desk>, Json(how): Json<Shutdown>) -> StatusCode {
    if how.stop_runs {
        desk.stop_runs.send_replace(true);
    } else {
        desk.stop.more();
    }
    StatusCode::ACCEPTED
}

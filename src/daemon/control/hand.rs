//! A person's hand on a bead or its run: cancel, pause, resume, send, retry, answer, approve, park.
//!
//! Owns the routes, and the orders that make the dispatcher do its part; what a verb does in which state is
//! `daemon::hand`'s, the same as for commands. Start with [`lay`].

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use super::projects::site;
use super::runs::bead_of;
use super::view::{Accepted, Nothing};
use crate::daemon::dispatch::Order;
use crate::daemon::hand::table::{State as Stands, Verb, may};
use crate::daemon::hand::{Ask, Hand, Next, of_a_claim, refused};
use crate::domain::ids::{Oid, RunId};
use crate::feed::web::extract::{Json, Path};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(input))
        .routes(routes!(retry_run))
        .routes(routes!(approve_run))
        .routes(routes!(park_run))
        .routes(routes!(answer))
        .routes(routes!(retry))
        .routes(routes!(approve))
        .routes(routes!(park))
}

/// What is said to an agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    text: String,
    /// Stop what runs and read it at once.
    #[serde(default)]
    now: bool,
}

/// `{}` to go on with what is kept.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Again {
    /// Begin at the target, without the kept work and its conversation.
    fresh: bool,
}

/// `{}` to approve whatever waits.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Shown {
    /// Only if it is this commit of the kept work; null: only if there is none to look at (nothing was changed, or the bead
    /// is a proposed one). Anything else is a 409.
    #[serde(deserialize_with = "named")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{40}$")]
    tip: Option<Option<Oid>>,
}

/// Null says something here, and leaving out says nothing.
fn named<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<Oid>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl From<Shown> for Ask {
    fn from(Shown { tip }: Shown) -> Self {
        tip.map_or(Self::Approve, |tip| Self::ApproveShown { tip })
    }
}

/// The answer to an agent's question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Words {
    text: String,
}

/// Why a bead is left to a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

/// Who acts, where nobody says more: everybody who is let in is the same person.
const BY: &str = "user";

pub(super) type Taken = Result<(StatusCode, Json<Accepted>), Problem>;
type Place = Path<(String, String)>;

/// Does what is asked, and gives the dispatcher its part of it.
pub(super) async fn lay(desk: &Desk, (project, name): (String, String), ask: Ask) -> Taken {
    let key = bead_of(desk, &project, &name).await?;
    if let Some(run) = RunId::parse(&name) {
        of_a_claim(&desk.house.journal, &run, ask.verb())?;
    }
    let take = ask.verb() == Verb::Cancel;
    // One that was worked on before and waits to go on is more than queued.
    let begun = desk.house.journal.open_story_of(&key.0, &key.1)?.is_some();
    if is_queued(desk, key.clone(), take).await? && !begun {
        return match may(ask.verb(), Stands::Queued) {
            Some(_) => Ok(taken(format!("`{}` is not begun", key.1))),
            None => Err(refused(ask.verb(), Stands::Queued, &key.1).into()),
        };
    }
    let site = site(desk, &project).await?;
    let done = Hand { house: &desk.house, site: &site, by: BY }.lay(&key.1, &ask).await?;
    match done.next {
        Next::Nothing => {}
        Next::Again => desk.order(Order::Again { key }).await?,
        Next::End => desk.order(Order::Carry { key, end: true }).await?,
        Next::GoOn => desk.order(Order::Carry { key, end: false }).await?,
    }
    Ok(taken(done.said))
}

fn taken(accepted: String) -> (StatusCode, Json<Accepted>) {
    (StatusCode::ACCEPTED, Json(Accepted { accepted }))
}

async fn is_queued(desk: &Desk, key: crate::daemon::dispatch::Key, take: bool) -> Result<bool, Problem> {
    desk.ask(|answer| Order::Queued { key, take, answer }).await
}

/// End a run; what was done is kept
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/cancel", tag = "hand", request_body = Nothing,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "It is being ended", body = Accepted)))]
async fn cancel(State(desk): State<Desk>, Path(place): Place, Json(Nothing {}): Json<Nothing>) -> Taken {
    lay(&desk, place, Ask::Cancel).await
}

/// Put a run aside until somebody resumes it
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/pause", tag = "hand", request_body = Nothing,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "It is being put aside", body = Accepted)))]
async fn pause(State(desk): State<Desk>, Path(place): Place, Json(Nothing {}): Json<Nothing>) -> Taken {
    lay(&desk, place, Ask::Pause).await
}

/// Let a run that was put aside go on
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/resume", tag = "hand", request_body = Nothing,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "It goes on when a slot is free", body = Accepted)))]
async fn resume(State(desk): State<Desk>, Path(place): Place, Json(Nothing {}): Json<Nothing>) -> Taken {
    lay(&desk, place, Ask::Resume).await
}

/// Say something to a run's agent
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/input", tag = "hand", request_body = Input,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "Written down; `message_delivered` tells when it is read", body = Accepted)))]
async fn input(State(desk): State<Desk>, Path(place): Place, Json(input): Json<Input>) -> Taken {
    lay(&desk, place, Ask::Send { text: input.text, now: input.now }).await
}

/// Have a run's bead worked on again
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/retry", tag = "hand", request_body = Again,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "It is ready again", body = Accepted)))]
async fn retry_run(State(desk): State<Desk>, Path(place): Place, Json(again): Json<Again>) -> Taken {
    lay(&desk, place, Ask::Retry { fresh: again.fresh }).await
}

/// Approve what a run's bead waits with
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/approve", tag = "hand", request_body = Shown,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "It goes on, is opened, or is closed as nothing to do", body = Accepted)))]
async fn approve_run(State(desk): State<Desk>, Path(place): Place, Json(shown): Json<Shown>) -> Taken {
    lay(&desk, place, shown.into()).await
}

/// Leave a run's bead to a person
#[utoipa::path(post, path = "/api/projects/{project}/runs/{run}/park", tag = "hand", request_body = Reason,
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path, description = "Or its bead")),
    responses((status = ACCEPTED, description = "It is parked, or being ended and then parked", body = Accepted)))]
async fn park_run(State(desk): State<Desk>, Path(place): Place, Json(reason): Json<Reason>) -> Taken {
    lay(&desk, place, Ask::Park { reason: reason.reason }).await
}

/// Answer an agent's question
#[utoipa::path(post, path = "/api/projects/{project}/beads/{bead}/answer", tag = "hand", request_body = Words,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = ACCEPTED, description = "It goes on with the answer", body = Accepted)))]
async fn answer(State(desk): State<Desk>, Path(place): Place, Json(words): Json<Words>) -> Taken {
    lay(&desk, place, Ask::Answer { text: words.text }).await
}

/// Have a bead worked on again
#[utoipa::path(post, path = "/api/projects/{project}/beads/{bead}/retry", tag = "hand", request_body = Again,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = ACCEPTED, description = "It is ready again", body = Accepted)))]
async fn retry(State(desk): State<Desk>, Path(place): Place, Json(again): Json<Again>) -> Taken {
    lay(&desk, place, Ask::Retry { fresh: again.fresh }).await
}

/// Approve what a bead waits with
#[utoipa::path(post, path = "/api/projects/{project}/beads/{bead}/approve", tag = "hand", request_body = Shown,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = ACCEPTED, description = "It goes on, is opened, or is closed as nothing to do", body = Accepted)))]
async fn approve(State(desk): State<Desk>, Path(place): Place, Json(shown): Json<Shown>) -> Taken {
    lay(&desk, place, shown.into()).await
}

/// Leave a bead to a person
#[utoipa::path(post, path = "/api/projects/{project}/beads/{bead}/park", tag = "hand", request_body = Reason,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = ACCEPTED, description = "It is parked, or being ended and then parked", body = Accepted)))]
async fn park(State(desk): State<Desk>, Path(place): Place, Json(reason): Json<Reason>) -> Taken {
    lay(&desk, place, Ask::Park { reason: reason.reason }).await
}

//! A review outside any claim, over the API.
//!
//! Owns the shape of the wish, the two ways to wait for its end (one answer, or a stream that tells how it goes), and taking it
//! back. It belongs to the connection that asked for it: with that it goes. How it is read and judged is `daemon::opinion`'s,
//! when it begins the dispatcher's. Start with [`routes`].

mod told;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::hand::Taken;
use super::problem::Problem;
use super::projects::site;
use super::stream::ACCEL;
use super::view::{Accepted, Nothing};
use crate::daemon::dispatch::Order;
use crate::daemon::dispatch::errands::{Asker, Errand, Read, Wanted};
use crate::daemon::error::EngineError;
use crate::daemon::opinion;
use crate::daemon::progress::Silent;
use crate::domain::ids::base36;
use crate::feed::web::extract::{Json, Path};
use crate::feed::web::guard::Who;
use told::{Telling, Voice};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(review)).routes(routes!(cancel))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// A bead's id, a run's id, or a branch.
    #[schema(min_length = 1)]
    what: String,
    /// Make beads of what is found, without asking again.
    #[serde(default)]
    auto_create_beads: bool,
    /// The reviewer's model; left out: as the project wishes.
    model: Option<String>,
}

/// Have kept work or a branch read by an independent reviewer
///
/// It waits for a free slot, and is taken back when the connection closes before its end. With `Accept: text/event-stream` the answer
/// is a stream: frames `review` (its name, and whether it waits or runs), `event`, `agent`, at last `result` or `problem`.
#[utoipa::path(post, path = "/api/projects/{project}/review", tag = "findings", request_body = Wish,
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = OK, description = "As `bead review --json` says it",
        content((Object = "application/json"), (String = "text/event-stream")))))]
async fn review(
    State(desk): State<Desk>,
    Path(project): Path<String>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response, Problem> {
    let site = site(&desk, &project).await?;
    if wish.what.trim().is_empty() {
        return Err(Problem::wrong("`what` is empty: expected a bead, a run or a branch"));
    }
    opinion::can_be_read(&desk.house, &site, &wish.what).await?;
    let id = base36(desk.house.ids.bytes(), 14);
    let (voice, lines) = Voice::of(&id);
    // Before the answer's place, so that it goes after it.
    let gone = Gone(desk.orders.clone());
    let followed = wants_stream(&headers);
    let asker: std::sync::Arc<dyn Asker> =
        if followed { std::sync::Arc::new(voice) } else { std::sync::Arc::new(Silent) };
    let (answer, answered) = oneshot::channel();
    let Wish { what, auto_create_beads: create, model } = wish;
    let errand = Errand::Review(Wanted { id, what, create, model, asker, answer });
    desk.order(Order::Errand { project: site.id, errand }).await?;
    if !followed {
        return Ok(Json(ended(&desk, answered.await)?).into_response());
    }
    let telling = Telling::new((desk, gone), who, lines, answered);
    let frames = futures_util::stream::unfold(telling, |mut telling| async move {
        Some((Ok::<_, std::convert::Infallible>(telling.next().await?), telling))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (ACCEL, "no")];
    Ok((kind, Body::from_stream(frames)).into_response())
}

/// Has the dispatcher look when its asker is gone, so that one that waits is forgotten at once.
struct Gone(mpsc::Sender<Order>);

impl Drop for Gone {
    fn drop(&mut self) {
        // One that has as much to do as it can hold looks anyway.
        let _ = self.0.try_send(Order::Poke);
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|line| line.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// How it ended, in the words of `bead review --json`.
fn ended(
    desk: &Desk,
    answered: Result<Read, oneshot::error::RecvError>,
) -> Result<serde_json::Value, Problem> {
    let stopping = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping");
    match answered {
        Ok(Ok((opinion, filed))) => Ok(opinion.line(&filed)),
        Ok(Err(EngineError::Left)) if desk.stop.now() == crate::daemon::stop::Urgency::GoOn => {
            Err(Problem::new(StatusCode::CONFLICT, "the review was taken back before its reviewer began"))
        }
        Ok(Err(EngineError::Left)) | Err(_) => Err(stopping()),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// Take a review back that waits or runs
#[utoipa::path(post, path = "/api/projects/{project}/review/{review}/cancel", tag = "findings", request_body = Nothing,
    params(("project" = String, Path, description = "Its name or id"),
        ("review" = String, Path, description = "As its stream names it")),
    responses((status = ACCEPTED, description = "Whoever asked for it is told how it ended", body = Accepted)))]
async fn cancel(
    State(desk): State<Desk>,
    Path((project, review)): Path<(String, String)>,
    Json(Nothing {}): Json<Nothing>,
) -> Taken {
    let project = site(&desk, &project).await?.id;
    let (id, name) = (review.clone(), review);
    let recall = |answer| Order::Errand { project, errand: Errand::Recall { id, answer } };
    if !desk.ask(recall).await? {
        return Err(Problem::gone(format!("no review `{name}` waits or runs")));
    }
    let accepted = "the review is ended; what it has spent counts".to_owned();
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted })))
}

//! Closing and reopening a bead over the API: a person's own decision (rules 18).
//!
//! Owns what is refused with `can_force`: work that is kept and did not land, and gates that fail on the target. What closing does
//! is `daemon::closing`'s. Start with [`close`].

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use super::projects::site;
use super::view::{BeadView, Nothing};
use crate::daemon::closing;
use crate::daemon::dispatch::Order;
use crate::daemon::dispatch::errands::Errand;
use crate::daemon::error::EngineError;
use crate::daemon::house::Site;
use crate::domain::ids::{BeadId, RunId};
use crate::feed::web::extract::{Json, Path};

/// Who acts: everybody who is let in is the same person.
pub(super) const BY: &str = "user";

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(close)).routes(routes!(reopen))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    /// Why it is closed.
    #[schema(min_length = 1)]
    reason: String,
    /// Close it without running the gates on the target first, and leave kept work unlanded.
    #[serde(default)]
    skip_gates: bool,
}

type Closed = Result<Json<Box<RawValue>>, Problem>;

/// Close a bead by hand
#[utoipa::path(post, path = "/api/projects/{project}/beads/{bead}/close", tag = "beads", request_body = Close,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = OK, description = "It is closed", body = BeadView)))]
async fn close(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
    Json(close): Json<Close>,
) -> Closed {
    let site = site(&desk, &project).await?;
    let id = BeadId::new(bead);
    site.tracker.show(&id).await?;
    if close.reason.trim().is_empty() {
        return Err(Problem::wrong("`reason` is empty: expected why the bead is closed"));
    }
    let by = (close.reason.as_str(), BY);
    if close.skip_gates {
        closing::close(&desk.house, &site, &id, by).await?;
    } else {
        let with_work = |run: RunId| {
            forced(format!("bead `{id}` has work that did not land, kept under {}", run.ref_name()))
        };
        if let Some(run) = closing::kept(&desk.house, &site, &id)? {
            return Err(with_work(run));
        }
        let failing = failing(&desk, &site, &id).await?;
        let failing =
            failing.map_err(|why| forced(format!("the gates could not be run on the target: {why}")))?;
        if !failing.is_empty() {
            return Err(forced(format!("the target is red: {}", failing.join("; "))));
        }
        // Gates take long: meanwhile it may have been worked on.
        closing::close_without_work(&desk.house, &site, &id, by).await?.map_err(with_work)?;
    }
    told(&desk, &site, &id).await
}

/// Open a closed, claimed or parked bead again
#[utoipa::path(post, path = "/api/projects/{project}/beads/{bead}/reopen", tag = "beads", request_body = Nothing,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = OK, description = "It is open", body = BeadView)))]
async fn reopen(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
    Json(Nothing {}): Json<Nothing>,
) -> Closed {
    let site = site(&desk, &project).await?;
    let id = BeadId::new(bead);
    closing::reopen(&desk.house, &site, &id, BY).await?;
    told(&desk, &site, &id).await
}

/// Which gates fail on the target as it stands; this takes as long as they take.
async fn failing(desk: &Desk, site: &Site, id: &BeadId) -> Result<Result<Vec<String>, EngineError>, Problem> {
    if crate::daemon::queue::project(site).await?.is_none_or(|project| project.gates.is_empty()) {
        return Ok(Ok(Vec::new()));
    }
    let (project, bead) = (site.id.clone(), id.clone());
    desk.ask(|answer| Order::Errand { project, errand: Errand::Prove { bead, answer } }).await
}

/// The bead as it stands now; the night looks at it too.
async fn told(desk: &Desk, site: &Site, id: &BeadId) -> Closed {
    desk.order(Order::Poke).await?;
    let snapshot = site.tracker.snapshot().await?;
    snapshot.json(id).map(Json).ok_or_else(|| Problem::gone(format!("there is no bead `{id}`")))
}

fn forced(detail: String) -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, detail).forced_by("skip_gates");
    problem.hint("to close it all the same: `\"skip_gates\": true`")
}

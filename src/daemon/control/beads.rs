//! Routes about a project's beads.
//!
//! Owns what is shown and done of beads in the tracker; work on one is `work`'s, its runs are `runs`'. Start with
//! [`routes`].

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::closing::BY;
use super::problem::Problem;
use super::projects::site;
use super::view::BeadView;
use crate::daemon::dispatch::Order;
use crate::daemon::queue;
use crate::domain::bead::NewBead;
use crate::domain::edge::Edge;
use crate::domain::ids::BeadId;
use crate::feed::web::extract::{Json, Path};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(show)).routes(routes!(why))
}

/// All beads of a project, closed ones too
#[utoipa::path(get, path = "/api/projects/{project}/beads", tag = "beads",
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = OK, description = "As `bd list --all --json` has them", body = [BeadView])))]
async fn list(
    State(desk): State<Desk>,
    Path(project): Path<String>,
) -> Result<Json<Vec<Box<RawValue>>>, Problem> {
    let site = site(&desk, &project).await?;
    let snapshot = site.tracker.snapshot().await?;
    Ok(Json(snapshot.beads.iter().filter_map(|bead| snapshot.json(&bead.id)).collect()))
}

/// A new bead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBeadBody {
    /// What is to be done, in one line.
    #[schema(min_length = 1, max_length = 500)]
    title: String,
    /// What an agent needs to know.
    #[serde(default)]
    description: String,
    /// 0 is the most urgent.
    #[serde(default = "usual")]
    #[schema(minimum = 0, maximum = 4)]
    priority: i64,
    /// `bug`, `feature`, `task`, `epic`, `chore`, ...
    #[serde(default = "task")]
    r#type: String,
    /// The new bead waits for `ID`; `TYPE:ID` makes an edge of that type from the new bead to `ID`.
    #[serde(default)]
    deps: Vec<String>,
    /// These wait for the new bead.
    #[serde(default)]
    blocks: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

fn usual() -> i64 {
    2
}

fn task() -> String {
    "task".to_owned()
}

/// Add a bead
#[utoipa::path(post, path = "/api/projects/{project}/beads", tag = "beads", request_body = NewBeadBody,
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = CREATED, description = "It is in the tracker", body = BeadView)))]
async fn add(
    State(desk): State<Desk>,
    Path(project): Path<String>,
    Json(new): Json<NewBeadBody>,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    if new.title.trim().is_empty()
        || new.title.chars().count() > 500
        || new.title.contains(['\n', '\r', '\0'])
    {
        return Err(Problem::wrong("the title is one line of text"));
    }
    if !(0..=4).contains(&new.priority) {
        return Err(Problem::wrong("the priority is 0 to 4, and 0 is the most urgent"));
    }
    let edges = new.deps.iter().map(|text| Edge::parse(text).map(|edge| (edge.kind, edge.to)));
    let edges = edges.collect::<Result<Vec<_>, _>>().map_err(|error| Problem::wrong(error.to_string()))?;
    let bead = NewBead {
        title: new.title,
        description: new.description,
        priority: new.priority,
        issue_type: new.r#type,
        labels: new.labels,
        edges,
        blocks: new.blocks.into_iter().map(BeadId::new).collect(),
        actor: BY.to_owned(),
    };
    let bead = site.tracker.create(&bead).await?;
    desk.order(Order::Poke).await?;
    Ok((StatusCode::CREATED, Json(bead)))
}

/// One bead
#[utoipa::path(get, path = "/api/projects/{project}/beads/{bead}", tag = "beads",
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = OK, description = "As `bd show --json` has it", body = BeadView)))]
async fn show(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
) -> Result<Json<Box<RawValue>>, Problem> {
    let site = site(&desk, &project).await?;
    let snapshot = site.tracker.snapshot().await?;
    let id = BeadId::new(bead);
    snapshot.find(&id)?;
    snapshot.json(&id).map(Json).ok_or_else(|| Problem::gone(format!("there is no bead `{id}`")))
}

/// Where a bead stands.
#[derive(Debug, Serialize, ToSchema)]
struct Why {
    id: String,
    ready: bool,
    /// `ready`, `blocked`, `running`, `suspended`, `interrupted`, `landed`, `parked`, `closed`, `waiting`
    state: &'static str,
    reason: String,
}

/// Why a bead is, or is not, ready or running
#[utoipa::path(get, path = "/api/projects/{project}/beads/{bead}/why", tag = "beads",
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = OK, description = "One sentence", body = Why)))]
async fn why(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
) -> Result<Json<Why>, Problem> {
    let site = site(&desk, &project).await?;
    let id = BeadId::new(bead);
    let mut why = queue::why(&desk.house, &site, &id).await?;
    let status = desk.status.borrow().clone();
    let waiting = status.waiting.iter().find(|w| w.project == site.id && w.bead == id);
    if let Some(waiting) = waiting.filter(|_| matches!(why.state, "ready" | "suspended")) {
        why.sentence = format!("`{id}` waits: {}", waiting.reason);
    } else if why.state == "ready" && status.state == "waiting" {
        // Outside its windows a night does not even look at its beads.
        let next = status.next.map(|at| format!("the next one opens at {}", at.format("%Y-%m-%d %H:%M UTC")));
        let next = next.unwrap_or_else(|| "none is to come".to_owned());
        why.sentence = format!("`{id}` waits: no window is open, and {next}");
    }
    Ok(Json(Why { id: id.to_string(), ready: why.ready, state: why.state, reason: why.sentence }))
}

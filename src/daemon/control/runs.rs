//! Runs: what ran.
//!
//! Owns the list. The hand of a person on one that runs is in `hand`. Start with [`routes`]; [`bead_of`] finds the
//! bead of a run for every route that names one.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use super::projects::site;
use super::view::RunView;
use crate::daemon::dispatch::Key;
use crate::domain::ids::{BeadId, RunId};
use crate::feed::web::extract::{Json, Path};
use crate::journal::read::{Filter, RunRow};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// How many runs one answer lists.
const MOST: usize = 200;

/// The runs of a project, newest first
#[utoipa::path(get, path = "/api/projects/{project}/runs", tag = "runs",
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = OK, description = "At most 200", body = [RunView])))]
async fn list(State(desk): State<Desk>, Path(project): Path<String>) -> Result<Json<Vec<RunView>>, Problem> {
    let site = site(&desk, &project).await?;
    let filter = Filter { project: Some(site.id), ..Filter::default() };
    let mut rows = desk.house.journal.runs(&filter, MOST)?;
    desk.house.mark_interrupted(&mut rows);
    Ok(Json(rows.into_iter().map(RunView::from).collect()))
}

/// One run
#[utoipa::path(get, path = "/api/projects/{project}/runs/{run}", tag = "runs",
    params(("project" = String, Path, description = "Its name or id"), ("run" = String, Path)),
    responses((status = OK, description = "As it stands", body = RunView)))]
async fn show(
    State(desk): State<Desk>,
    Path((project, run)): Path<(String, String)>,
) -> Result<Json<RunView>, Problem> {
    Ok(Json(row(&desk, &project, &run).await?.into()))
}

/// The run that a path names.
pub(super) async fn row(desk: &Desk, project: &str, run: &str) -> Result<RunRow, Problem> {
    let site = site(desk, project).await?;
    let gone = || Problem::gone(format!("no run `{run}` is known in `{project}`"));
    let id = RunId::parse(run).ok_or_else(gone)?;
    let filter = Filter { project: Some(site.id), run: Some(id), ..Filter::default() };
    let mut rows = desk.house.journal.runs(&filter, 1)?;
    desk.house.mark_interrupted(&mut rows);
    rows.pop().ok_or_else(gone)
}

/// The bead of a run; a bead's own id is taken too.
pub(super) async fn bead_of(desk: &Desk, project: &str, run: &str) -> Result<Key, Problem> {
    let site = site(desk, project).await?;
    let Some(id) = RunId::parse(run) else {
        let bead = BeadId::new(run);
        site.tracker.show(&bead).await?;
        return Ok((site.id, bead));
    };
    let filter = Filter { project: Some(site.id.clone()), run: Some(id), ..Filter::default() };
    let row = desk.house.journal.runs(&filter, 1)?.pop();
    match row.and_then(|row| row.bead) {
        Some(bead) => Ok((site.id, BeadId::new(bead))),
        None => Err(Problem::gone(format!("no run `{run}` is known in `{project}`"))),
    }
}

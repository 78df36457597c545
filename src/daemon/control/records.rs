//! What is read of the past and of the settings: findings, nights, config.
//!
//! Owns their shapes over the API; what they say is worked out by the rooms that show the same on pages. Start with
//! [`routes`].

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::pages::{aside, newest_findings, settings};
use super::problem::Problem;
use super::projects::site;
use crate::feed::brief::{NightRow, nights as all_nights};
use crate::feed::view::findings::Finding;
use crate::feed::web::extract::{Json, Path};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(findings)).routes(routes!(nights)).routes(routes!(config))
}

/// One defect that a gate or a reviewer found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingView {
    title: String,
    detail: String,
    /// `src/a.rs:12`, or nothing
    at: String,
    /// `critical`, `major`, `minor`, `note`
    severity: &'static str,
    /// `gate:test`, `review`, ...
    source: String,
    /// What became of it, in words.
    standing: String,
    open: bool,
    /// Whose work it was found in.
    bead: String,
    /// The bead it became.
    filed: Option<String>,
}

impl From<Finding> for FindingView {
    fn from(it: Finding) -> Self {
        let Finding { title, detail, at, severity, source, standing, open, bead, filed, .. } = it;
        Self { title, detail, at, severity, source, standing, open, bead, filed: filed.map(|(id, _)| id) }
    }
}

/// What gates and reviewers found in a project, newest first
#[utoipa::path(get, path = "/api/projects/{project}/findings", tag = "findings",
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = OK, description = "Of the last thirty days and at most 300, with what became of each",
        body = [FindingView])))]
async fn findings(
    State(desk): State<Desk>,
    Path(project): Path<String>,
) -> Result<Json<Vec<FindingView>>, Problem> {
    let site = site(&desk, &project).await?;
    let house = desk.house.clone();
    let found = aside(move || newest_findings(&house, Some(&site.id))).await??;
    Ok(Json(found.into_iter().map(FindingView::from).collect()))
}

/// All nights, oldest first
#[utoipa::path(get, path = "/api/nights", tag = "night",
    responses((status = OK, description = "Those of windows, and those that people began", body = [NightRow])))]
async fn nights(State(desk): State<Desk>) -> Result<Json<Vec<NightRow>>, Problem> {
    Ok(Json(all_nights(&desk.house.journal, desk.house.clock.now())?))
}

/// The settings of the user or of one project.
#[derive(Debug, Serialize, ToSchema)]
struct Settings {
    /// `Yours`, or a project's name.
    name: String,
    /// Why they cannot be read.
    trouble: Option<String>,
    rows: Vec<Setting>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Setting {
    key: String,
    value: String,
    /// Where it comes from.
    origin: String,
}

/// The settings in force, without any secret
#[utoipa::path(get, path = "/api/config", tag = "about",
    responses((status = OK, description = "Yours first, then each project's", body = [Settings])))]
async fn config(State(desk): State<Desk>) -> Result<Json<Vec<Settings>>, Problem> {
    let sections = settings::sections(&desk).await?;
    let all = sections.into_iter().map(|section| {
        let row = |row: crate::feed::view::settings::Row| Setting {
            key: row.key,
            value: row.value,
            origin: row.origin,
        };
        Settings {
            name: section.name,
            trouble: section.trouble,
            rows: section.rows.into_iter().map(row).collect(),
        }
    });
    Ok(Json(all.collect()))
}

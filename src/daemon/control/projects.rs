//! The registered repositories, and finding the one that a path names.
//!
//! Owns listing, adding and forgetting them over the API; the checks are `daemon::projects`'. Start with [`routes`]
//! and [`site`].

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use super::view::ProjectView;
use crate::daemon::dispatch::Order;
use crate::daemon::house::Site;
use crate::feed::web::extract::{Json, Path};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

/// All registered projects
#[utoipa::path(get, path = "/api/projects", tag = "projects",
    responses((status = OK, description = "By name", body = [ProjectView])))]
async fn list(State(desk): State<Desk>) -> Result<Json<Vec<ProjectView>>, Problem> {
    Ok(Json(desk.house.journal.projects()?.into_iter().map(ProjectView::from).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProject {
    /// A folder in a git repository on the daemon's machine.
    #[schema(value_type = String)]
    path: std::path::PathBuf,
    /// Letters, digits, `-`, `_` and `.`; the folder's name where it is left out.
    name: Option<String>,
}

/// Register a repository
#[utoipa::path(post, path = "/api/projects", tag = "projects", request_body = NewProject,
    responses((status = CREATED, description = "It is registered", body = ProjectView)))]
async fn add(State(desk): State<Desk>, Json(new): Json<NewProject>) -> Result<impl IntoResponse, Problem> {
    let added = crate::daemon::projects::add(&desk.house, &new.path, new.name.as_deref()).await?;
    desk.order(Order::Poke).await?;
    Ok((StatusCode::CREATED, Json(ProjectView::from(added))))
}

/// Forget a project; its beads, logs and refs stay
#[utoipa::path(delete, path = "/api/projects/{project}", tag = "projects",
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = NO_CONTENT, description = "It is forgotten")))]
async fn remove(State(desk): State<Desk>, Path(project): Path<String>) -> Result<StatusCode, Problem> {
    crate::daemon::projects::remove(&desk.house, &project)?;
    desk.order(Order::Poke).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The project that a path names: by its name or its id.
pub(super) async fn site(desk: &Desk, name: &str) -> Result<Site, Problem> {
    let all = desk.house.journal.projects()?;
    let Some(found) = all.iter().find(|p| p.name == name || p.id.as_str() == name) else {
        let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        return Err(Problem::gone(format!("no project `{name}` is registered"))
            .hint(format!("registered: {}", names.join(", "))));
    };
    Ok(Site::open(&desk.house, &found.path).await?)
}

//! Briefs: what the nights brought.
//!
//! Owns the list of nights and one brief as JSON; pages and mails have the same one. Start with [`routes`].

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use crate::config::zone::Zone;
use crate::feed::brief::{self, Brief, NightRow, Which};
use crate::feed::web::extract::{Json, Path};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// The nights that can be told of, oldest first
#[utoipa::path(get, path = "/api/briefs", tag = "night", operation_id = "list_briefs",
    responses((status = OK, description = "All of them", body = [NightRow])))]
async fn list(State(desk): State<Desk>) -> Result<Json<Vec<NightRow>>, Problem> {
    Ok(Json(brief::nights(&desk.house.journal, desk.house.clock.now())?))
}

/// The brief of a night, also while it goes on
#[utoipa::path(get, path = "/api/briefs/{night}", tag = "night", operation_id = "brief",
    params(("night" = String, Path, description = "Its name or date; `last`, or `day` for the last 24 hours")),
    responses((status = OK, description = "Every sentence with the events it rests on", body = Brief)))]
async fn one(State(desk): State<Desk>, Path(night): Path<String>) -> Result<Json<Brief>, Problem> {
    let which = if night == "last" { Which::Last } else { Which::Named(night.clone()) };
    let now = desk.house.clock.now();
    let found = brief::of(&desk.house.journal, &which, now, zone(&desk))?;
    found.map(Json).ok_or_else(|| Problem::gone(format!("the journal knows no night `{night}`")))
}

/// The zone of the clock on the user's wall.
pub(super) fn zone(desk: &Desk) -> Zone {
    let inherited = &desk.house.environment.inherited.0;
    let tz = inherited.iter().find(|(name, _)| name == "TZ").and_then(|(_, value)| value.to_str());
    Zone::of_machine(tz, std::fs::read_link("/etc/localtime").ok().as_deref())
}

//! What runs wrote, as plain text for whoever reads or keeps it.
//!
//! Owns the list of logs and one log as an attachment: masked when it was stored, cleaned again here, never anything a
//! browser would run (T15, T37). Start with [`routes`].

use std::io::{Read as _, Seek as _, SeekFrom};

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;
use super::projects::site;
use crate::daemon::error::EngineError;
use crate::domain::clean::clean;
use crate::feed::web::extract::{Json, Path, Query};
use crate::journal::read::Filter;

/// How many logs one answer lists.
const MOST: usize = 200;
/// How much of a log one answer holds.
const PIECE: u64 = 4 << 20;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// One log; its id is its run's.
#[derive(Debug, Serialize, ToSchema)]
struct Log {
    id: String,
    kind: String,
    bead: Option<String>,
    started: String,
    /// Bytes of the readable page; 0 where nothing is written yet, or it is gone after its time.
    bytes: u64,
}

/// The logs of a project's runs, newest first
#[utoipa::path(get, path = "/api/projects/{project}/logs", tag = "logs",
    params(("project" = String, Path, description = "Its name or id")),
    responses((status = OK, description = "At most 200", body = [Log])))]
async fn list(State(desk): State<Desk>, Path(project): Path<String>) -> Result<Json<Vec<Log>>, Problem> {
    let site = site(&desk, &project).await?;
    let filter = Filter { project: Some(site.id), ..Filter::default() };
    let rows = desk.house.journal.runs(&filter, MOST)?;
    let state = desk.house.places.state();
    let logs = rows.into_iter().map(|row| {
        let bytes = std::fs::metadata(state.join(&row.log)).map_or(0, |meta| meta.len());
        Log { id: row.run, kind: row.kind, bead: row.bead, started: row.started, bytes }
    });
    Ok(Json(logs.collect()))
}

#[derive(Debug, Deserialize, Default, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Piece {
    /// Bytes to pass over; `x-next-offset` of one answer begins the next.
    offset: u64,
    /// The agent's own stream instead of the page for people.
    raw: bool,
}

/// One log, from an offset on
#[utoipa::path(get, path = "/api/projects/{project}/logs/{log}", tag = "logs",
    params(Piece, ("project" = String, Path, description = "Its name or id"), ("log" = String, Path, description = "Its run")),
    responses((status = OK, description = "At most 4 MiB; `x-next-offset` says where it goes on", body = String,
        content_type = "text/plain")))]
async fn read(
    State(desk): State<Desk>,
    Path((project, log)): Path<(String, String)>,
    Query(piece): Query<Piece>,
) -> Result<impl IntoResponse, Problem> {
    let row = super::runs::row(&desk, &project, &log).await?;
    let ending = if piece.raw { "jsonl" } else { "log" };
    let path = desk.house.places.state().join(&row.log).with_extension(ending);
    let io = |source| EngineError::Io { path: path.clone(), source };
    let mut file = std::fs::File::open(&path)
        .map_err(|_| Problem::gone(format!("the log of `{log}` is not there (any more)")))?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(piece.offset)).map_err(io)?;
    file.take(PIECE).read_to_end(&mut bytes).map_err(io)?;
    // Whole lines only, so that no character and no secret's mask is cut; a line beyond all bounds is.
    if bytes.len() as u64 == PIECE
        && let Some(end) = memchr::memrchr(b'\n', &bytes)
    {
        bytes.truncate(end + 1);
    }
    let next = piece.offset.saturating_add(bytes.len() as u64);
    let text = clean(&String::from_utf8_lossy(&bytes)).into_owned();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.{ending}.txt\"", row.run)),
        (NEXT, next.to_string()),
    ];
    Ok((headers, text))
}

const NEXT: header::HeaderName = header::HeaderName::from_static("x-next-offset");

//! Pages for people, beside the API and behind the same guard.
//!
//! Owns their routes, the gathering of what a page shows (journal, status, tracker, quarantine), and the files beside them.
//! What is shown of it is `feed::view`'s, how it looks `feed::web`'s. A GET never acts. Start with [`routes`].

mod bead;
mod lists;
mod logs;
mod run;
pub(super) mod settings;
mod tonight;

pub(super) use lists::newest_findings;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::Desk;
use super::problem::Problem;
use crate::domain::clean::clean_line;
use crate::feed::view::decided::Decided;
use crate::feed::view::findings::{self, Finding};
use crate::feed::view::words::moment;
use crate::feed::web::assets;
use crate::feed::web::pages::{PlainHtml, Shell, html};
use crate::journal::{Journal, JournalError};

pub(super) fn routes() -> Router<Desk> {
    let router = Router::new()
        .route("/", get(tonight::page))
        .route("/history", get(lists::history))
        .route("/findings", get(lists::findings))
        .route("/brief", get(lists::brief))
        .route("/brief/{night}", get(lists::brief))
        .route("/settings", get(settings::page))
        .route("/offline", get(offline))
        .route("/projects/{project}/beads/{bead}", get(bead::page))
        .route("/projects/{project}/runs/{run}", get(run::page))
        .route("/projects/{project}/runs/{run}/log", get(logs::lines))
        .route(
            "/assets/{file}",
            get(async |Path(file): Path<String>| match assets::find(&format!("/assets/{file}")) {
                Some(asset) => asset_file(asset),
                None => Lost(Problem::gone("there is no such file")).into_response(),
            }),
        );
    let at_the_root = assets::ALL.iter().filter(|asset| !asset.path.starts_with("/assets/"));
    at_the_root.fold(router, |router, asset| router.route(asset.path, get(async || asset_file(asset))))
}

type Page = Result<Html<String>, Lost>;

/// A refusal, as a page.
struct Lost(Problem);

impl<E: Into<Problem>> From<E> for Lost {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Lost {
    fn into_response(self) -> Response {
        let Problem { status, detail, hints, .. } = self.0;
        let heading = if status == StatusCode::NOT_FOUND { "That is not here" } else { "That did not work" };
        let mut lines = vec![clean_line(&detail)];
        lines.extend(hints.iter().map(|hint| clean_line(hint)));
        let shell = Shell { nav: true, ..Shell::bare("lost", heading) };
        let back = Some(("Back to tonight", "/"));
        let page = PlainHtml { shell, heading, lines: &lines, action: None, back };
        (status, Html(html(&page))).into_response()
    }
}

/// Kept by the service worker for when there is no connection; it says nothing of anybody's work.
async fn offline() -> Html<String> {
    let lines = ["The daemon cannot be reached from here. What runs goes on without this page.".to_owned()];
    let shell = Shell::bare("offline", "Not connected");
    let back = Some(("Try again", "/"));
    Html(html(&PlainHtml { shell, heading: "Not connected", lines: &lines, action: None, back }))
}

/// Kept in no cache, as nothing else is (T57): all of them are small, and a newer program has newer ones.
fn asset_file(asset: &'static assets::Asset) -> Response {
    ([(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}

/// What people decided about beads since that time.
fn decided(journal: &Journal, since: DateTime<Utc>) -> Result<Decided, JournalError> {
    let mut events = Vec::new();
    for kind in Decided::KINDS {
        events.extend(journal.events_of(kind, since)?);
    }
    Ok(Decided::of(&events))
}

/// Findings as they stand now: a proposed bead that was decided about asks no more.
fn settled(journal: &Journal, mut found: Vec<Finding>) -> Result<Vec<Finding>, JournalError> {
    let asking = found.iter().filter(|finding| !finding.actions.is_empty());
    if let Some(since) = asking.filter_map(|finding| moment(&finding.when.iso)).min() {
        findings::settle(&mut found, &decided(journal, since)?);
    }
    Ok(found)
}

/// Work that blocks on a disk, away from those who answer others.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be gathered");
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

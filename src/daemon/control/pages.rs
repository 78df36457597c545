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

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::Desk;
use super::problem::Problem;
use crate::domain::clean::clean_line;
use crate::feed::web::assets;
use crate::feed::web::pages::{PlainHtml, Shell, html};

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
            get(async |Path(file): Path<String>, headers: HeaderMap| {
                asset(&format!("/assets/{file}"), &headers)
            }),
        );
    let at_the_root = assets::ALL.iter().filter(|asset| !asset.path.starts_with("/assets/"));
    at_the_root.fold(router, |router, asset| {
        router.route(asset.path, get(async |headers: HeaderMap| asset_file(asset, &headers)))
    })
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

fn asset(path: &str, headers: &HeaderMap) -> Response {
    match assets::find(path) {
        Some(asset) => asset_file(asset, headers),
        None => Lost(Problem::gone("there is no such file")).into_response(),
    }
}

/// Kept by a browser, and asked for anew each time: a newer program has newer files.
fn asset_file(asset: &'static assets::Asset, headers: &HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let kept = [(header::ETAG, asset.tag()), (header::CACHE_CONTROL, "no-cache")];
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == asset.tag())) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}

/// Work that blocks on a disk, away from those who answer others.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Lost> {
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be gathered");
    Ok(tokio::task::spawn_blocking(work).await.map_err(failed)?)
}

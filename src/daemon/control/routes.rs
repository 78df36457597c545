//! All routes in one list, and what holds where none fits.
//!
//! Owns nothing but the list: each topic has a file with its handlers, their description, and a `routes()` that
//! registers both at once. Start with [`behind`].

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::{Extension, Router, middleware};
use utoipa_axum::router::OpenApiRouter;

use super::problem::Problem;
use super::{Desk, beads, briefs, closing, hand, health, links, logs, metrics, night};
use super::{openapi, opinions, pages, projects, reach, records, runs, stream, work};
use crate::feed::web::guard::{Door, keep};
use crate::feed::web::login;

/// No order is longer, bead texts included.
const LONGEST_BODY: usize = 1 << 20;

/// Every route of the API with its description; pages are added to it by whoever serves them.
pub(super) fn listed() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(openapi::routes())
        .merge(login::routes())
        .merge(night::routes())
        .merge(projects::routes())
        .merge(beads::routes())
        .merge(closing::routes())
        .merge(work::routes())
        .merge(runs::routes())
        .merge(hand::routes())
        .merge(reach::routes())
        .merge(links::routes())
        .merge(logs::routes())
        .merge(records::routes())
        .merge(briefs::routes())
        .merge(metrics::routes())
        .merge(opinions::routes())
        .merge(stream::routes())
}

/// Every route as it is served, behind the guard of a door. Pages are merged here, beside the API.
pub(super) fn behind(door: Door, desk: Desk) -> Router {
    let (router, api) = listed().split_for_parts();
    let api = openapi::describe(api);
    let guard = Arc::clone(&desk.guard);
    router
        .merge(login::pages())
        .merge(links::pages())
        .merge(pages::routes())
        .fallback(|| async { Problem::gone("there is no such route") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this route does not take that method")
        })
        .layer(Extension(openapi::text(&api)))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state((guard, door), keep))
        .with_state(desk)
}

//! Whether the daemon lives and is ready, for whoever starts and watches it.
//!
//! Owns two bare answers that need no login and tell nothing else. Start with [`routes`].

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// The daemon answers
#[utoipa::path(get, path = "/healthz", tag = "about", security(()),
    responses((status = OK, description = "It lives", body = String, content_type = "text/plain")))]
async fn alive() -> &'static str {
    "ok\n"
}

/// The dispatcher has looked around at least once
#[utoipa::path(get, path = "/readyz", tag = "about", security(()), responses(
    (status = OK, description = "It is ready", body = String, content_type = "text/plain"),
    (status = SERVICE_UNAVAILABLE, description = "It is starting", body = String, content_type = "text/plain"),
))]
async fn ready(State(desk): State<Desk>) -> impl IntoResponse {
    let seen = desk.status.borrow().at.is_some();
    if seen { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "starting\n") }
}

//! How a browser is let in: a link with a one-time code, exchanged for a cookie by a POST (T56).
//!
//! Owns what is open to strangers (two signs of life, the login page and its files), the cookie, and the end of logins. The
//! code stands behind the `#` of the link, so that no server, log or mail scanner ever sees it by fetching. Start with
//! [`routes`].

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router, routing};
use chrono::TimeDelta;
use cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::act;
use super::extract::Json;
use super::guard::{Guard, Who, cookie_name};
use super::keys::{Token, hash, secret};
use super::pages::{Alone, LoginHtml, StrangerHtml, html};
use super::problem::Problem;
use crate::domain::clean::clean_line;

/// How long a browser stays logged in.
const LASTS: TimeDelta = TimeDelta::days(30);

/// Pages and files without any state, the same for everybody.
const LOGIN: LoginHtml = LoginHtml { alone: Alone { title: "Log in to Beadwork", script: "/login/page.js" } };
const STRANGER: StrangerHtml = StrangerHtml { alone: Alone { title: "Beadwork", script: "/login/again.js" } };
const FILES: [(&str, &str, &str); 3] = [
    ("/login/page.css", "text/css; charset=utf-8", include_str!("login/page.css")),
    ("/login/page.js", "text/javascript; charset=utf-8", include_str!("login/page.js")),
    ("/login/again.js", "text/javascript; charset=utf-8", include_str!("login/again.js")),
];

/// What strangers may fetch. Everything else, static files included, needs a token or a login.
pub(super) fn is_open(method: &Method, path: &str) -> bool {
    let read = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/healthz" | "/readyz" | "/login" => read,
        // A one-time link is its own secret: it works on a phone that was never logged in (rules 19.2).
        "/api/session" | "/api/capabilities" => *method == Method::POST,
        other => read && (act::is_open(other) || FILES.iter().any(|(path, _, _)| *path == other)),
    }
}

/// What a browser shows by itself, and not a program's answer.
pub(super) fn is_page(path: &str) -> bool {
    !path.starts_with("/api/") && path != "/metrics"
}

/// Who is not known gets a problem, or on the way to a page one without any state, which tries once more: a cookie is not sent
/// along on the way here from elsewhere (rules 19.2).
pub(super) fn stranger(request: &Parts, problem: Problem) -> Response {
    let accept = request.headers.get(header::ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    let wants_html = accept.windows(9).any(|part| part == b"text/html");
    if request.method == Method::GET && wants_html && is_page(request.uri.path()) {
        return (StatusCode::UNAUTHORIZED, Html(html(&STRANGER))).into_response();
    }
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The login page and its files.
pub fn pages<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new().route("/login", routing::get(async || Html(html(&LOGIN))));
    for (path, kind, text) in FILES {
        router = router.route(path, routing::get(async move || ([(header::CONTENT_TYPE, kind)], text)));
    }
    router
}

/// The routes of logins. `S` is whatever the other routes stand on.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Guard>: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(whoami, login, logout))
        .routes(routes!(invite))
        .routes(routes!(void))
        .routes(routes!(reach))
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
struct Whoami {
    /// `browser`, `token`, `socket`
    by: &'static str,
}

/// Whether this browser is logged in
#[utoipa::path(get, path = "/api/session", tag = "login",
    responses((status = OK, description = "It is", body = Whoami)))]
async fn whoami(Extension(who): Extension<Who>) -> Json<Whoami> {
    let by = match who {
        Who::Browser(_) => "browser",
        Who::Script => "token",
        Who::Peer | Who::Anybody => "socket",
    };
    Json(Whoami { by })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The one-time code of the link.
    code: String,
}

/// Log in with the code of a link
#[utoipa::path(post, path = "/api/session", tag = "login", request_body = Login, security(()),
    responses((status = NO_CONTENT, description = "The cookie is set, and the code is void")))]
async fn login(
    State(guard): State<Arc<Guard>>,
    headers: HeaderMap,
    Json(login): Json<Login>,
) -> Result<impl IntoResponse, Problem> {
    let now = guard.clock.now();
    let fine = guard.keys().codes.redeem(&login.code, now);
    if !fine {
        tokio::time::sleep(super::guard::WRONG).await;
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "this link was used already, or is too old")
            .hint("`bead login` prints a new one"));
    }
    let Some(site) = guard.reach.site(&headers) else {
        return Err(Problem::new(StatusCode::CONFLICT, "a browser logs in over TCP, not over the socket"));
    };
    let fresh = secret(guard.ids.as_ref());
    let name: String = headers
        .get(header::USER_AGENT)
        .map(|v| String::from_utf8_lossy(v.as_bytes()))
        .map(|v| clean_line(&v))
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    guard
        .journal
        .begin_session(&hash(&fresh), now + LASTS, &name)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set(cookie_name(site), fresh, site.https, LASTS))]))
}

/// Log this browser out
#[utoipa::path(delete, path = "/api/session", tag = "login",
    responses((status = NO_CONTENT, description = "The cookie is worth nothing any more")))]
async fn logout(
    State(guard): State<Arc<Guard>>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let (Who::Browser(hash), Some(site)) = (who, guard.reach.site(&headers)) {
        let ended = guard.journal.end_session(&hash);
        ended.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        guard.voided.send_modify(|count| *count += 1);
        let gone = set(cookie_name(site), String::new(), site.https, TimeDelta::zero());
        if let Ok(gone) = HeaderValue::from_str(&gone) {
            response.headers_mut().insert(header::SET_COOKIE, gone);
        }
    }
    Ok(response)
}

fn set(name: String, value: String, secure: bool, lasts: TimeDelta) -> String {
    let mut cookie = Cookie::new(name, value);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Strict);
    cookie.set_secure(secure);
    cookie.set_path("/");
    format!("{cookie}; Max-Age={}", lasts.num_seconds())
}

/// A link for one browser.
#[derive(Debug, Serialize, ToSchema)]
struct Invitation {
    /// One-time, for ten minutes. A link is `<url>/login#<code>`.
    code: String,
    /// For a browser on the daemon's machine; none while it does not listen on TCP.
    link: Option<String>,
    /// For any browser; none without `server.public_url`.
    public_link: Option<String>,
}

/// Make a login link for one browser
#[utoipa::path(post, path = "/api/login-links", tag = "login", request_body = Empty,
    responses((status = CREATED, description = "It can be used once", body = Invitation)))]
async fn invite(State(guard): State<Arc<Guard>>, Json(Empty {}): Json<Empty>) -> impl IntoResponse {
    let now = guard.clock.now();
    let code = guard.keys().codes.issue(guard.ids.as_ref(), now);
    let link = |url: &str| format!("{url}/login#{code}");
    let (here, public) = (guard.reach.url().map(link), guard.reach.public_url().map(link));
    (StatusCode::CREATED, Json(Invitation { link: here, public_link: public, code }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Nothing)]
struct Empty {}

/// Another token; the old one, every login and every link, those in alerts too, are void at once
#[utoipa::path(post, path = "/api/token", tag = "login", request_body = Empty,
    responses((status = NO_CONTENT, description = "`bead token` prints the new one")))]
async fn void(State(guard): State<Arc<Guard>>, Json(Empty {}): Json<Empty>) -> Result<StatusCode, Problem> {
    let failed = |error: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error);
    let fresh = Token::rotate(&guard.path, guard.ids.as_ref()).map_err(|e| failed(e.to_string()))?;
    {
        let mut keys = guard.keys();
        keys.token = fresh;
        keys.codes.forget_all();
    }
    guard.journal.end_all_sessions().map_err(|e| failed(e.to_string()))?;
    guard.journal.void_capabilities().map_err(|e| failed(e.to_string()))?;
    guard.voided.send_modify(|count| *count += 1);
    Ok(StatusCode::NO_CONTENT)
}

/// Where this daemon is reached.
#[derive(Debug, Serialize, ToSchema)]
struct Addresses {
    /// From its own machine; none while it does not listen on TCP.
    url: Option<String>,
    public_url: Option<String>,
}

/// Under which addresses this daemon is reached
#[utoipa::path(get, path = "/api/address", tag = "login",
    responses((status = OK, description = "As far as there are any", body = Addresses)))]
async fn reach(State(guard): State<Arc<Guard>>) -> Json<Addresses> {
    let owned = |url: Option<&str>| url.map(str::to_owned);
    Json(Addresses { url: owned(guard.reach.url()), public_url: owned(guard.reach.public_url()) })
}

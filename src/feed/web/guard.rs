//! The guard before every route: no request reaches a handler that was not sent to us, by us, from our own pages.
//!
//! Owns the order of the questions (T13, T14, T60): which name it was sent to (421), whose page sent it (403), who asks
//! (401), in which form it writes (415); and the headers of every answer. The unix socket asks neither name nor token: the
//! kernel says who the peer is. Start with [`Guard`] and [`keep`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cookie::Cookie;
use tokio::sync::watch;

use super::headers::dress;
pub use super::keys::TokenError;
use super::keys::{self, Codes, Token, hash};
use super::login;
use super::problem::Problem;
use super::reach::{Reach, Site};
use crate::clock::{Clock, Ids};
use crate::journal::Journal;

/// What a wrong token, cookie or code waits for its answer: guessing gets no faster by haste.
pub(super) const WRONG: Duration = Duration::from_millis(100);

/// Everything that tells friends from others.
pub struct Guard {
    pub(super) reach: Reach,
    pub(super) keys: Mutex<Keys>,
    pub(super) path: PathBuf,
    pub(super) journal: Arc<Journal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    /// Counts how often everybody was logged out; long answers end with it.
    pub(super) voided: watch::Sender<u64>,
}

pub(super) struct Keys {
    pub token: Token,
    pub codes: Codes,
}

/// Which way a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The unix socket, whose peers are our own user.
    Socket,
    /// TCP, where anybody may knock.
    Window,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A process of our own user, over the unix socket.
    Peer,
    /// Whoever has the token.
    Script,
    /// A browser that was logged in; the hash of its cookie.
    Browser(String),
    /// Nobody was asked: the route is open.
    Anybody,
}

/// What the guard needs of the state directory.
pub struct Means {
    pub path: PathBuf,
    pub uid: u32,
    pub journal: Arc<Journal>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

impl Guard {
    pub fn new(means: Means, reach: Reach) -> Result<Self, TokenError> {
        let Means { path, uid, journal, clock, ids } = means;
        let token = Token::open(&path, uid, ids.as_ref())?;
        let keys = Mutex::new(Keys { token, codes: Codes::default() });
        Ok(Self { reach, keys, path, journal, clock, ids, voided: watch::Sender::new(0) })
    }

    /// Changes whenever everybody is logged out.
    pub fn voided(&self) -> watch::Receiver<u64> {
        self.voided.subscribe()
    }

    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever the request names by token or cookie; `None` names nobody, an error names somebody wrongly.
    fn who(&self, headers: &HeaderMap, site: &Site) -> Result<Option<Who>, Problem> {
        if let Some(given) = headers.get(header::AUTHORIZATION) {
            let given = given.to_str().ok().and_then(|text| text.split_once(' '));
            let bearer = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return match bearer {
                Some((_, token)) if self.keys().token.is(token.trim()) => Ok(Some(Who::Script)),
                _ => Err(unknown("this token is not valid (any more)")),
            };
        }
        let Some(cookie) = cookie(headers, &cookie_name(site)) else { return Ok(None) };
        let hash = hash(&cookie);
        match self.journal.has_session(&hash) {
            Ok(true) => Ok(Some(Who::Browser(hash))),
            Ok(false) => Err(unknown("this login has ended")),
            Err(error) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        }
    }
}

/// The token itself, for commands of its owner; made where there is none yet.
pub fn token(path: &Path, uid: u32, ids: &dyn Ids) -> Result<String, TokenError> {
    keys::read_or_make(path, uid, ids)
}

/// Another token, while no daemon runs that would have to know.
pub fn rotate_token(path: &Path, ids: &dyn Ids) -> Result<(), TokenError> {
    Token::rotate(path, ids).map(drop)
}

/// Answers every request of one door.
pub async fn keep(State((guard, door)): State<(Arc<Guard>, Door)>, request: Request, next: Next) -> Response {
    let begun = guard.clock.elapsed();
    let (mut parts, body) = request.into_parts();
    let method = parts.method.clone();
    // The route's pattern and not the path: what stands in a path may be a secret (T56).
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let mut response = match admit(&guard, door, &parts).await {
        Ok(who) => {
            parts.extensions.insert(who);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal,
    };
    dress(&mut response);
    let took = guard.clock.elapsed().saturating_sub(begun);
    tracing::debug!(
        target: "beadwork::access",
        %method,
        route = route.as_ref().map_or("-", MatchedPath::as_str),
        status = response.status().as_u16(),
        duration_ms = took.as_millis(),
        "answered"
    );
    response
}

async fn admit(guard: &Guard, door: Door, request: &Parts) -> Result<Who, Response> {
    let headers = &request.headers;
    if door == Door::Socket {
        // No browser speaks to a unix socket; one that says it does was tricked into it.
        if headers.contains_key(header::ORIGIN) {
            return Err(foreign().into_response());
        }
        written_as_json(request).map_err(IntoResponse::into_response)?;
        return Ok(Who::Peer);
    }
    let site = guard.reach.site(headers).ok_or_else(|| misdirected().into_response())?;
    let absolute = request.uri.authority();
    if absolute.is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(&site.host)) {
        return Err(misdirected().into_response());
    }
    let origin = origin(request, site).map_err(IntoResponse::into_response)?;
    if login::is_open(&request.method, request.uri.path()) {
        written_as_json(request).map_err(IntoResponse::into_response)?;
        return Ok(Who::Anybody);
    }
    let who = match guard.who(headers, site) {
        Ok(Some(who)) => who,
        Ok(None) => return Err(login::stranger(request, unknown("a token or a login is needed"))),
        Err(wrong) => {
            tokio::time::sleep(WRONG).await;
            return Err(login::stranger(request, wrong));
        }
    };
    // A cookie comes along with whatever a browser sends: without an origin nobody knows whose page it was.
    let acts = is_write(&request.method) || headers.contains_key(header::UPGRADE);
    if acts && origin == Origin::Silent && who != Who::Script {
        return Err(foreign().into_response());
    }
    written_as_json(request).map_err(IntoResponse::into_response)?;
    Ok(who)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Ours,
    /// Not said: no browser, or one that asks for nothing but a page.
    Silent,
}

/// Refuses what another site's page sent, by both headers that browsers tell it with.
fn origin(request: &Parts, site: &Site) -> Result<Origin, Problem> {
    let headers = &request.headers;
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => Origin::Silent,
        (Some(one), None) if one.as_bytes() == site.origin.as_bytes() => Origin::Ours,
        _ => return Err(foreign()),
    };
    let acts = is_write(&request.method) || headers.contains_key(header::UPGRADE);
    let text = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    match text("sec-fetch-site") {
        None | Some(b"same-origin") => Ok(origin),
        // Typed, or from a bookmark.
        Some(b"none") if !acts => Ok(origin),
        // A link from elsewhere leads to a page; pages show what the cookie allows, and a GET never acts.
        Some(_) => {
            let page =
                text("sec-fetch-mode") == Some(b"navigate") && text("sec-fetch-dest") == Some(b"document");
            let fine = page && !acts && login::is_page(request.uri.path());
            if fine { Ok(origin) } else { Err(foreign()) }
        }
    }
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A form, or a script without our leave, can send every type but this one without asking first.
fn written_as_json(request: &Parts) -> Result<(), Problem> {
    let kind = request.headers.get(header::CONTENT_TYPE);
    let json = kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    });
    let bare = request.method == Method::DELETE && kind.is_none();
    // A method that no route takes is refused as such further on.
    let has_body = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&request.method);
    if !has_body || json || bare {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body is JSON")
        .hint("send `content-type: application/json`"))
}

/// One browser's cookie has its own name for each daemon: ports do not keep cookies apart.
pub(super) fn cookie_name(site: &Site) -> String {
    let port = site.host.rsplit_once(':').map_or("", |(_, port)| port);
    if site.https { "__Host-bead".to_owned() } else { format!("bead-{port}") }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut named = all
        .flat_map(|line| Cookie::split_parse(line.to_owned()))
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name);
    named.next().map(|cookie| cookie.value().to_owned())
}

fn unknown(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
        .hint("`bead token` prints the token for scripts, `bead login` a link for a browser")
}

fn foreign() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "this was not sent by a page of ours")
}

fn misdirected() -> Problem {
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "this daemon does not go by that name")
        .hint("`bead login` prints its address; `server.public_url` in the config adds one")
}

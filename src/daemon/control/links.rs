//! How people answer away from the screen: one-time links, shown by a page and pressed once.
//!
//! Owns when a link still acts: as long as the claim it tells of is the bead's last and has ended, and for an approval
//! while the very work is kept that was looked at (rules 19.2). What it does is what the same verb of `hand` does.
//! Start with [`act`].

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::{Router, routing};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::hand::{Taken, lay};
use super::problem::Problem;
use super::projects::site;
use super::view::Accepted;
use crate::daemon::hand::{Ask, again};
use crate::feed::notify::links::hash;
use crate::feed::web::act::{self as page, Question};
use crate::feed::web::extract::{Json, Path};
use crate::journal::reach::{Action, Capability};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(act))
}

/// The page behind a link, and its script.
pub(super) fn pages() -> Router<Desk> {
    let script = ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], page::SCRIPT);
    Router::new()
        .route(page::SCRIPT_PATH, routing::get(async move || script))
        .route("/act/{capability}", routing::get(ask))
}

const UNKNOWN: &str = "This link is not valid.";
const USED: &str = "This link was used already.";
const OLD: &str = "This link is older than a day.";
const GONE_ON: &str = "The bead has gone on since: this link is for how it stood then.";

/// Shows what a link would do. It never acts: mail scanners fetch links.
async fn ask(State(desk): State<Desk>, Path(secret): Path<String>) -> Result<impl IntoResponse, Problem> {
    let Some(capability) = desk.house.journal.capability(&hash(&secret))? else {
        let question = Question { words: UNKNOWN, ..Question::default() };
        return Ok((StatusCode::NOT_FOUND, Html(page::page(&question))));
    };
    let told = desk.house.journal.stories_of(&capability.project, &capability.bead)?;
    let title = told.last().map(|story| story.order.title.clone()).unwrap_or_default();
    let (press, words) = match (stale(&desk, &capability)?, capability.action) {
        (Some(why), _) => (None, why),
        (None, Action::Approve) if capability.tip.is_none() => {
            (Some("Nothing to do: close it"), "Its agent changed nothing. The bead is closed.")
        }
        (None, Action::Approve) => {
            (Some("Approve"), "What you were shown goes on: gates still run, then it lands.")
        }
        (None, Action::Retry) => (Some("Try again"), "It is worked on again, with what is kept."),
        (None, Action::Park) => (Some("Put aside"), "Nobody works on it until you give it back."),
    };
    let question = Question { press, words, bead: capability.bead.to_string(), title };
    Ok((StatusCode::OK, Html(page::page(&question))))
}

/// Why a link does nothing any more, if so.
fn stale(desk: &Desk, capability: &Capability) -> Result<Option<&'static str>, Problem> {
    if capability.used {
        return Ok(Some(USED));
    }
    if capability.expires <= desk.house.clock.now() {
        return Ok(Some(OLD));
    }
    let newest = desk.house.journal.stories_of(&capability.project, &capability.bead)?.pop();
    let same = newest.as_ref().map(|story| story.id) == capability.story;
    let ended = newest.is_none_or(|story| !story.is_open());
    Ok((!same || !ended).then_some(GONE_ON))
}

/// The secret of a one-time link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Secret {
    capability: String,
}

/// Do what a one-time link is for
#[utoipa::path(post, path = "/api/capabilities", tag = "alerts", request_body = Secret, security(()),
    responses((status = ACCEPTED, description = "It is done, and the link is void", body = Accepted)))]
async fn act(State(desk): State<Desk>, Json(secret): Json<Secret>) -> Taken {
    let hash = hash(&secret.capability);
    let Some(capability) = desk.house.journal.capability(&hash)? else { return Err(Problem::gone(UNKNOWN)) };
    if let Some(why) = stale(&desk, &capability)? {
        return Err(Problem::new(StatusCode::CONFLICT, why));
    }
    let ask = match capability.action {
        Action::Approve => {
            let site = site(&desk, capability.project.as_str()).await?;
            let kept = again::kept(&desk.house, &site, &capability.bead)?;
            // That nothing is to be done is no word about work.
            if capability.tip.is_some() && kept.map(|(_, tip)| tip) != capability.tip {
                return Err(Problem::new(StatusCode::CONFLICT, "this is not the work that was shown to you")
                    .hint("look at the bead as it is now"));
            }
            // Looked at once more where it is done, under the bead's lock.
            capability.tip.clone().map_or(Ask::Approve, |tip| Ask::ApproveShown { tip: Some(tip) })
        }
        Action::Retry => Ask::Retry { fresh: false },
        Action::Park => Ask::Park { reason: "put aside from a notification".to_owned() },
    };
    // Of two presses one gets it.
    let Some(capability) = desk.house.journal.use_capability(&hash)? else {
        return Err(Problem::new(StatusCode::CONFLICT, USED));
    };
    lay(&desk, (capability.project.to_string(), capability.bead.to_string()), ask).await
}

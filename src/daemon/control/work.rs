//! Work on a bead that a person asks for: begun in the background, told by a stream.
//!
//! Owns the answer of such work, kept until somebody fetched it, whoever asked first. Start with [`work`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot, watch};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::hub::{Said, Told};
use super::problem::Problem;
use super::projects::site;
use crate::daemon::dispatch::status::RunningBead;
use crate::daemon::dispatch::{Key, Order};
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::daemon::work::WorkRequest;
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::feed::web::extract::{Json, Path};
use crate::lifecycle::Story;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(work))
}

/// How long an answer waits for what becomes of the order: one that is not begun by then waits for a slot.
const BEGIN: Duration = Duration::from_millis(750);
/// Once begun, it has its run in a moment: claimed, and its attempt written down.
const ATTEMPT: Duration = Duration::from_secs(8);
/// Another process may have begun it, and nobody tells us.
const LOOK: Duration = Duration::from_millis(100);

/// How the last work on a bead that a person asked for ended: none while it goes on.
type Outcome = watch::Receiver<Option<Value>>;

#[derive(Clone, Default)]
pub(super) struct Works {
    all: Arc<Mutex<HashMap<Key, Outcome>>>,
}

impl Works {
    pub(super) fn of(&self, key: &Key) -> Option<Outcome> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn begin(&self, key: Key) -> watch::Sender<Option<Value>> {
        let sender = watch::Sender::new(None);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(key, sender.subscribe());
        sender
    }
}

/// How the bead shall be worked on; `{}` for as usual.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Wish {
    /// Go on where a refusal said `can_force`.
    force: bool,
    /// Land without gates.
    no_gates: bool,
    /// Land without the review that the project asks for.
    no_review: bool,
    /// A branch other than the project's own target.
    target: Option<String>,
    model: Option<String>,
}

/// Work that has begun, or goes on.
#[derive(Debug, Serialize, ToSchema)]
struct Begun {
    project: String,
    bead: String,
    /// The run that works on it now; none while it waits for a slot, goes on without an agent, or its attempt did not begin
    /// within some seconds.
    run: Option<String>,
    /// Where its stream is to be read from, to hear all of it.
    since: u64,
    /// False: it was being worked on already, and this is that work.
    started: bool,
}

/// Work on a bead now, in the background
#[utoipa::path(post, path = "/api/projects/{project}/work/{bead}", tag = "work", request_body = Wish,
    params(("project" = String, Path, description = "Its name or id"), ("bead" = String, Path)),
    responses((status = ACCEPTED, description = "The stream tells how it goes on, a late refusal too", body = Begun)))]
async fn work(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
    Json(wish): Json<Wish>,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    let bead = BeadId::new(bead);
    site.tracker.show(&bead).await?;
    let since = desk.house.journal.last_seq()?;
    let key: Key = (site.id.clone(), bead.clone());
    // Whoever asked first, a person or the night: this is that work (rules 20.5).
    let asked = desk.works.of(&key).is_some_and(|outcome| outcome.borrow().is_none());
    let live = |running: &RunningBead| running.project == key.0 && running.bead == key.1;
    let running = asked || desk.status.borrow().running.iter().any(live);
    let news = desk.hub.listen();
    let mut refusal = None;
    if !running {
        let (answer, answered) = oneshot::channel();
        let Wish { force, no_gates, no_review, target, model } = wish;
        let request = WorkRequest {
            force,
            no_gates,
            no_review,
            target,
            model,
            unattended: false,
            ..WorkRequest::unattended(bead.clone())
        };
        let outcome = desk.works.begin(key.clone());
        let hub = desk.hub.clone();
        desk.order(Order::Work { project: site.id.clone(), request, answer }).await?;
        let (early, refused_early) = oneshot::channel();
        refusal = Some(refused_early);
        tokio::spawn(async move {
            let told = match answered.await {
                Ok(Ok(ended)) => with_hints(ended.result_line(), ended.hints()),
                Ok(Err(EngineError::Refused(refusal))) => {
                    let told = refused(&refusal);
                    // Whoever asked may have gone, or waited long enough.
                    let _ = early.send(refusal);
                    told
                }
                Ok(Err(error)) => refused(&Refusal::new(error.to_string())),
                Err(_) => refused(&Refusal::new("the daemon stopped before the bead was done")),
            };
            outcome.send_replace(Some(told));
            let (project, bead) = key;
            hub.tell(Told { project, bead, said: Said::Outcome });
        });
    }
    let run = run_or_refused(&desk, (&site.id, &bead), refusal, news).await?.map(|run| run.to_string());
    let begun = Begun { project: site.id.to_string(), bead: bead.to_string(), run, since, started: !running };
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// Waits for the run that works on the bead, or for a refusal: most refusals are quick, and a person who pressed a button
/// shall see them where they pressed it.
async fn run_or_refused(
    desk: &Desk,
    (project, bead): (&ProjectId, &BeadId),
    mut refusal: Option<oneshot::Receiver<Refusal>>,
    mut news: broadcast::Receiver<Arc<Told>>,
) -> Result<Option<RunId>, Problem> {
    let begun = tokio::time::Instant::now();
    loop {
        let story = desk.house.journal.open_story_of(project, bead)?;
        let run = story.as_ref().and_then(|story| story.run().cloned());
        // What was approved goes straight to its gates: no run works on it.
        let straight = |story: &Story| story.order.again.as_ref().is_some_and(|again| again.straight);
        if run.is_some() || story.as_ref().is_some_and(straight) {
            return Ok(run);
        }
        let until = begun + if story.is_some() { ATTEMPT } else { BEGIN };
        if tokio::time::Instant::now() >= until {
            return Ok(None);
        }
        let refused = async {
            match &mut refusal {
                Some(refusal) => refusal.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            refused = refused => match refused {
                Ok(refusal) => return Err(refusal.into()),
                // It ended otherwise, and its stream tells how.
                Err(_) => return Ok(None),
            },
            () = concerning(&mut news, (project, bead)) => {}
            () = tokio::time::sleep_until(until.min(tokio::time::Instant::now() + LOOK)) => {}
        }
    }
}

/// Ends when something happened to the bead.
async fn concerning(news: &mut broadcast::Receiver<Arc<Told>>, (project, bead): (&ProjectId, &BeadId)) {
    loop {
        match news.recv().await {
            Ok(told) if told.project == *project && told.bead == *bead && told.said == Said::Event => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

pub(super) fn with_hints(mut line: Value, hints: Vec<String>) -> Value {
    line["hints"] = json!(hints);
    line
}

fn refused(refusal: &Refusal) -> Value {
    json!({
        "type": "refused",
        "reason": refusal.message,
        "hints": refusal.hints,
        "can_force": refusal.can_force,
    })
}

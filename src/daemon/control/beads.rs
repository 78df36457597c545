//! Routes about beads and their runs.
//!
//! Owns work that a person starts through the daemon: its answer is kept until somebody fetched it, whoever
//! asked first. Start with [`work`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use super::Desk;
use super::problem::Problem;
use super::routes::{accepted, order, site};
use crate::daemon::dispatch::{Key, Order};
use crate::daemon::error::EngineError;
use crate::daemon::queue;
use crate::daemon::refusal::Refusal;
use crate::daemon::work::WorkRequest;
use crate::domain::ids::{BeadId, RunId};
use crate::journal::read::Filter;

/// How the last work on a bead that a person asked for ended: none while it goes on.
pub(super) type Outcome = watch::Receiver<Option<Value>>;

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

/// All beads as `bd list --all --json` has them.
pub(super) async fn list(
    State(desk): State<Desk>,
    Path(project): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    let snapshot = site.tracker.snapshot().await?;
    let beads: Vec<_> = snapshot.beads.iter().filter_map(|bead| snapshot.json(&bead.id)).collect();
    Ok(Json(beads).into_response())
}

pub(super) async fn why(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    let id = BeadId::new(bead);
    let mut why = queue::why(&desk.house, &site, &id).await?;
    let status = desk.status.borrow().clone();
    let waiting = status.waiting.iter().find(|w| w.project == site.id && w.bead == id);
    if let Some(waiting) = waiting.filter(|_| matches!(why.state, "ready" | "suspended")) {
        why.sentence = format!("`{id}` waits: {}", waiting.reason);
    } else if why.state == "ready" && status.state == "waiting" {
        // Outside its windows a night does not even look at its beads.
        let next = status.next.map(|at| format!("the next one opens at {}", at.format("%Y-%m-%d %H:%M UTC")));
        let next = next.unwrap_or_else(|| "none is to come".to_owned());
        why.sentence = format!("`{id}` waits: no window is open, and {next}");
    }
    Ok(Json(json!({ "id": id, "ready": why.ready, "state": why.state, "reason": why.sentence })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wish {
    force: bool,
    no_gates: bool,
    target: Option<String>,
    model: Option<String>,
}

/// Starts in the background; the stream tells how it goes on.
pub(super) async fn work(
    State(desk): State<Desk>,
    Path((project, bead)): Path<(String, String)>,
    Json(wish): Json<Wish>,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    let bead = BeadId::new(bead);
    site.tracker.show(&bead).await?;
    let since = desk.house.journal.last_seq()?;
    let key: Key = (site.id.clone(), bead.clone());
    let running = desk.works.of(&key).is_some_and(|outcome| outcome.borrow().is_none());
    if !running {
        let (answer, answered) = oneshot::channel();
        let Wish { force, no_gates, target, model } = wish;
        let request = WorkRequest { bead: bead.clone(), force, no_gates, target, model, unattended: false };
        let outcome = desk.works.begin(key);
        order(&desk, Order::Work { project: site.id.clone(), request, answer }).await?;
        tokio::spawn(async move {
            let told = match answered.await {
                Ok(Ok(ended)) => with_hints(ended.result_line(), ended.hints()),
                Ok(Err(EngineError::Refused(refusal))) => refused(&refusal),
                Ok(Err(error)) => refused(&Refusal::new(error.to_string())),
                Err(_) => refused(&Refusal::new("the daemon stopped before the bead was done")),
            };
            outcome.send_replace(Some(told));
        });
    }
    let body = json!({ "project": site.id, "bead": bead, "since": since, "started": !running });
    Ok((StatusCode::ACCEPTED, Json(body)))
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

pub(super) async fn runs(
    State(desk): State<Desk>,
    Path(project): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let site = site(&desk, &project).await?;
    let filter = Filter { project: Some(site.id), ..Filter::default() };
    let mut rows = desk.house.journal.runs(&filter, 200)?;
    desk.house.mark_interrupted(&mut rows);
    Ok(Json(rows))
}

pub(super) async fn cancel(
    State(desk): State<Desk>,
    Path((project, run)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let key = bead_of(&desk, &project, &run).await?;
    let (answer, answered) = oneshot::channel();
    told(order(&desk, Order::Cancel { key, answer }).await, answered).await
}

pub(super) async fn pause(
    State(desk): State<Desk>,
    Path((project, run)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let key = bead_of(&desk, &project, &run).await?;
    let (answer, answered) = oneshot::channel();
    told(order(&desk, Order::Pause { key, answer }).await, answered).await
}

pub(super) async fn resume(
    State(desk): State<Desk>,
    Path((project, run)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let key = bead_of(&desk, &project, &run).await?;
    let (answer, answered) = oneshot::channel();
    told(order(&desk, Order::Resume { key, answer }).await, answered).await
}

async fn told(
    sent: Result<(), Problem>,
    answered: oneshot::Receiver<Result<String, Refusal>>,
) -> Result<impl IntoResponse, Problem> {
    sent?;
    match answered.await {
        Ok(Ok(text)) => Ok(accepted(&text)),
        Ok(Err(refusal)) => Err(refusal.into()),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping")),
    }
}

/// The bead of a run; a bead's own id is taken too.
async fn bead_of(desk: &Desk, project: &str, run: &str) -> Result<Key, Problem> {
    let site = site(desk, project).await?;
    let Some(id) = RunId::parse(run) else {
        let bead = BeadId::new(run);
        site.tracker.show(&bead).await?;
        return Ok((site.id, bead));
    };
    let filter = Filter { project: Some(site.id.clone()), run: Some(id), ..Filter::default() };
    let row = desk.house.journal.runs(&filter, 1)?.pop();
    match row.and_then(|row| row.bead) {
        Some(bead) => Ok((site.id, BeadId::new(bead))),
        None => Err(Problem::gone(format!("no run `{run}` is known in `{project}`"))),
    }
}

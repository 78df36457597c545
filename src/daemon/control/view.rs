//! The shapes that routes answer with, and take, where no room has one of its own.
//!
//! Owns what the API promises beside the journal's and the tracker's own JSON; those two are described here and passed
//! on as they are. Start with [`RunView`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::journal::projects::Registered;
use crate::journal::read::RunRow;

/// A body that says nothing: `{}`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// An order was taken; what becomes of it stands in the stream of events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// What will happen, in one sentence.
    pub accepted: String,
}

/// A registered repository.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub(super) struct ProjectView {
    pub id: String,
    /// What people call it: unique.
    pub name: String,
    pub path: String,
}

impl From<Registered> for ProjectView {
    fn from(it: Registered) -> Self {
        let path = it.path.to_string_lossy().into_owned();
        Self { id: it.id.to_string(), name: it.name, path }
    }
}

/// One supervised execution, as `bead runs` lists it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct RunView {
    pub run: String,
    /// `work`, `gate`, `review`, `shell`
    pub kind: String,
    pub project: Option<String>,
    pub bead: Option<String>,
    pub attempt: Option<u32>,
    /// `running`, `completed`, `failed`, `timeout`, `cancelled`, `suspended`, `interrupted`
    pub state: String,
    pub cause: Option<String>,
    /// RFC 3339, UTC
    pub started: String,
    pub ended: Option<String>,
    /// Path of the readable log, relative to the state directory.
    pub log: String,
    pub cost_usd: f64,
}

impl From<RunRow> for RunView {
    fn from(row: RunRow) -> Self {
        let RunRow { run, kind, project, bead, attempt, state, cause, started, ended, log, cost_usd } = row;
        Self { run, kind, project, bead, attempt, state, cause, started, ended, log, cost_usd }
    }
}

/// One bead in the field names of `bd`; a tracker may have more fields than these.
#[derive(ToSchema)]
#[schema(as = Bead)]
#[expect(dead_code, reason = "it describes what the tracker gives")]
pub(super) struct BeadView {
    id: String,
    title: String,
    description: Option<String>,
    /// `open`, `in_progress`, `blocked`, `deferred`, `closed`, or a status of the tracker's own
    status: Option<String>,
    /// 0 is the most urgent
    priority: Option<i64>,
    issue_type: Option<String>,
    assignee: Option<String>,
    labels: Option<Vec<String>>,
}

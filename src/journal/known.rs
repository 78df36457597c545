//! What the journal knows of a run or a bead, asked one by one: a reaping never reads all of the past.
//!
//! Owns the small questions that an index answers. What follows from the answers is for `daemon::reap`.
//! Start with [`Journal::owner_of`].

use std::collections::BTreeSet;

use rusqlite::params;

use super::ask::first;
use super::{Journal, JournalError};
use crate::domain::ids::{BeadId, ProjectId, RunId};

impl Journal {
    /// The bead that a run belongs to.
    pub fn owner_of(&self, run: &RunId) -> Result<Option<(ProjectId, BeadId)>, JournalError> {
        let row: Option<(Option<String>, Option<String>)> =
            self.row("SELECT project, bead FROM runs WHERE run = ?1", params![run.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(row.and_then(|(project, bead)| Some((project_id(project?)?, BeadId::new(bead?)))))
    }

    /// Where a run's readable log lies, relative to the state directory.
    pub fn log_of(&self, run: &RunId) -> Result<Option<String>, JournalError> {
        self.row("SELECT log FROM runs WHERE run = ?1", params![run.as_str()], first)
    }

    /// Nonces of the agent containers that were announced for a run, reviewers among them.
    pub fn nonces_of(&self, run: &RunId) -> Result<BTreeSet<String>, JournalError> {
        let all: Vec<Option<String>> = self.rows(
            "SELECT body ->> 'nonce' FROM events WHERE run = ?1
             AND type IN ('agent_starting', 'review_started')
             UNION SELECT j.value FROM events e, json_each(e.body, '$.outside.nonces') j
             WHERE e.run = ?1 AND e.type = 'run_started'",
            params![run.as_str()],
            first,
        )?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Every bead of a project that was ever claimed.
    pub fn beads_of(&self, project: &ProjectId) -> Result<Vec<BeadId>, JournalError> {
        let all: Vec<String> = self.rows(
            "SELECT DISTINCT bead FROM stories WHERE project = ?1",
            params![project.as_str()],
            first,
        )?;
        Ok(all.into_iter().map(BeadId::new).collect())
    }
}

/// An id as it stands in a column; none where it is no such id.
pub(super) fn project_id(text: String) -> Option<ProjectId> {
    serde_json::from_value(serde_json::Value::String(text)).ok()
}

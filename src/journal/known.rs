//! What the journal knows of a run or a bead, asked one by one: a reaping never reads all of the past.
//!
//! Owns the small questions that an index answers. What follows from the answers is for `daemon::reap`.
//! Start with [`Journal::owner_of`] and [`Journal::told_of`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};

use super::{Journal, JournalError};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::lifecycle::Story;

impl Journal {
    /// The bead that a run belongs to.
    pub fn owner_of(&self, run: &RunId) -> Result<Option<(ProjectId, BeadId)>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT project, bead FROM runs WHERE run = ?1")
            .map_err(|e| self.db(e))?;
        let row: Option<(Option<String>, Option<String>)> = query
            .query_row(params![run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|e| self.db(e))?;
        Ok(row.and_then(|(project, bead)| Some((project_id(project?)?, BeadId::new(bead?)))))
    }

    /// Where a run's readable log lies, relative to the state directory.
    pub fn log_of(&self, run: &RunId) -> Result<Option<String>, JournalError> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT log FROM runs WHERE run = ?1").map_err(|e| self.db(e))?;
        query.query_row(params![run.as_str()], |row| row.get(0)).optional().map_err(|e| self.db(e))
    }

    /// Every story of a bead, oldest first, each with when its last event was written.
    pub fn told_of(
        &self,
        project: &ProjectId,
        bead: &BeadId,
    ) -> Result<Vec<(Story, DateTime<Utc>)>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached(
                "SELECT s.id, s.story, e.at FROM stories s JOIN events e ON e.seq = s.seq
                 WHERE s.project = ?1 AND s.bead = ?2 ORDER BY s.id",
            )
            .map_err(|e| self.db(e))?;
        let rows = query
            .query_map(params![project.as_str(), bead.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })
            .map_err(|e| self.db(e))?;
        rows.map(|row| {
            let (id, json, at) = row.map_err(|e| self.db(e))?;
            let id = u64::try_from(id).unwrap_or(0);
            let story: Story = serde_json::from_str(&json).map_err(|why| self.unreadable(id, &why))?;
            let at = DateTime::parse_from_rfc3339(&at).map_err(|why| self.unreadable(id, &why))?;
            Ok((story, at.with_timezone(&Utc)))
        })
        .collect()
    }

    /// Nonces of the agent containers that were announced for a run.
    pub fn nonces_of(&self, run: &RunId) -> Result<BTreeSet<String>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached(
                "SELECT body ->> 'nonce' FROM events WHERE run = ?1 AND type = 'agent_starting' ORDER BY seq",
            )
            .map_err(|e| self.db(e))?;
        let rows = query
            .query_map(params![run.as_str()], |row| row.get::<_, Option<String>>(0))
            .map_err(|e| self.db(e))?;
        let all: Result<Vec<_>, _> = rows.collect();
        Ok(all.map_err(|e| self.db(e))?.into_iter().flatten().collect())
    }

    /// Every bead of a project that was ever claimed.
    pub fn beads_of(&self, project: &ProjectId) -> Result<Vec<BeadId>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT DISTINCT bead FROM stories WHERE project = ?1")
            .map_err(|e| self.db(e))?;
        let rows = query
            .query_map(params![project.as_str()], |row| row.get::<_, String>(0))
            .map_err(|e| self.db(e))?;
        rows.map(|row| row.map(BeadId::new).map_err(|e| self.db(e))).collect()
    }
}

fn project_id(text: String) -> Option<ProjectId> {
    serde_json::from_value(serde_json::Value::String(text)).ok()
}

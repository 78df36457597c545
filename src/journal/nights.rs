//! Reading the journal by stretches: where a moment lies in it, and which stories reach into a stretch.
//!
//! Owns two queries for those who tell of a night as it was, whenever they are asked. It writes nothing. Start
//! with [`Journal::open_at`].

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::ask::{first, micros, signed, unsigned};
use super::known::project_id;
use super::{Journal, JournalError};
use crate::domain::ids::{BeadId, ProjectId};

/// A story by its number, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryRef {
    pub id: u64,
    pub project: ProjectId,
    pub bead: BeadId,
}

impl Journal {
    /// The newest event before a moment; 0 where there is none.
    pub fn last_before(&self, at: DateTime<Utc>) -> Result<u64, JournalError> {
        // From the end backwards: what is asked about is usually yesterday.
        let seq = self.row(
            "SELECT seq FROM events WHERE at < ?1 ORDER BY seq DESC LIMIT 1",
            params![micros(at)],
            first,
        )?;
        Ok(seq.map_or(0, unsigned))
    }

    /// Stories that began before this event and were open when it came, oldest first.
    pub fn open_at(&self, seq: u64) -> Result<Vec<StoryRef>, JournalError> {
        let rows = self.rows(
            "SELECT id, project, bead FROM stories WHERE id < ?1 AND (open = 1 OR seq >= ?1) ORDER BY id",
            params![signed(seq)],
            |row| Ok((unsigned(row.get(0)?), row.get(1)?, row.get::<_, String>(2)?)),
        )?;
        let known = rows.into_iter().filter_map(|(id, project, bead)| {
            Some(StoryRef { id, project: project_id(project)?, bead: BeadId::new(bead) })
        });
        Ok(known.collect())
    }
}

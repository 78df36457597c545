//! What gates said of a tree before, and pushes that are still to be made.
//!
//! Owns two small tables beside the events: they can be lost without losing a story, only work is done again.
//! Only passes are kept of a gate, and one run of a failing base (rules 17.2). Start with
//! [`Journal::gate_said`].

use rusqlite::params;

use super::ask::{first, signed, unsigned};
use super::{Journal, JournalError};
use crate::domain::ids::{BeadId, Oid, ProjectId};

/// What a gate's run on a tree is kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It passed.
    Pass,
    /// It was run on a base and did not pass.
    Base,
}

impl Said {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Base => "base",
        }
    }
}

/// A commit that a branch of a remote shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub story: u64,
    pub bead: BeadId,
    pub remote: String,
    pub branch: String,
    pub commit: Oid,
    /// Why the last try failed, empty before the first.
    pub last: String,
}

/// Created wherever they are missing.
pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS gate_cache (
  key TEXT NOT NULL, said TEXT NOT NULL, at TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (key, said));
CREATE TABLE IF NOT EXISTS pushes (
  story INTEGER PRIMARY KEY, project TEXT NOT NULL, bead TEXT NOT NULL, remote TEXT NOT NULL,
  branch TEXT NOT NULL, oid TEXT NOT NULL, last TEXT NOT NULL);
";

impl Journal {
    /// What was kept of an earlier run with this key.
    pub fn gate_said(&self, key: &str, said: Said) -> Result<Option<String>, JournalError> {
        let params = params![key, said.as_str()];
        self.row("SELECT detail FROM gate_cache WHERE key = ?1 AND said = ?2", params, first)
    }

    pub fn keep_gate(&self, key: &str, said: Said, detail: &str) -> Result<(), JournalError> {
        let at = self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        self.execute(
            "INSERT OR REPLACE INTO gate_cache (key, said, at, detail) VALUES (?1, ?2, ?3, ?4)",
            params![key, said.as_str(), at, detail],
        )?;
        Ok(())
    }

    /// Notes a push before it is tried; noting it again changes nothing but why it failed.
    pub fn owe_push(&self, project: &ProjectId, owed: &Owed) -> Result<(), JournalError> {
        self.execute(
            "INSERT OR REPLACE INTO pushes (story, project, bead, remote, branch, oid, last)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                signed(owed.story),
                project.as_str(),
                owed.bead.as_str(),
                owed.remote,
                owed.branch,
                owed.commit.as_str(),
                owed.last
            ],
        )?;
        Ok(())
    }

    /// Pushes of a project that are still to be made, oldest first.
    pub fn owed_pushes(&self, project: &ProjectId) -> Result<Vec<Owed>, JournalError> {
        let rows = self.rows(
            "SELECT story, bead, remote, branch, oid, last FROM pushes WHERE project = ?1 ORDER BY story",
            params![project.as_str()],
            |row| {
                let text = |at| row.get::<_, String>(at);
                Ok((unsigned(row.get(0)?), text(1)?, text(2)?, text(3)?, text(4)?, text(5)?))
            },
        )?;
        let mut owed = Vec::new();
        for (story, bead, remote, branch, oid, last) in rows {
            let commit = Oid::parse(&oid).map_err(|why| self.unreadable(story, &why))?;
            owed.push(Owed { story, bead: BeadId::new(bead), remote, branch, commit, last });
        }
        Ok(owed)
    }

    pub fn push_made(&self, story: u64) -> Result<(), JournalError> {
        self.execute("DELETE FROM pushes WHERE story = ?1", params![signed(story)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

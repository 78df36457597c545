//! The registered projects: which repositories a night works through.
//!
//! Owns the one table of names and folders. Whether a folder still is a repository is for `daemon` to find
//! out when it opens it. Start with [`Registered`].

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, params};

use super::{Journal, JournalError};
use crate::domain::ids::ProjectId;

/// One registered repository.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Registered {
    pub id: ProjectId,
    /// What people call it: unique.
    pub name: String,
    pub path: PathBuf,
}

impl Journal {
    /// All of them, by name.
    pub fn projects(&self) -> Result<Vec<Registered>, JournalError> {
        self.rows("SELECT name, path FROM projects ORDER BY name", [], |row| {
            let path = PathBuf::from(row.get::<_, String>(1)?);
            Ok(Registered { id: ProjectId::of_path(&path), name: row.get(0)?, path })
        })
    }

    /// Registers a repository by its root. The same root again changes its name; a name that another one has
    /// is given with that one's path.
    pub fn add_project(&self, name: &str, path: &Path) -> Result<Result<(), PathBuf>, JournalError> {
        let id = ProjectId::of_path(path);
        let added = self.clock.now().to_rfc3339();
        let connection = self.lock();
        let other: Option<String> = connection
            .query_row(
                "SELECT path FROM projects WHERE name = ?1 AND id <> ?2",
                params![name, id.as_str()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.db(e))?;
        if let Some(other) = other {
            return Ok(Err(PathBuf::from(other)));
        }
        connection
            .execute(
                "INSERT INTO projects (id, name, path, added) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET name = ?2",
                params![id.as_str(), name, path.to_string_lossy(), added],
            )
            .map_err(|e| self.db(e))?;
        Ok(Ok(()))
    }

    /// Forgets a project. Its beads, logs and refs stay.
    pub fn remove_project(&self, name: &str) -> Result<bool, JournalError> {
        let removed = self.execute("DELETE FROM projects WHERE name = ?1", [name])?;
        Ok(removed > 0)
    }
}

#[cfg(test)]
mod tests;

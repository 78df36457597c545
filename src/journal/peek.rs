//! A look at a journal without opening it: nothing is made, migrated, backed up or written.
//!
//! Owns what can be said of a journal that may be damaged, older or newer, for `bead doctor`. Start with [`peek`].

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags};

use super::projects::Registered;
use super::{JournalError, backup};
use crate::domain::ids::ProjectId;

/// What a look tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peek {
    pub format: u32,
    pub events: u64,
    /// SQLite's own verdict; `ok` is good.
    pub verdict: String,
    pub projects: Vec<Registered>,
    /// How many devices subscribed to push.
    pub devices: u32,
    /// Channels whose last try failed: name and why. Devices that are forgotten are left out.
    pub failing: Vec<(String, String)>,
}

/// Looks at the journal; `None` where there is none.
pub fn peek(path: &Path) -> Result<Option<Peek>, JournalError> {
    if !path.exists() {
        return Ok(None);
    }
    let db = |source| JournalError::Database { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(db)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(db)?;
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(db)?;
    let format = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(db)?;
    let events: i64 =
        connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)).map_err(db)?;
    let mut projects = Vec::new();
    // Formats before the second have no such table.
    if let Ok(mut query) = connection.prepare("SELECT name, path FROM projects ORDER BY name") {
        let rows = query.query_map([], |row| {
            let path = PathBuf::from(row.get::<_, String>(1)?);
            Ok(Registered { id: ProjectId::of_path(&path), name: row.get(0)?, path })
        });
        projects = rows.map_err(db)?.collect::<Result<_, _>>().map_err(db)?;
    }
    // Nor those of alerts.
    let devices = connection.query_row("SELECT count(*) FROM devices", [], |row| row.get(0)).unwrap_or(0);
    let mut failing = Vec::new();
    if let Ok(mut query) = connection.prepare(super::channels::FAILING) {
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(db)?;
        failing = rows.collect::<Result<_, _>>().map_err(db)?;
    }
    let events = u64::try_from(events).unwrap_or(0);
    Ok(Some(Peek { format, events, verdict, projects, devices, failing }))
}

/// The newest backup that passes SQLite's check, and when it was made.
pub fn last_backup(journal: &Path) -> Option<(PathBuf, DateTime<Utc>)> {
    let path = backup::newest_good(journal)?;
    let made = std::fs::metadata(&path).and_then(|found| found.modified()).ok()?;
    Some((path, made.into()))
}

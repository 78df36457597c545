//! Backups of the journal: one a day, seven kept, each opened and checked before it counts.
//!
//! Owns where they lie and how one is put back. It never restores by itself: a damaged journal is a matter
//! for its user (F34). Start with [`if_due`] and [`newest_good`].

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{Journal, JournalError};

const KEPT: usize = 7;

/// A larger journal takes seconds to copy: whoever opens it does not wait for that.
const COPIED_ON_OPEN: u64 = 64 << 20;

/// As [`if_due`], for a journal that was just opened: a large one is left to the daemon and to `bead gc`.
pub(super) fn on_open(journal: &Journal) -> Result<(), JournalError> {
    let size = std::fs::metadata(journal.path()).map_or(0, |found| found.len());
    if size > COPIED_ON_OPEN { Ok(()) } else { if_due(journal) }
}

/// Makes a backup when there is none of today. The day is UTC, as everything in the journal. Blocking, but
/// nobody else waits: it reads through a connection of its own.
pub fn if_due(journal: &Journal) -> Result<(), JournalError> {
    let today = journal.clock.now().format("%Y%m%d").to_string();
    let dir = folder(journal.path());
    let to = dir.join(format!("journal-{today}.db"));
    if to.exists() {
        return Ok(());
    }
    let io = |source| JournalError::Io { path: dir.clone(), source };
    std::fs::create_dir_all(&dir).map_err(io)?;
    let temp = dir.join(format!(".{today}-{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temp);
    let own = Connection::open(journal.path()).map_err(|e| journal.db(e))?;
    own.busy_timeout(std::time::Duration::from_secs(20)).map_err(|e| journal.db(e))?;
    own.execute("VACUUM INTO ?1", [temp.to_string_lossy()]).map_err(|e| journal.db(e))?;
    drop(own);
    if !is_good(&temp) {
        let _ = std::fs::remove_file(&temp);
        let what = "a fresh backup of it does not pass SQLite's check".to_owned();
        return Err(JournalError::Damaged { path: journal.path().to_owned(), what, restore: None });
    }
    std::fs::rename(&temp, &to).map_err(io)?;
    for old in all(journal.path()).into_iter().rev().skip(KEPT) {
        std::fs::remove_file(&old).map_err(|source| JournalError::Io { path: old.clone(), source })?;
    }
    Ok(())
}

/// Keeps the journal as an older program left it, beside the daily ones, before its format changes (F48).
pub(super) fn before_migration(path: &Path, from: &Connection, format: u32) -> Result<(), JournalError> {
    let dir = folder(path);
    let to = dir.join(format!("format-{format}.db"));
    let db = |source| JournalError::Database { path: path.to_owned(), source };
    if path == Path::new(super::schema::MEMORY) || is_good(&to) {
        return Ok(());
    }
    let io = |source| JournalError::Io { path: dir.clone(), source };
    std::fs::create_dir_all(&dir).map_err(io)?;
    let temp = dir.join(format!(".format-{format}-{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temp);
    from.execute("VACUUM INTO ?1", [temp.to_string_lossy()]).map_err(db)?;
    std::fs::rename(&temp, &to).map_err(io)
}

/// The newest backup that opens and passes the check.
pub fn newest_good(journal: &Path) -> Option<PathBuf> {
    all(journal).into_iter().rev().find(|path| is_good(path))
}

/// What a user types to put a backup back. The damaged file is kept.
pub fn restore_command(journal: &Path, good: &Path) -> String {
    let j = journal.display();
    format!(
        "mv '{j}' '{j}.damaged'; rm -f '{j}-wal' '{j}-shm' '{}'; cp '{}' '{j}'",
        journal.with_extension("head").display(),
        good.display()
    )
}

fn folder(journal: &Path) -> PathBuf {
    journal.with_file_name("backups")
}

/// Oldest first: the names carry the day.
fn all(journal: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder(journal))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("journal-")))
        .collect();
    found.sort();
    found
}

fn is_good(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let verdict = Connection::open_with_flags(path, flags)
        .and_then(|c| c.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)));
    verdict.is_ok_and(|v| v == "ok")
}

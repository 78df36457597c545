//! Opening the database: its tables, its settings, and the refusal to work on a damaged one.
//!
//! Owns the schema and its version, the SQLite version check, and the `head` file that notices a deleted
//! write-ahead log (F34). It writes no events. Start with `open`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::{FORMAT, JournalError, backup};

/// Up to this size every open checks the whole file; larger ones are checked when they are backed up.
const CHECKED_ON_OPEN: u64 = 64 << 20;

/// The path of a journal that has no file.
pub(super) const MEMORY: &str = ":memory:";

pub(super) const TABLES: &str = "
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, project TEXT, bead TEXT, run TEXT, attempt INTEGER,
  type TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_bead ON events (project, bead, seq);
CREATE INDEX events_run ON events (run, seq);
CREATE TABLE stories (
  id INTEGER PRIMARY KEY, project TEXT NOT NULL, bead TEXT NOT NULL, open INTEGER NOT NULL,
  seq INTEGER NOT NULL, story TEXT NOT NULL);
CREATE UNIQUE INDEX stories_open ON stories (project, bead) WHERE open = 1;
CREATE INDEX stories_bead ON stories (project, bead, id);
CREATE TABLE runs (
  run TEXT PRIMARY KEY, kind TEXT NOT NULL, project TEXT, bead TEXT, attempt INTEGER, state TEXT NOT NULL,
  cause TEXT, started TEXT NOT NULL, ended TEXT, log TEXT NOT NULL, cost REAL NOT NULL);
";

/// What format 2 has beyond format 1: tokens of runs, registered projects, and events by their kind.
const SECOND: &str = "
ALTER TABLE runs ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_type ON events (type, seq);
CREATE INDEX stories_ended ON stories (seq) WHERE open = 0;
CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, path TEXT NOT NULL, added TEXT NOT NULL);
";

/// What format 3 has beyond format 2: reviews, messages and answers among the events.
const THIRD: &str = "
CREATE TABLE sessions (hash TEXT PRIMARY KEY, made TEXT NOT NULL, expires TEXT NOT NULL, name TEXT NOT NULL);
";

/// The WAL-reset fix came with 3.51.3; we bundle a newer one and make sure of it.
pub(super) fn assert_sqlite() -> Result<(), JournalError> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(JournalError::OldSqlite { found: rusqlite::version().to_owned() });
    }
    Ok(())
}

pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let fresh = !path.exists();
    if fresh && (head_file(path).exists() || backup::newest_good(path).is_some()) {
        return Err(damaged(path, "the file is gone, but it has been here before"));
    }
    let db = |source| JournalError::Database { path: path.to_owned(), source };
    if !fresh {
        check(path)?;
    }
    let connection = Connection::open(path).map_err(db)?;
    connection.busy_timeout(Duration::from_secs(20)).map_err(db)?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(db)?;
    migrate(path, &connection)?;
    Ok(connection)
}

/// The same tables without a file.
pub(super) fn open_in_memory() -> Result<Connection, JournalError> {
    let path = Path::new(MEMORY);
    let connection = Connection::open_in_memory()
        .map_err(|source| JournalError::Database { path: path.to_owned(), source })?;
    migrate(path, &connection)?;
    Ok(connection)
}

fn migrate(path: &Path, connection: &Connection) -> Result<(), JournalError> {
    let db = |source| JournalError::Database { path: path.to_owned(), source };
    let version = |c: &Connection| c.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0));
    let found = version(connection).map_err(db)?;
    if found > FORMAT {
        return Err(JournalError::Newer { path: path.to_owned(), found });
    }
    if found == FORMAT {
        return connection.execute_batch(super::cache::TABLES).map_err(db);
    }
    if found > 0 {
        backup::before_migration(path, connection, found)?;
    }
    // Two first commands at once: the second waits for the lock and finds the tables. A crash in the middle
    // leaves the old format.
    connection.execute_batch("BEGIN IMMEDIATE").map_err(db)?;
    let found = version(connection).map_err(db)?;
    let (outbox, reach, fourth) = (super::outbox::TABLES, super::reach::TABLES, super::reach::FOURTH);
    for (format, step) in [(1, TABLES), (2, SECOND), (3, THIRD), (3, outbox), (3, reach), (4, fourth)] {
        if found < format {
            connection.execute_batch(step).map_err(db)?;
        }
    }
    connection.execute_batch(&format!("PRAGMA user_version = {FORMAT}; COMMIT")).map_err(db)?;
    if found == 0 {
        note_head(path, 0);
    }
    connection.execute_batch(super::cache::TABLES).map_err(db)
}

/// Refuses a database that SQLite calls damaged, or that has lost events we acknowledged.
fn check(path: &Path) -> Result<(), JournalError> {
    let size =
        std::fs::metadata(path).map_err(|source| JournalError::Io { path: path.to_owned(), source })?.len();
    let probe = || -> Result<Option<String>, rusqlite::Error> {
        // Read before the database: another process may commit in between, and that is no damage.
        let head = i64::try_from(read_head(path)).unwrap_or(i64::MAX);
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(20))?;
        if size <= CHECKED_ON_OPEN {
            let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict != "ok" {
                return Ok(Some(verdict));
            }
        }
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'events'", [], |row| {
                row.get(0)
            })?;
        let last: i64 = if tables == 0 {
            0
        } else {
            connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))?
        };
        Ok((head > last).then(|| format!("it ends at event {last}, but event {head} was acknowledged")))
    };
    match probe() {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(damaged(path, &what)),
        Err(why) if is_damage(&why) => Err(damaged(path, &why.to_string())),
        Err(source) => Err(JournalError::Database { path: path.to_owned(), source }),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

fn damaged(path: &Path, what: &str) -> JournalError {
    let restore = backup::newest_good(path).map(|good| backup::restore_command(path, &good));
    JournalError::Damaged { path: path.to_owned(), what: what.to_owned(), restore }
}

fn head_file(path: &Path) -> PathBuf {
    path.with_extension("head")
}

/// Remembers the newest acknowledged event outside the database. Written after the commit and not synced:
/// it can only be too old, and then says nothing.
pub(super) fn note_head(path: &Path, seq: u64) {
    if path == Path::new(MEMORY) {
        return;
    }
    let text = format!("{seq:020}\n");
    let write = std::fs::OpenOptions::new().create(true).write(true).truncate(false).open(head_file(path));
    if let Ok(mut file) = write {
        // Losing this note costs a check, never an event, so its failure must not fail the event.
        let _ = file.write_all(text.as_bytes());
    }
}

fn read_head(path: &Path) -> u64 {
    std::fs::read_to_string(head_file(path)).ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0)
}

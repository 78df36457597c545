//! The append-only source of truth, and the logs of runs beside it.
//!
//! Owns the database (SQLite, WAL, FULL), the order of events, the fold of open stories written in the same
//! transaction, and the run logs. It decides nothing; secrets are masked first. Start with [`Journal::record`].

mod ask;
pub mod backup;
pub mod cache;
mod channels;
pub mod ear;
pub mod known;
pub mod log;
pub mod nights;
pub mod outbox;
pub mod peek;
pub mod projects;
pub mod reach;
pub mod read;
pub mod redact;
pub mod runs;
mod schema;
pub mod sessions;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::SubsecRound as _;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::clock::Clock;
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::lifecycle::{IllegalTransition, Story};
use ask::{micros, signed, unsigned};

/// Raised when a body's meaning changes. An older program refuses a newer journal.
pub const FORMAT: u32 = 4;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("journal `{path}`: {source}")]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("journal `{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("SQLite {found} is built in, but versions before 3.51.3 can lose pages of a WAL database")]
    OldSqlite { found: String },
    #[error("journal `{path}` has format {found}, this program knows {FORMAT}: use the newer program")]
    Newer { path: PathBuf, found: u32 },
    #[error("journal `{path}` is damaged: {what}")]
    Damaged { path: PathBuf, what: String, restore: Option<String> },
    #[error("journal `{path}` holds an event that cannot be read at seq {seq}: {why}")]
    Unreadable { path: PathBuf, seq: u64, why: String },
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    #[error("bead `{0}` already has an open story")]
    AlreadyOpen(String),
}

impl JournalError {
    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Damaged { restore: Some(command), .. } => {
                Some(format!("to go back to the newest good backup: {command}"))
            }
            Self::Damaged { restore: None, .. } => Some(
                "there is no good backup; move the file away to begin anew, refs/bead/* keep all work"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// An event about to be written: the journal adds number and time.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub project: Option<ProjectId>,
    pub bead: Option<BeadId>,
    pub run: Option<RunId>,
    pub attempt: Option<u32>,
    pub body: Body,
}

impl Entry {
    /// An event of a story, with the ids of its running attempt.
    pub fn of(story: &Story, body: Body) -> Self {
        Self {
            project: Some(story.project.clone()),
            bead: Some(story.bead.clone()),
            run: story.run().cloned(),
            attempt: (story.attempt > 0).then_some(story.attempt),
            body,
        }
    }
}

/// The open database. Any number of processes may hold one on the same file (rules 6.1).
pub struct Journal {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    connection: Mutex<Connection>,
    /// How many of its events asked something of whoever holds a bead.
    asked: tokio::sync::watch::Sender<u64>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal of a state directory, creating it on the first use of that directory only: a
    /// journal that has been there and is gone is damage, never a fresh start (F34).
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        schema::assert_sqlite()?;
        let connection = schema::open(path)?;
        let connection = Mutex::new(connection);
        let journal = Self { path: path.to_owned(), clock, connection, asked: Default::default() };
        backup::on_open(&journal)?;
        Ok(journal)
    }

    /// A journal that lives in memory alone, for a night that is only simulated.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        schema::assert_sqlite()?;
        let path = PathBuf::from(schema::MEMORY);
        let connection = schema::open_in_memory()?;
        Ok(Self { path, clock, connection: Mutex::new(connection), asked: Default::default() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one event that moves no story.
    pub fn tell(&self, entry: Entry) -> Result<Event, JournalError> {
        self.write(entry, |_, _| Ok(()))
    }

    /// Writes the event that opens a story. Fails when the bead already has an open one: two processes
    /// cannot both believe they began.
    pub fn open_story(&self, entry: Entry) -> Result<(Event, Story), JournalError> {
        let mut opened = None;
        let event = self.write(entry, |tx, event| {
            let Some(story) = Story::open(event) else {
                return Err(JournalError::Illegal(IllegalTransition {
                    seq: event.seq,
                    event: "not a beginning".to_owned(),
                    phase: "none".to_owned(),
                    bead: event.bead.as_ref().map(ToString::to_string).unwrap_or_default(),
                }));
            };
            let other: Option<i64> = tx
                .query_row(
                    "SELECT id FROM stories WHERE project = ?1 AND bead = ?2 AND open = 1",
                    params![story.project.as_str(), story.bead.as_str()],
                    |row| row.get(0),
                )
                .optional()
                .map_err(|source| self.db(source))?;
            if other.is_some() {
                return Err(JournalError::AlreadyOpen(story.bead.to_string()));
            }
            self.save(tx, &story, event.seq)?;
            opened = Some(story);
            Ok(())
        })?;
        Ok((event, opened.expect("the write above set it or failed")))
    }

    /// Writes an event and moves the story by it, in one transaction: what is acknowledged is durable, and
    /// story and journal cannot disagree. On an error the story is as before.
    pub fn record(&self, story: &mut Story, body: Body) -> Result<Event, JournalError> {
        let mut entry = Entry::of(story, body);
        if let Body::AttemptStarted { .. } = entry.body {
            entry.attempt = Some(story.attempt + 1);
        }
        self.record_as(story, entry)
    }

    /// As [`Journal::record`], with ids of its own (the first event of a run names that run).
    pub fn record_as(&self, story: &mut Story, entry: Entry) -> Result<Event, JournalError> {
        let mut moved = story.clone();
        let event = self.write(entry, |tx, event| {
            moved.apply(event)?;
            self.save(tx, &moved, event.seq)
        })?;
        *story = moved;
        Ok(event)
    }

    fn write(
        &self,
        entry: Entry,
        also: impl FnOnce(&rusqlite::Transaction<'_>, &Event) -> Result<(), JournalError>,
    ) -> Result<Event, JournalError> {
        let mut connection = self.lock();
        let tx = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| self.db(source))?;
        let last: i64 = tx
            .query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))
            .map_err(|source| self.db(source))?;
        let event = Event {
            seq: unsigned(last) + 1,
            // As precise as it is stored, so that a replay gives the very same story.
            at: self.clock.now().trunc_subsecs(6),
            project: entry.project,
            bead: entry.bead,
            run: entry.run,
            attempt: entry.attempt,
            body: entry.body,
        };
        self.insert(&tx, &event)?;
        self.project_run(&tx, &event)?;
        also(&tx, &event)?;
        tx.commit().map_err(|source| self.db(source))?;
        schema::note_head(&self.path, event.seq);
        if matches!(event.body, Body::MessageQueued { .. } | Body::Wished { .. }) {
            self.asked.send_modify(|count| *count += 1);
        }
        Ok(event)
    }

    fn insert(&self, tx: &rusqlite::Transaction<'_>, event: &Event) -> Result<(), JournalError> {
        let body = serde_json::to_value(&event.body).map_err(|why| self.unreadable(event.seq, &why))?;
        let tag = body.get("type").and_then(|t| t.as_str()).unwrap_or_default().to_owned();
        tx.execute(
            "INSERT INTO events (seq, at, project, bead, run, attempt, type, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                signed(event.seq),
                micros(event.at),
                event.project.as_ref().map(ProjectId::as_str),
                event.bead.as_ref().map(BeadId::as_str),
                event.run.as_ref().map(RunId::as_str),
                event.attempt,
                tag,
                body.to_string(),
            ],
        )
        .map_err(|source| self.db(source))?;
        Ok(())
    }

    fn save(&self, tx: &rusqlite::Transaction<'_>, story: &Story, seq: u64) -> Result<(), JournalError> {
        let json = serde_json::to_string(story).map_err(|why| self.unreadable(seq, &why))?;
        tx.execute(
            "INSERT INTO stories (id, project, bead, open, seq, story) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET open = ?4, seq = ?5, story = ?6",
            params![
                signed(story.id),
                story.project.as_str(),
                story.bead.as_str(),
                story.is_open(),
                signed(seq),
                json
            ],
        )
        .map_err(|source| self.db(source))?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn db(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Database { path: self.path.clone(), source }
    }

    fn unreadable(&self, seq: u64, why: &impl ToString) -> JournalError {
        JournalError::Unreadable { path: self.path.clone(), seq, why: why.to_string() }
    }
}

#[cfg(test)]
mod tests;

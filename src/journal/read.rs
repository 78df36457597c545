//! Reading the journal: events by number, stories by bead, runs for people.
//!
//! Owns the queries. Everything that shows, counts or checks goes through here; nothing here writes. Start
//! with [`Journal::events`] and [`Journal::open_stories`].

mod rows;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, signed};
use crate::domain::event::Event;
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::lifecycle::Story;
use rows::{RawEvent, raw_event, run_row};

/// Which events a reader wants. An empty filter is all of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub project: Option<ProjectId>,
    pub bead: Option<BeadId>,
    pub run: Option<RunId>,
}

/// A line of `bead runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub run: String,
    pub kind: String,
    pub project: Option<String>,
    pub bead: Option<String>,
    pub attempt: Option<u32>,
    pub state: String,
    pub cause: Option<String>,
    pub started: String,
    pub ended: Option<String>,
    /// Path of the readable log, relative to the state directory.
    pub log: String,
    pub cost_usd: f64,
}

const ALL_STORIES: &str = "SELECT id, story FROM stories WHERE (?1 IS NULL OR project = ?1)
    AND (?2 IS NULL OR bead = ?2) ORDER BY id";

impl Journal {
    /// Events after `since`, oldest first, at most `limit`.
    pub fn events(&self, since: u64, filter: &Filter, limit: usize) -> Result<Vec<Event>, JournalError> {
        self.events_on(&self.lock(), since, filter, limit)
    }

    /// Every event, and the stories of one project, as they were in one instant: another process may write all
    /// the while.
    pub fn whole(&self, project: &ProjectId) -> Result<(Vec<Event>, Vec<Story>), JournalError> {
        let mut connection = self.lock();
        let instant = connection.transaction().map_err(|e| self.db(e))?;
        let events = self.events_on(&instant, 0, &Filter::default(), usize::MAX)?;
        let stories = self.stories_on(&instant, ALL_STORIES, Some(project), None)?;
        Ok((events, stories))
    }

    fn events_on(
        &self,
        connection: &Connection,
        since: u64,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Event>, JournalError> {
        let mut query = connection
            .prepare_cached(
                "SELECT seq, at, project, bead, run, attempt, body FROM events
                 WHERE seq > ?1 AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR bead = ?3)
                   AND (?4 IS NULL OR run = ?4) ORDER BY seq LIMIT ?5",
            )
            .map_err(|e| self.db(e))?;
        let rows = query
            .query_map(
                params![
                    signed(since),
                    filter.project.as_ref().map(ProjectId::as_str),
                    filter.bead.as_ref().map(BeadId::as_str),
                    filter.run.as_ref().map(RunId::as_str),
                    i64::try_from(limit).unwrap_or(i64::MAX),
                ],
                raw_event,
            )
            .map_err(|e| self.db(e))?;
        rows.map(|row| row.map_err(|e| self.db(e)).and_then(|raw| self.event(raw))).collect()
    }

    /// Stories that have not ended, oldest first.
    pub fn open_stories(&self, project: Option<&ProjectId>) -> Result<Vec<Story>, JournalError> {
        self.stories(
            "SELECT id, story FROM stories WHERE open = 1 AND (?1 IS NULL OR project = ?1)
             AND (?2 IS NULL OR bead = ?2) ORDER BY id",
            project,
            None,
        )
    }

    pub fn open_story_of(&self, project: &ProjectId, bead: &BeadId) -> Result<Option<Story>, JournalError> {
        Ok(self.stories_of(project, bead)?.into_iter().rev().find(Story::is_open))
    }

    /// Every story of a bead, oldest first.
    pub fn stories_of(&self, project: &ProjectId, bead: &BeadId) -> Result<Vec<Story>, JournalError> {
        self.stories(
            "SELECT id, story FROM stories WHERE project = ?1 AND bead = ?2 ORDER BY id",
            Some(project),
            Some(bead),
        )
    }

    /// Every story of a project (or of all), oldest first.
    pub fn all_stories(&self, project: Option<&ProjectId>) -> Result<Vec<Story>, JournalError> {
        self.stories(ALL_STORIES, project, None)
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: &Filter, limit: usize) -> Result<Vec<RunRow>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached(
                "SELECT run, kind, project, bead, attempt, state, cause, started, ended, log, cost FROM runs
                 WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR bead = ?2) AND (?3 IS NULL OR run = ?3)
                 ORDER BY started DESC, rowid DESC LIMIT ?4",
            )
            .map_err(|e| self.db(e))?;
        let rows = query
            .query_map(
                params![
                    filter.project.as_ref().map(ProjectId::as_str),
                    filter.bead.as_ref().map(BeadId::as_str),
                    filter.run.as_ref().map(RunId::as_str),
                    i64::try_from(limit).unwrap_or(i64::MAX),
                ],
                run_row,
            )
            .map_err(|e| self.db(e))?;
        rows.collect::<Result<_, _>>().map_err(|e| self.db(e))
    }

    /// Events of one kind (`agent_ended`, ..) at or after a time, oldest first.
    pub fn events_of(&self, kind: &str, since: DateTime<Utc>) -> Result<Vec<Event>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached(
                "SELECT seq, at, project, bead, run, attempt, body FROM events
                 WHERE type = ?1 AND at >= ?2 ORDER BY seq",
            )
            .map_err(|e| self.db(e))?;
        let since = since.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let rows = query.query_map(params![kind, since], raw_event).map_err(|e| self.db(e))?;
        rows.map(|row| row.map_err(|e| self.db(e)).and_then(|raw| self.event(raw))).collect()
    }

    /// The newest event of one kind.
    pub fn last_of(&self, kind: &str) -> Result<Option<Event>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached(
                "SELECT seq, at, project, bead, run, attempt, body FROM events
                 WHERE type = ?1 ORDER BY seq DESC LIMIT 1",
            )
            .map_err(|e| self.db(e))?;
        let row = query.query_row(params![kind], raw_event).optional().map_err(|e| self.db(e))?;
        row.map(|raw| self.event(raw)).transpose()
    }

    /// The stories that ended last, newest first, each with when.
    pub fn ended_stories(&self, limit: usize) -> Result<Vec<(Story, DateTime<Utc>)>, JournalError> {
        self.ended_since(DateTime::<Utc>::MIN_UTC, limit)
    }

    /// The same, none that ended before `since`: the past behind it is not even read.
    pub fn ended_since(
        &self,
        since: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(Story, DateTime<Utc>)>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached(
                "SELECT s.id, s.story, e.at FROM stories s JOIN events e ON e.seq = s.seq
                 WHERE s.open = 0 ORDER BY s.seq DESC LIMIT ?1",
            )
            .map_err(|e| self.db(e))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query
            .query_map(params![limit], |row| {
                Ok(((row.get::<_, i64>(0)?, row.get::<_, String>(1)?), row.get::<_, String>(2)?))
            })
            .map_err(|e| self.db(e))?;
        let mut ended = Vec::new();
        for row in rows {
            let ((id, json), at) = row.map_err(|e| self.db(e))?;
            let number = u64::try_from(id).unwrap_or(0);
            let at = DateTime::parse_from_rfc3339(&at).map_err(|why| self.unreadable(number, &why))?;
            let at = at.with_timezone(&Utc);
            if at < since {
                break;
            }
            ended.push((self.read_story(Ok((id, json)))?, at));
        }
        Ok(ended)
    }

    fn read_story(&self, row: rusqlite::Result<(i64, String)>) -> Result<Story, JournalError> {
        let (id, json) = row.map_err(|e| self.db(e))?;
        serde_json::from_str(&json).map_err(|why| self.unreadable(u64::try_from(id).unwrap_or(0), &why))
    }

    /// The number of the newest event; 0 in an empty journal.
    pub fn last_seq(&self) -> Result<u64, JournalError> {
        let last: Option<i64> = self
            .lock()
            .query_row("SELECT max(seq) FROM events", [], |row| row.get(0))
            .optional()
            .map_err(|e| self.db(e))?
            .flatten();
        Ok(last.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// SQLite's own opinion, for `bead verify`.
    pub fn quick_check(&self) -> Result<String, JournalError> {
        self.lock().query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| self.db(e))
    }

    fn stories(
        &self,
        sql: &str,
        project: Option<&ProjectId>,
        bead: Option<&BeadId>,
    ) -> Result<Vec<Story>, JournalError> {
        self.stories_on(&self.lock(), sql, project, bead)
    }

    fn stories_on(
        &self,
        connection: &Connection,
        sql: &str,
        project: Option<&ProjectId>,
        bead: Option<&BeadId>,
    ) -> Result<Vec<Story>, JournalError> {
        let mut query = connection.prepare_cached(sql).map_err(|e| self.db(e))?;
        let rows = query
            .query_map(params![project.map(ProjectId::as_str), bead.map(BeadId::as_str)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(|e| self.db(e))?;
        rows.map(|row| self.read_story(row)).collect()
    }

    fn event(&self, raw: RawEvent) -> Result<Event, JournalError> {
        let seq = u64::try_from(raw.seq).unwrap_or(0);
        let at = DateTime::parse_from_rfc3339(&raw.at).map_err(|why| self.unreadable(seq, &why))?;
        Ok(Event {
            seq,
            at: at.with_timezone(&Utc),
            project: raw.project.and_then(|p| serde_json::from_value(serde_json::Value::String(p)).ok()),
            bead: raw.bead.map(BeadId::new),
            run: raw.run.as_deref().and_then(RunId::parse),
            attempt: raw.attempt,
            body: serde_json::from_str(&raw.body).map_err(|why| self.unreadable(seq, &why))?,
        })
    }
}

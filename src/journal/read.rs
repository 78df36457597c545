//! Reading the journal: events by number, stories by bead, runs for people.
//!
//! Owns the queries. Everything that shows, counts or checks goes through here; nothing here writes. Start
//! with [`Journal::events`] and [`Journal::open_stories`].

mod rows;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::ask::{first, micros, most, signed, unsigned};
use super::known::project_id;
use super::{Journal, JournalError};
use crate::domain::event::Event;
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::lifecycle::Story;
use rows::{RawEvent, RawStory, raw_event, raw_story, run_row};

/// Which events a reader wants. An empty filter is all of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub project: Option<ProjectId>,
    pub bead: Option<BeadId>,
    pub run: Option<RunId>,
}

impl Filter {
    /// Everything of one bead.
    pub fn of(project: &ProjectId, bead: &BeadId) -> Self {
        Self { project: Some(project.clone()), bead: Some(bead.clone()), run: None }
    }
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

    /// The newest events of a bead, oldest first; whatever lies before them is not read.
    pub fn newest_of(
        &self,
        project: &ProjectId,
        bead: &BeadId,
        limit: usize,
    ) -> Result<Vec<Event>, JournalError> {
        let events = self.rows(
            "SELECT seq, at, project, bead, run, attempt, body FROM events
             WHERE project = ?1 AND bead = ?2 ORDER BY seq DESC LIMIT ?3",
            params![project.as_str(), bead.as_str(), most(limit)],
            |row| Ok(self.event(raw_event(row)?)),
        )?;
        events.into_iter().rev().collect()
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
        let events = self.rows_on(
            connection,
            "SELECT seq, at, project, bead, run, attempt, body FROM events
             WHERE seq > ?1 AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR bead = ?3)
               AND (?4 IS NULL OR run = ?4) ORDER BY seq LIMIT ?5",
            params![
                signed(since),
                filter.project.as_ref().map(ProjectId::as_str),
                filter.bead.as_ref().map(BeadId::as_str),
                filter.run.as_ref().map(RunId::as_str),
                most(limit),
            ],
            |row| Ok(self.event(raw_event(row)?)),
        )?;
        events.into_iter().collect()
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
        self.rows(
            "SELECT run, kind, project, bead, attempt, state, cause, started, ended, log, cost FROM runs
             WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR bead = ?2) AND (?3 IS NULL OR run = ?3)
             ORDER BY started DESC, rowid DESC LIMIT ?4",
            params![
                filter.project.as_ref().map(ProjectId::as_str),
                filter.bead.as_ref().map(BeadId::as_str),
                filter.run.as_ref().map(RunId::as_str),
                most(limit),
            ],
            run_row,
        )
    }

    /// Events of one kind (`agent_ended`, ..) at or after a time, oldest first.
    pub fn events_of(&self, kind: &str, since: DateTime<Utc>) -> Result<Vec<Event>, JournalError> {
        let events = self.rows(
            "SELECT seq, at, project, bead, run, attempt, body FROM events
             WHERE type = ?1 AND at >= ?2 ORDER BY seq",
            params![kind, micros(since)],
            |row| Ok(self.event(raw_event(row)?)),
        )?;
        events.into_iter().collect()
    }

    /// The beginnings of a project's runs outside any claim that have no end yet, oldest first.
    pub fn running_outside(&self, project: &ProjectId) -> Result<Vec<Event>, JournalError> {
        let events = self.rows(
            "SELECT e.seq, e.at, e.project, e.bead, e.run, e.attempt, e.body FROM runs r
             JOIN events e ON e.run = r.run AND e.type = 'run_started'
             WHERE r.state = 'running' AND r.project = ?1 AND e.body -> 'outside' IS NOT NULL ORDER BY e.seq",
            params![project.as_str()],
            |row| Ok(self.event(raw_event(row)?)),
        )?;
        events.into_iter().collect()
    }

    /// The newest event of one kind.
    pub fn last_of(&self, kind: &str) -> Result<Option<Event>, JournalError> {
        let event = self.row(
            "SELECT seq, at, project, bead, run, attempt, body FROM events
             WHERE type = ?1 ORDER BY seq DESC LIMIT 1",
            params![kind],
            |row| Ok(self.event(raw_event(row)?)),
        )?;
        event.transpose()
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
        let rows = query.query_map(params![most(limit)], raw_story).map_err(|e| self.db(e))?;
        let mut ended = Vec::new();
        for row in rows {
            let raw = row.map_err(|e| self.db(e))?;
            let at = self.time(unsigned(raw.id), &raw.at)?;
            if at < since {
                break;
            }
            ended.push((self.story(raw.id, &raw.story)?, at));
        }
        Ok(ended)
    }

    /// Every story of a bead, oldest first, each with when its last event was written.
    pub fn told_of(
        &self,
        project: &ProjectId,
        bead: &BeadId,
    ) -> Result<Vec<(Story, DateTime<Utc>)>, JournalError> {
        let stories = self.rows(
            "SELECT s.id, s.story, e.at FROM stories s JOIN events e ON e.seq = s.seq
             WHERE s.project = ?1 AND s.bead = ?2 ORDER BY s.id",
            params![project.as_str(), bead.as_str()],
            |row| Ok(self.dated(&raw_story(row)?)),
        )?;
        stories.into_iter().collect()
    }

    fn dated(&self, raw: &RawStory) -> Result<(Story, DateTime<Utc>), JournalError> {
        Ok((self.story(raw.id, &raw.story)?, self.time(unsigned(raw.id), &raw.at)?))
    }

    fn story(&self, id: i64, json: &str) -> Result<Story, JournalError> {
        serde_json::from_str(json).map_err(|why| self.unreadable(unsigned(id), &why))
    }

    /// The number of the newest event; 0 in an empty journal.
    pub fn last_seq(&self) -> Result<u64, JournalError> {
        let last: Option<i64> = self.row("SELECT max(seq) FROM events", [], first)?.flatten();
        Ok(last.map_or(0, unsigned))
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
        let params = params![project.map(ProjectId::as_str), bead.map(BeadId::as_str)];
        let read = |row: &Row<'_>| Ok(self.story(row.get(0)?, &row.get::<_, String>(1)?));
        self.rows_on(connection, sql, params, read)?.into_iter().collect()
    }

    fn event(&self, raw: RawEvent) -> Result<Event, JournalError> {
        let seq = unsigned(raw.seq);
        Ok(Event {
            seq,
            at: self.time(seq, &raw.at)?,
            project: raw.project.and_then(project_id),
            bead: raw.bead.map(BeadId::new),
            run: raw.run.as_deref().and_then(RunId::parse),
            attempt: raw.attempt,
            body: serde_json::from_str(&raw.body).map_err(|why| self.unreadable(seq, &why))?,
        })
    }
}

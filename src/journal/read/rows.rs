//! Rows of the database as plain values.
//!
//! Owns the order of columns in the queries beside it, and nothing else.

use rusqlite::Row;

use super::RunRow;

pub(super) struct RawEvent {
    pub(super) seq: i64,
    pub(super) at: String,
    pub(super) project: Option<String>,
    pub(super) bead: Option<String>,
    pub(super) run: Option<String>,
    pub(super) attempt: Option<u32>,
    pub(super) body: String,
}

pub(super) fn raw_event(row: &Row<'_>) -> rusqlite::Result<RawEvent> {
    Ok(RawEvent {
        seq: row.get(0)?,
        at: row.get(1)?,
        project: row.get(2)?,
        bead: row.get(3)?,
        run: row.get(4)?,
        attempt: row.get(5)?,
        body: row.get(6)?,
    })
}

/// A story with when its last event was written.
pub(super) struct RawStory {
    pub(super) id: i64,
    pub(super) story: String,
    pub(super) at: String,
}

pub(super) fn raw_story(row: &Row<'_>) -> rusqlite::Result<RawStory> {
    Ok(RawStory { id: row.get(0)?, story: row.get(1)?, at: row.get(2)? })
}

pub(super) fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        run: row.get(0)?,
        kind: row.get(1)?,
        project: row.get(2)?,
        bead: row.get(3)?,
        attempt: row.get(4)?,
        state: row.get(5)?,
        cause: row.get(6)?,
        started: row.get(7)?,
        ended: row.get(8)?,
        log: row.get(9)?,
        cost_usd: row.get(10)?,
    })
}

//! Asking the database: a query's rows as values, what fails in this room's words.
//!
//! Owns preparing and reading, and how numbers and times stand in a column. It knows no table and moves nothing by
//! itself. Start with [`Journal::rows`].

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction, TransactionBehavior};

use super::{Journal, JournalError};

impl Journal {
    /// Every row of a query.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        self.rows_on(&self.lock(), sql, params, read)
    }

    /// The same within whatever holds the connection, such as a transaction.
    pub(super) fn rows_on<T>(
        &self,
        connection: &Connection,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let all = || {
            let mut query = connection.prepare_cached(sql)?;
            query.query_map(params, read)?.collect::<Result<_, _>>()
        };
        all().map_err(|source| self.db(source))
    }

    /// The first row of a query, where there is one.
    pub(super) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, JournalError> {
        let connection = self.lock();
        let first = || connection.prepare_cached(sql)?.query_row(params, read).optional();
        first().map_err(|source| self.db(source))
    }

    /// Changes something by itself. Gives how many rows.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, JournalError> {
        self.lock().execute(sql, params).map_err(|source| self.db(source))
    }

    /// Several changes, all of them or none.
    pub(super) fn at_once<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let mut connection = self.lock();
        let all = || {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        all().map_err(|source| self.db(source))
    }

    /// A time that stands in the row or event with this number.
    pub(super) fn time(&self, seq: u64, text: &str) -> Result<DateTime<Utc>, JournalError> {
        let at = DateTime::parse_from_rfc3339(text).map_err(|why| self.unreadable(seq, &why))?;
        Ok(at.with_timezone(&Utc))
    }
}

/// The value of a row that has only one.
pub(super) fn first<T: FromSql>(row: &Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}

/// SQLite counts in signed numbers; ours stay far below the edge.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number as it was stored; 0 for one that never was.
pub(super) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// At most so many rows.
pub(super) fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A time as events have it: of one width, so that texts compare as times do.
pub(super) fn micros(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

//! Logged-in browsers: a hash each, never the cookie itself.
//!
//! Owns the one table of sessions. How a cookie is made, compared and sent is for `feed::web`. Start with
//! [`Journal::begin_session`].

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::ask::{first, micros};
use super::{Journal, JournalError};

impl Journal {
    /// Remembers a session until it expires, and forgets those that have.
    pub fn begin_session(&self, hash: &str, expires: DateTime<Utc>, name: &str) -> Result<(), JournalError> {
        let now = self.clock.now();
        let connection = self.lock();
        connection
            .execute("DELETE FROM sessions WHERE expires <= ?1", [micros(now)])
            .and_then(|_| {
                connection.execute(
                    "INSERT INTO sessions (hash, made, expires, name) VALUES (?1, ?2, ?3, ?4)",
                    params![hash, micros(now), micros(expires), name],
                )
            })
            .map_err(|e| self.db(e))?;
        Ok(())
    }

    /// Whether this session was begun and has neither ended nor expired.
    pub fn has_session(&self, hash: &str) -> Result<bool, JournalError> {
        let found: Option<i64> = self.row(
            "SELECT 1 FROM sessions WHERE hash = ?1 AND expires > ?2",
            params![hash, micros(self.clock.now())],
            first,
        )?;
        Ok(found.is_some())
    }

    /// Ends one session.
    pub fn end_session(&self, hash: &str) -> Result<(), JournalError> {
        self.execute("DELETE FROM sessions WHERE hash = ?1", [hash])?;
        Ok(())
    }

    /// Ends all of them. Gives how many there were.
    pub fn end_all_sessions(&self) -> Result<usize, JournalError> {
        self.execute("DELETE FROM sessions", [])
    }
}

#[cfg(test)]
mod tests;

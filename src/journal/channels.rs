//! How the channels of alerts stand: which work, which fail, and which are no more.
//!
//! Owns what is said of a channel beside the deliveries of the outbox, whose table this is. That a try failed is noted
//! there, with the delivery. Start with [`Journal::keep_channels`].

use rusqlite::params;

use super::outbox::stamp;
use super::{Journal, JournalError};

/// Channels that do not work now. A device that was forgotten fails no more.
pub(super) const FAILING: &str = "SELECT name, why FROM channels WHERE failing_since IS NOT NULL AND
  (name NOT LIKE 'push/%' OR substr(name, 6) IN (SELECT id FROM devices)) ORDER BY name";

/// A channel (`?1`) took something at this time (`?2`).
pub(super) const WORKS: &str =
    "INSERT INTO channels (name, last_ok, failing_since, why, told) VALUES (?1, ?2, NULL, '', 0)
     ON CONFLICT (name) DO UPDATE SET last_ok = ?2, failing_since = NULL, why = '', told = 0";

impl Journal {
    /// Notes that a channel took something outside the outbox, such as a test.
    pub fn channel_works(&self, channel: &str) -> Result<(), JournalError> {
        self.execute(WORKS, params![channel, stamp(self.clock.now())])?;
        Ok(())
    }

    /// Forgets how channels stood that are not among these: nobody uses them any more.
    pub fn keep_channels(&self, names: &[String]) -> Result<usize, JournalError> {
        let names = serde_json::Value::from(names).to_string();
        let others = "DELETE FROM channels WHERE name NOT IN (SELECT value FROM json_each(?1))";
        self.execute(others, params![names])
    }
}

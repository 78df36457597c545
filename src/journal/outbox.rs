//! Alerts that are to be sent, and how far each has come on each channel.
//!
//! Owns the outbox: what the rules decided is written in one transaction with how far they have read, so that
//! after a crash nothing is decided twice or forgotten (F43). What an alert says is opaque here. Devices and
//! one-time links stand beside it in `reach`. Start with [`Journal::post`] and [`Journal::due_deliveries`].

use chrono::{DateTime, Utc};
use rusqlite::{Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::ask::{first, most, signed, unsigned};
use super::channels::{FAILING, WORKS};
use super::{Journal, JournalError};

pub(super) const TABLES: &str = "
CREATE TABLE outbox (key TEXT PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, alert TEXT NOT NULL);
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL REFERENCES outbox (key) ON DELETE CASCADE, channel TEXT NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL, next_at TEXT NOT NULL, ended TEXT, last TEXT NOT NULL,
  UNIQUE (key, channel));
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'waiting';
CREATE TABLE outbox_read (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE channels (
  name TEXT PRIMARY KEY, last_ok TEXT, failing_since TEXT, why TEXT NOT NULL, told INTEGER NOT NULL);
";

/// An alert as the rules made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The same thing has the same key, and is posted once.
    pub key: String,
    pub kind: String,
    /// JSON of whoever posts and sends.
    pub alert: String,
    /// Where it shall go.
    pub channels: Vec<String>,
}

/// One alert on its way over one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    pub key: String,
    pub channel: String,
    /// How often it was tried before.
    pub tries: u32,
    /// When the alert was posted.
    pub posted: DateTime<Utc>,
    pub alert: String,
}

/// How one try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    Sent,
    Later {
        at: DateTime<Utc>,
        why: String,
    },
    GivenUp {
        why: String,
    },
    /// There is no such channel any more: that is no failure of it.
    Dropped {
        why: String,
    },
}

/// How the outbox stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Deliveries that will be tried, again or for the first time.
    pub waiting: u32,
    /// Deliveries of the last seven days that were given up.
    pub given_up: u32,
    /// Channels that do not work now: name and why.
    pub failing: Vec<(String, String)>,
}

/// What stands in the outbox for channels of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// `mail`, `webhook`, `topic`, or `push` for all devices together.
    pub channel: String,
    /// Deliveries that will be tried, again or for the first time.
    pub waiting: u32,
    /// Deliveries of the last seven days that were given up.
    pub given_up: u32,
}

/// A line of the outbox, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub key: String,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub channel: String,
    /// `waiting`, `sent` or `given_up`.
    pub state: String,
    pub tries: u32,
    pub last: String,
}

impl Journal {
    /// How far the rules have read, and what they remember. None before their first event.
    pub fn outbox_read(&self) -> Result<Option<(u64, String)>, JournalError> {
        let read = |row: &Row<'_>| Ok((unsigned(row.get(0)?), row.get(1)?));
        self.row("SELECT seq, state FROM outbox_read", [], read)
    }

    /// Puts alerts into the outbox and notes how far the rules have read, both or neither. A key that was posted
    /// before is left as it is. Gives how many were new.
    pub fn post(&self, read: u64, state: &str, alerts: &[Posted]) -> Result<usize, JournalError> {
        let now = stamp(self.clock.now());
        self.at_once(|tx| {
            let new = put(tx, alerts, &now)?;
            tx.execute(
                "INSERT INTO outbox_read (one, seq, state) VALUES (1, ?1, ?2)
                 ON CONFLICT (one) DO UPDATE SET seq = ?1, state = ?2",
                params![signed(read), state],
            )?;
            Ok(new)
        })
    }

    /// Puts an alert into the outbox that no event asked for, such as a test.
    pub fn post_alone(&self, alert: Posted) -> Result<usize, JournalError> {
        let now = stamp(self.clock.now());
        self.at_once(|tx| put(tx, &[alert], &now))
    }

    /// Deliveries whose time has come, oldest first.
    pub fn due_deliveries(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<Delivery>, JournalError> {
        let rows = self.rows(
            "SELECT d.id, d.key, d.channel, d.tries, o.at, o.alert FROM deliveries d
             JOIN outbox o ON o.key = d.key WHERE d.state = 'waiting' AND d.next_at <= ?1
             ORDER BY d.next_at, d.id LIMIT ?2",
            params![stamp(now), most(limit)],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
        )?;
        let delivery = |(id, key, channel, tries, at, alert): (_, _, _, _, String, _)| {
            Ok(Delivery { id, key, channel, tries, posted: self.time(0, &at)?, alert })
        };
        rows.into_iter().map(delivery).collect()
    }

    /// When the next delivery is due.
    pub fn next_delivery(&self) -> Result<Option<DateTime<Utc>>, JournalError> {
        let next: Option<String> =
            self.row("SELECT min(next_at) FROM deliveries WHERE state = 'waiting'", [], first)?.flatten();
        next.map(|at| self.time(0, &at)).transpose()
    }

    /// Notes that a delivery is being tried: nobody else takes it before `until`, whatever becomes of us.
    /// False when somebody did, or when it has ended.
    pub fn try_delivery(&self, delivery: &Delivery, until: DateTime<Utc>) -> Result<bool, JournalError> {
        let taken = self.execute(
            "UPDATE deliveries SET tries = tries + 1, next_at = ?2
             WHERE id = ?1 AND state = 'waiting' AND tries = ?3",
            params![delivery.id, stamp(until), delivery.tries],
        )?;
        Ok(taken == 1)
    }

    /// Notes how a try ended, and with it how the channel stands. True when the channel's failure is worth telling
    /// a person: it failed twice in a row, or for good, and nobody was told yet.
    pub fn tried(&self, delivery: &Delivery, how: &Tried) -> Result<bool, JournalError> {
        let now = stamp(self.clock.now());
        let (state, next, last) = match how {
            Tried::Sent => ("sent", None, ""),
            Tried::Later { at, why } => ("waiting", Some(stamp(*at)), why.as_str()),
            Tried::GivenUp { why } | Tried::Dropped { why } => ("given_up", None, why.as_str()),
        };
        self.at_once(|tx| {
            tx.execute(
                "UPDATE deliveries SET state = ?2, next_at = coalesce(?3, next_at), last = ?4,
                 ended = CASE WHEN ?2 = 'waiting' THEN NULL ELSE ?5 END WHERE id = ?1",
                params![delivery.id, state, next, last, now],
            )?;
            if matches!(how, Tried::Dropped { .. }) {
                return Ok(false);
            }
            if state == "sent" {
                tx.execute(WORKS, params![delivery.channel, now])?;
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO channels (name, failing_since, why, told) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (name) DO UPDATE SET failing_since = coalesce(failing_since, ?2), why = ?3",
                params![delivery.channel, now, last],
            )?;
            if delivery.tries == 0 && state != "given_up" {
                return Ok(false);
            }
            let tell = "UPDATE channels SET told = 1 WHERE name = ?1 AND told = 0";
            Ok(tx.execute(tell, params![delivery.channel])? == 1)
        })
    }

    /// How the outbox stands, for status pages.
    pub fn outbox_standing(&self) -> Result<Standing, JournalError> {
        let kinds = self.outbox_kinds()?;
        let sum = |of: fn(&Kind) -> u32| kinds.iter().map(of).fold(0, u32::saturating_add);
        let (waiting, given_up) = (sum(|kind| kind.waiting), sum(|kind| kind.given_up));
        let failing = self.rows(FAILING, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Standing { waiting, given_up, failing })
    }

    /// The same by kind of channel, in the order of their names.
    pub fn outbox_kinds(&self) -> Result<Vec<Kind>, JournalError> {
        let week = stamp(self.clock.now() - chrono::TimeDelta::days(7));
        self.rows(
            "SELECT CASE WHEN channel LIKE 'push/%' THEN 'push' ELSE channel END AS kind,
             sum(state = 'waiting'), sum(state = 'given_up' AND ended >= ?1)
             FROM deliveries GROUP BY kind ORDER BY kind",
            params![week],
            |row| Ok(Kind { channel: row.get(0)?, waiting: row.get(1)?, given_up: row.get(2)? }),
        )
    }

    /// The newest deliveries, newest first.
    pub fn outbox_lines(&self, limit: usize) -> Result<Vec<Line>, JournalError> {
        let rows = self.rows(
            "SELECT o.key, o.at, o.kind, d.channel, d.state, d.tries, d.last FROM deliveries d
             JOIN outbox o ON o.key = d.key ORDER BY d.id DESC LIMIT ?1",
            params![most(limit)],
            |row| {
                let (key, at, kind, channel) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((key, at, kind, channel, row.get(4)?, row.get(5)?, row.get(6)?))
            },
        )?;
        let line = |(key, at, kind, channel, state, tries, last): (_, String, _, _, _, _, _)| {
            Ok(Line { key, at: self.time(0, &at)?, kind, channel, state, tries, last })
        };
        rows.into_iter().map(line).collect()
    }

    /// Forgets alerts that nothing waits for any more and that are older than `before`.
    pub fn prune_outbox(&self, before: DateTime<Utc>) -> Result<usize, JournalError> {
        let connection = self.lock();
        let old = "SELECT key FROM outbox WHERE at < ?1
                   AND key NOT IN (SELECT key FROM deliveries WHERE state = 'waiting')";
        let before = stamp(before);
        connection
            .execute(&format!("DELETE FROM deliveries WHERE key IN ({old})"), params![before])
            .and_then(|_| {
                connection.execute(&format!("DELETE FROM outbox WHERE key IN ({old})"), params![before])
            })
            .map_err(|e| self.db(e))
    }
}

fn put(tx: &Transaction<'_>, alerts: &[Posted], now: &str) -> rusqlite::Result<usize> {
    let mut new = 0;
    for posted in alerts {
        let inserted = tx.execute(
            "INSERT OR IGNORE INTO outbox (key, at, kind, alert) VALUES (?1, ?2, ?3, ?4)",
            params![posted.key, now, posted.kind, posted.alert],
        )?;
        if inserted == 0 {
            continue;
        }
        new += 1;
        for channel in &posted.channels {
            tx.execute(
                "INSERT OR IGNORE INTO deliveries (key, channel, state, tries, next_at, last)
                 VALUES (?1, ?2, 'waiting', 0, ?3, '')",
                params![posted.key, channel, now],
            )?;
        }
    }
    Ok(new)
}

/// A time as it is stored: of one width, so that texts compare as times do.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests;

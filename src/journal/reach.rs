//! How people are reached and how they answer: devices that subscribed to push, and one-time links.
//!
//! Owns two tables beside the outbox. A link's secret is never stored, only its hash; taking one is one
//! statement, so that of two clicks one acts (rules 19.2). Start with [`Device`] and [`Capability`].

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::ask::{first, signed};
use super::known::project_id;
use super::outbox::stamp;
use super::{Journal, JournalError};
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};

pub(super) const TABLES: &str = "
CREATE TABLE devices (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, endpoint TEXT NOT NULL UNIQUE, p256dh TEXT NOT NULL,
  auth TEXT NOT NULL, created TEXT NOT NULL, last_ok TEXT);
CREATE TABLE capabilities (
  hash TEXT PRIMARY KEY, action TEXT NOT NULL, project TEXT NOT NULL, bead TEXT NOT NULL, run TEXT,
  tip TEXT, expires TEXT NOT NULL, used TEXT);
";

/// What format 4 has beyond format 3: the claim that a link is about.
pub(super) const FOURTH: &str = "
ALTER TABLE capabilities ADD COLUMN story INTEGER;
";

/// What is read of a link, all as text.
const COLUMNS: &str = "action, project, bead, run, tip, expires, used, CAST(story AS TEXT)";

/// More devices than this are refused (T35).
pub const MOST_DEVICES: usize = 20;

/// A browser that wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Where its push service takes messages: as good as a password for that device.
    pub endpoint: String,
    /// Its public key and its secret, base64url without padding.
    pub p256dh: String,
    pub auth: String,
    pub created: DateTime<Utc>,
    pub last_ok: Option<DateTime<Utc>>,
}

/// What a one-time link may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    pub action: Action,
    pub project: ProjectId,
    pub bead: BeadId,
    /// The claim whose end was told, where there was one: once the bead has gone on, the link is for nothing.
    pub story: Option<u64>,
    pub run: Option<RunId>,
    /// The tip that was looked at: an approval of another one is none.
    pub tip: Option<Oid>,
    pub expires: DateTime<Utc>,
    pub used: bool,
}

/// What a person may answer from a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Approve,
    Retry,
    Park,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Retry => "retry",
            Self::Park => "park",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Approve, Self::Retry, Self::Park].into_iter().find(|action| action.as_str() == text)
    }
}

impl Journal {
    /// Keeps a device; the same endpoint again renames it and takes its new keys. False when there are too many.
    pub fn keep_device(&self, device: &Device) -> Result<bool, JournalError> {
        self.at_once(|tx| {
            let others: i64 = tx.query_row(
                "SELECT count(*) FROM devices WHERE endpoint <> ?1",
                params![device.endpoint],
                first,
            )?;
            if usize::try_from(others).unwrap_or(usize::MAX) >= MOST_DEVICES {
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO devices (id, name, endpoint, p256dh, auth, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (endpoint) DO UPDATE SET name = ?2, p256dh = ?4, auth = ?5",
                params![
                    device.id,
                    device.name,
                    device.endpoint,
                    device.p256dh,
                    device.auth,
                    stamp(device.created)
                ],
            )?;
            Ok(true)
        })
    }

    /// Every device, oldest first.
    pub fn devices(&self) -> Result<Vec<Device>, JournalError> {
        let rows = self.rows(
            "SELECT id, name, endpoint, p256dh, auth, created, last_ok FROM devices ORDER BY created, id",
            [],
            texts::<7>,
        )?;
        let device = |[id, name, endpoint, p256dh, auth, created, last_ok]: [Option<String>; 7]| {
            let text = Option::unwrap_or_default;
            Ok(Device {
                id: text(id),
                name: text(name),
                endpoint: text(endpoint),
                p256dh: text(p256dh),
                auth: text(auth),
                created: self.time(0, &text(created))?,
                last_ok: last_ok.map(|at| self.time(0, &at)).transpose()?,
            })
        };
        rows.into_iter().map(device).collect()
    }

    /// Forgets a device by its id or its endpoint. True when it was there.
    pub fn forget_device(&self, which: &str) -> Result<bool, JournalError> {
        let gone = self.execute("DELETE FROM devices WHERE id = ?1 OR endpoint = ?1", params![which])?;
        Ok(gone > 0)
    }

    /// Forgets all devices, because their subscriptions belong to a key that is no more.
    pub fn forget_devices(&self) -> Result<usize, JournalError> {
        self.execute("DELETE FROM devices", [])
    }

    pub fn device_reached(&self, id: &str) -> Result<(), JournalError> {
        let now = stamp(self.clock.now());
        self.execute("UPDATE devices SET last_ok = ?2 WHERE id = ?1", params![id, now])?;
        Ok(())
    }

    /// Keeps what a link with this hash may do.
    pub fn grant(&self, hash: &str, capability: &Capability) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO capabilities (hash, action, project, bead, run, tip, expires, story)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                hash,
                capability.action.as_str(),
                capability.project.as_str(),
                capability.bead.as_str(),
                capability.run.as_ref().map(RunId::as_str),
                capability.tip.as_ref().map(Oid::as_str),
                stamp(capability.expires),
                capability.story.map(signed),
            ],
        )?;
        Ok(())
    }

    /// What the link may do, for the page that asks before it acts. Used and expired ones are told too.
    pub fn capability(&self, hash: &str) -> Result<Option<Capability>, JournalError> {
        let row = self.row(
            &format!("SELECT {COLUMNS} FROM capabilities WHERE hash = ?1"),
            params![hash],
            texts::<8>,
        )?;
        row.map(|row| self.read_capability(row)).transpose()
    }

    /// Uses the link up. None when it is unknown, used or expired: whoever gets something acts, and nobody else.
    pub fn use_capability(&self, hash: &str) -> Result<Option<Capability>, JournalError> {
        let now = stamp(self.clock.now());
        let row = self.row(
            &format!(
                "UPDATE capabilities SET used = ?2 WHERE hash = ?1 AND used IS NULL AND expires > ?2
                 RETURNING {COLUMNS}"
            ),
            params![hash, now],
            texts::<8>,
        )?;
        row.map(|row| self.read_capability(row)).transpose()
    }

    /// Uses up every link that was given out: whoever has one can do nothing with it any more.
    pub fn void_capabilities(&self) -> Result<usize, JournalError> {
        let now = stamp(self.clock.now());
        self.execute("UPDATE capabilities SET used = ?1 WHERE used IS NULL", params![now])
    }

    /// Forgets links that expired before that time.
    pub fn prune_capabilities(&self, before: DateTime<Utc>) -> Result<usize, JournalError> {
        self.execute("DELETE FROM capabilities WHERE expires < ?1", params![stamp(before)])
    }

    fn read_capability(&self, row: [Option<String>; 8]) -> Result<Capability, JournalError> {
        let [action, project, bead, run, tip, expires, used, story] = row;
        let (action, project) = (action.unwrap_or_default(), project.unwrap_or_default());
        let odd = |what: &str| self.unreadable(0, &format!("a link with the {what}"));
        Ok(Capability {
            action: Action::parse(&action).ok_or_else(|| odd(&format!("action `{action}`")))?,
            project: project_id(project).ok_or_else(|| odd("project it is for"))?,
            bead: BeadId::new(bead.unwrap_or_default()),
            story: story.and_then(|story| story.parse().ok()),
            run: run.as_deref().and_then(RunId::parse),
            tip: tip.map(|tip| Oid::parse(&tip)).transpose().map_err(|why| self.unreadable(0, &why))?,
            expires: self.time(0, &expires.unwrap_or_default())?,
            used: used.is_some(),
        })
    }
}

/// A row of texts.
fn texts<const N: usize>(row: &Row<'_>) -> rusqlite::Result<[Option<String>; N]> {
    let mut all = [const { None }; N];
    for (at, text) in all.iter_mut().enumerate() {
        *text = row.get(at)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests;

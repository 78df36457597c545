//! Our own addresses: pages by id, and links that act once.
//!
//! Owns how a one-time link is made and recognised: a random secret that only its holder knows, bound to action,
//! bead, claim, run and tip, for a day (rules 19.2). Without a public address there are no links at all, because a phone
//! cannot reach this machine's loopback. Start with [`Links`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::alert::{Alert, BeadEnd, Kind};
use super::page;
use super::texts::Message;
use crate::clock::Ids;
use crate::domain::run::Outcome;
use crate::feed::view::place;
use crate::journal::reach::{Action, Capability};
use crate::journal::{Journal, JournalError};

/// How long a one-time link may be used.
const LIVES: TimeDelta = TimeDelta::hours(24);

/// What a button says and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub action: Action,
    pub title: &'static str,
    /// The page that asks before it acts.
    pub url: String,
    /// The secret itself, for a worker that acts without a page.
    pub capability: String,
}

/// The base of our addresses, where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    base: Option<String>,
}

impl Links {
    /// `public` is `server.public_url`: scheme, host and port, perhaps with a trailing slash.
    pub fn new(public: Option<&str>) -> Self {
        Self { base: public.map(|base| base.trim_end_matches('/').to_owned()) }
    }

    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Puts into the message where to look and what may be answered. Each call makes new one-time links: only their
    /// hashes are kept.
    pub fn add(
        &self,
        message: &mut Message,
        alert: &Alert,
        (journal, ids, now): (&Journal, &dyn Ids, DateTime<Utc>),
    ) -> Result<(), JournalError> {
        let Some(base) = &self.base else { return Ok(()) };
        let Some(end) = alert.bead() else {
            let night = match alert.summary() {
                Some(summary) => page::name(journal, summary.opened, now)?,
                None => None,
            };
            let path = night.map_or_else(|| "/".to_owned(), |night| place::brief(&night));
            message.link = Some(format!("{base}{path}"));
            return Ok(());
        };
        let page = place::bead(end.project.as_str(), end.bead.as_str());
        message.link = Some(format!("{base}{page}"));
        for (action, title) in answers(end) {
            let secret = secret(ids);
            let capability = Capability {
                action,
                project: end.project.clone(),
                bead: end.bead.clone(),
                story: end.claim,
                run: end.run.clone(),
                // "Nothing to do" is about no work, whatever an earlier claim kept.
                tip: end.tip.clone().filter(|_| end.outcome != Outcome::NoChange),
                expires: now + LIVES,
                used: false,
            };
            journal.grant(&hash(&secret), &capability)?;
            let url = format!("{base}/act/{secret}");
            message.actions.push(Link { action, title, url, capability: secret });
        }
        Ok(())
    }
}

/// What may be answered with one press: nothing that needs words, and never more than a person saw.
pub fn answers(end: &BeadEnd) -> Vec<(Action, &'static str)> {
    let cause = end.cause.as_deref().unwrap_or_default();
    match (end.outcome, end.kind()) {
        (Outcome::Parked, Kind::NeedsYou) if matches!(cause, "protected" | "tampering" | "review") => {
            let approve = end.tip.as_ref().map(|_| (Action::Approve, "Approve"));
            approve.into_iter().chain([(Action::Retry, "Try again")]).collect()
        }
        (Outcome::NoChange, _) => vec![(Action::Approve, "Nothing to do"), (Action::Retry, "Try again")],
        // A question wants an answer in words, work beside a checkout wants a merge.
        (Outcome::Parked, Kind::NeedsYou) if matches!(cause, "question" | "landed_beside") => Vec::new(),
        (Outcome::Parked, Kind::NeedsYou) => vec![(Action::Retry, "Try again")],
        (Outcome::Failed | Outcome::Timeout, _) => {
            vec![(Action::Retry, "Try again"), (Action::Park, "Put aside")]
        }
        _ => Vec::new(),
    }
}

/// A fresh secret of 32 bytes, fit for a path.
pub fn secret(ids: &dyn Ids) -> String {
    URL_SAFE_NO_PAD.encode([ids.bytes(), ids.bytes()].concat())
}

/// What is kept of a secret. One of another length than ours is nobody's.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

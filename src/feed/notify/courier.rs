//! Takes what is due out of the outbox, to its channel, and writes down how it went.
//!
//! Owns the pauses between tries (growing, with chance in them, for a day), giving up visibly, and telling a person
//! once that a channel does not work. Each try is noted before it is made: a crash in it costs a pause, never the
//! alert. Start with [`Courier::round`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::alert::Alert;
use super::channel::{Class, Failed, Retry};
use super::links::Links;
use super::set::{Channels, MAIL};
use super::{page, texts};
use crate::clock::{Clock, Ids};
use crate::config::zone::Zone;
use crate::domain::event::Body;
use crate::feed::brief::MailBody;
use crate::journal::outbox::{Delivery, Tried};
use crate::journal::{Entry, Journal, JournalError};

/// After this an alert is no news any more.
const LIVES: TimeDelta = TimeDelta::hours(24);
/// Nobody else tries a delivery for so long: more than any channel takes.
const LEASE: TimeDelta = TimeDelta::minutes(3);
/// So many at once.
const AT_ONCE: usize = 8;
pub const NO_CHANNEL: &str = "there is no such channel any more";
const FIRST: f64 = 30.0;
const LONGEST: f64 = 3600.0;

/// One process's courier.
#[derive(Clone)]
pub struct Courier {
    pub journal: Arc<Journal>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub channels: Arc<dyn Channels>,
    pub links: Links,
    /// Of the clock on the user's wall.
    pub zone: Zone,
}

impl Courier {
    /// Tries everything that is due, side by side. Gives how many were tried.
    pub async fn round(&self) -> Result<usize, JournalError> {
        let due = self.journal.due_deliveries(self.clock.now(), AT_ONCE)?;
        let tries = due.iter().map(|delivery| self.deliver(delivery));
        let results = futures_util::future::join_all(tries).await;
        results.into_iter().collect::<Result<Vec<()>, _>>().map(|all| all.len())
    }

    /// When there is something to do.
    pub fn next(&self) -> Result<Option<DateTime<Utc>>, JournalError> {
        self.journal.next_delivery()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), JournalError> {
        let now = self.clock.now();
        if !self.journal.try_delivery(delivery, now + LEASE)? {
            return Ok(());
        }
        let how = match self.read_and_send(delivery).await {
            Ok(true) => Tried::Sent,
            Ok(false) => Tried::Dropped { why: NO_CHANNEL.to_owned() },
            Err(failed) => self.failed(delivery, &failed),
        };
        if let Tried::Later { why, .. } | Tried::GivenUp { why } | Tried::Dropped { why } = &how {
            tracing::warn!(channel = %shown(&delivery.channel), alert = %delivery.key, %why, "an alert was not sent");
        }
        if self.journal.tried(delivery, &how)? {
            self.tell(delivery, &how)?;
        }
        Ok(())
    }

    /// False where there is no such channel any more.
    async fn read_and_send(&self, delivery: &Delivery) -> Result<bool, Failed> {
        let alert: Alert = serde_json::from_str(&delivery.alert)
            .map_err(|why| Failed::never(Class::Config, format!("the alert cannot be read: {why}")))?;
        self.send(&delivery.channel, &alert).await
    }

    /// Puts an alert into words and tries one channel once. Nothing is written down but its one-time links.
    /// False where there is no such channel any more.
    pub async fn send(&self, channel: &str, alert: &Alert) -> Result<bool, Failed> {
        let now = self.clock.now();
        let Some(open) = self.channels.open(channel)? else { return Ok(false) };
        let mut message = texts::message(alert);
        self.links
            .add(&mut message, alert, (&self.journal, self.ids.as_ref(), now))
            .map_err(|error| Failed::later(Class::Config, error.to_string()))?;
        if let Some(summary) = alert.summary().filter(|_| channel == MAIL) {
            // A mail has room for the whole brief; where that cannot be made, the few lines are sent.
            message.page = self.page(summary.opened, now).await;
        }
        open.send(&message).await.map(|_| true)
    }

    /// The whole brief, read and drawn where nobody waits for the thread.
    async fn page(&self, opened: u64, now: DateTime<Utc>) -> Option<MailBody> {
        let (journal, zone) = (Arc::clone(&self.journal), self.zone);
        let base = self.links.base().map(str::to_owned);
        let made =
            tokio::task::spawn_blocking(move || page::of(&journal, opened, base.as_deref(), (now, zone)));
        let failed = |error: &dyn std::error::Error| {
            tracing::warn!(%error, "the brief could not be put into a mail");
            None
        };
        match made.await {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        }
    }

    fn failed(&self, delivery: &Delivery, failed: &Failed) -> Tried {
        let (now, why) = (self.clock.now(), failed.to_string());
        let least = match failed.retry {
            Retry::Never | Retry::Gone => return Tried::GivenUp { why },
            Retry::Later => Duration::ZERO,
            Retry::After(pause) => pause,
        };
        let pause = pause(delivery.tries, self.ids.bytes()[0]).max(least);
        let at = now + TimeDelta::from_std(pause).unwrap_or(LIVES);
        if at - delivery.posted > LIVES {
            return Tried::GivenUp { why: format!("{why}; tried for a day") };
        }
        Tried::Later { at, why }
    }

    fn tell(&self, delivery: &Delivery, how: &Tried) -> Result<(), JournalError> {
        let (Tried::Later { why, .. } | Tried::GivenUp { why }) = how else { return Ok(()) };
        let after = if matches!(how, Tried::GivenUp { .. }) { "given up" } else { "tried again for a day" };
        let text = format!("alerts by {} do not get through ({after}): {why}", shown(&delivery.channel));
        let body = Body::Notice { text };
        self.journal.tell(Entry { project: None, bead: None, run: None, attempt: None, body })?;
        Ok(())
    }
}

/// A channel's name for people.
pub fn shown(channel: &str) -> String {
    channel.strip_prefix("push/").map_or_else(|| channel.to_owned(), |id| format!("push to device {id}"))
}

/// The pause after that many tries before: half a minute, then four times as long each time, an hour at most, and up to
/// a quarter more by chance, so that not everything comes back in the same second.
fn pause(tries: u32, chance: u8) -> Duration {
    let base = FIRST * 4f64.powi(i32::try_from(tries.min(10)).unwrap_or(10));
    Duration::from_secs_f64(base.min(LONGEST) * (1.0 + f64::from(chance) / 1024.0))
}

#[cfg(test)]
mod tests;

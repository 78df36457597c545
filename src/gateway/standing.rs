//! How the upstream and the account stand, shared by every gateway of this process.
//!
//! Owns the one breaker (rules 15.3) and the account's limits as answers told them (rules 15.2), and makes a
//! request wait where waiting is short. Whoever starts runs reads it and starts none into an outage. It keeps
//! nothing on disk: what must outlive a restart stands in the journal. Start with [`Standing`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use super::breaker::{Answer, Breaker, Last, Pass, State};
use crate::clock::{Clock, Ids};

/// A request waits here at most so long; then its client is told, and its run is put aside.
const HOLD: Duration = Duration::from_secs(45);

/// The account's limits, as far as answers told them (subscription logins only).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Account {
    /// The fullest of its limits, 0 to 1.
    pub utilization: Option<f64>,
    /// When that limit resets.
    pub resets_at: Option<DateTime<Utc>>,
    /// The upstream refused because of it.
    pub rejected: bool,
}

/// The state at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub upstream: State,
    pub account: Account,
}

pub struct Standing {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    breaker: Mutex<Breaker>,
    reading: watch::Sender<Reading>,
    /// Wakes requests that wait, the oldest first.
    bell: Notify,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("reading", &*self.reading.borrow()).finish_non_exhaustive()
    }
}

impl Standing {
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let first = Reading { upstream: State::Closed, account: Account::default() };
        Self {
            clock,
            ids,
            breaker: Mutex::default(),
            reading: watch::Sender::new(first),
            bell: Notify::new(),
        }
    }

    /// The state, now and as it changes.
    pub fn subscribe(&self) -> watch::Receiver<Reading> {
        self.reading.subscribe()
    }

    /// Waits until a request may go upstream. Where that would take long, it says what the upstream said last.
    pub async fn admit(self: &Arc<Self>) -> Result<Permit, Last> {
        let began = self.clock.elapsed();
        loop {
            let mut rung = std::pin::pin!(self.bell.notified());
            rung.as_mut().enable();
            let now = self.clock.elapsed();
            let pass = self.with(|breaker| breaker.ask(now));
            let (until, last) = match pass {
                Pass::Go => return Ok(Permit { standing: Arc::clone(self), open: false }),
                Pass::Probe => return Ok(Permit { standing: Arc::clone(self), open: true }),
                Pass::Wait { until, last } => (until, last),
            };
            let end = began + HOLD;
            // A probe may be answered any moment; a pause will not.
            let hopeless = matches!(self.reading.borrow().upstream, State::Open { .. }) && until > end;
            if hopeless || now >= end {
                return Err(last);
            }
            tokio::select! {
                biased;
                () = rung => {}
                () = tokio::time::sleep(until.min(end).saturating_sub(now)) => {}
            }
        }
    }

    /// The limits that an answer's headers told (`anthropic-ratelimit-unified-*`, by lower-case name).
    pub fn account(&self, headers: &BTreeMap<String, String>) {
        if let Some(account) = read_account(headers) {
            self.reading.send_if_modified(|reading| {
                let changed = reading.account != account;
                reading.account = account;
                changed
            });
        }
    }

    fn heard(&self, answer: Answer) {
        let now = self.clock.elapsed();
        let random = self.ids.bytes();
        self.with(|breaker| breaker.heard(now, answer, random));
    }

    fn with<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.breaker.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = breaker.state();
        let done = change(&mut breaker);
        let after = breaker.state();
        if before != after {
            self.reading.send_modify(|reading| reading.upstream = after);
            self.bell.notify_waiters();
        }
        done
    }
}

/// One request at the upstream. Dropped without an answer, it lets another try in its place.
#[derive(Debug)]
pub struct Permit {
    standing: Arc<Standing>,
    /// It is the probe and has no answer yet.
    open: bool,
}

impl Permit {
    pub fn heard(&mut self, answer: Answer) {
        self.open = false;
        // Success is the rule: the clock and the dice are only needed when something changes.
        if answer != Answer::Alive || self.standing.reading.borrow().upstream != State::Closed {
            self.standing.heard(answer);
        } else {
            self.standing.with(|breaker| breaker.heard(Duration::ZERO, Answer::Alive, [0; 16]));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.open {
            let now = self.standing.clock.elapsed();
            self.standing.with(|breaker| breaker.abandoned(now));
        }
    }
}

fn read_account(headers: &BTreeMap<String, String>) -> Option<Account> {
    let get = |name: &str| headers.get(&format!("anthropic-ratelimit-unified-{name}"));
    let time = |name: &str| {
        let seconds = get(name)?.trim().parse::<i64>().ok()?;
        DateTime::from_timestamp(seconds, 0)
    };
    let status = get("status");
    let fullest = ["5h", "7d"]
        .into_iter()
        .filter_map(|limit| {
            let full = get(&format!("{limit}-utilization"))?.trim().parse::<f64>().ok()?;
            full.is_finite().then_some((limit, full.clamp(0.0, 10.0)))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1));
    if status.is_none() && fullest.is_none() {
        return None;
    }
    let resets_at = fullest.and_then(|(limit, _)| time(&format!("{limit}-reset"))).or_else(|| time("reset"));
    Some(Account {
        utilization: fullest.map(|(_, full)| full),
        resets_at,
        rejected: status.is_some_and(|s| s == "rejected"),
    })
}

/// `retry-after`: seconds, or an HTTP date.
pub(crate) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests;

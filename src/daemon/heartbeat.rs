//! The daemon's heartbeat to another machine, as `watch` of the user's config wants it (rules 19.3).
//!
//! Owns what a beat says of the dispatcher's status and of the journal, and when none is sent: a dispatcher that hangs
//! is not told as a healthy one. It disturbs nothing: a beat that fails is a notice once, until one arrives again. How
//! long it goes on is `pulse`'s. Start with [`Heartbeat::new`].

mod pulse;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::dispatch::Status;
use super::refusal::Refusal;
use crate::clock::Clock;
use crate::config::watch::{Style, Watch, is_name};
use crate::domain::event::Body;
use crate::feed::watchman::{self, Beat, PostError, Standing, Wire, advances};
use crate::journal::read::Filter;
use crate::journal::{Entry, Journal, JournalError};
pub use pulse::Pulse;

/// Two beats may be lost on the way before anybody is alarmed.
const PATIENCE: i32 = 2;
/// And a little for the way itself.
const SLACK: TimeDelta = TimeDelta::seconds(15);
/// At its start a daemon looks so far back for the last progress.
const LOOKS_BACK: u64 = 2_000;

/// What beats are made of.
pub struct Heartbeat {
    watch: Watch,
    secret: Option<Zeroizing<Vec<u8>>>,
    wire: Wire,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    status: watch::Receiver<Arc<Status>>,
    host: String,
    begun: DateTime<Utc>,
    seen: u64,
    progress_seq: u64,
    /// What running beads cost when last looked at, and how often that changed.
    measured: u64,
    meter: u64,
    /// By our own clock, for those who only count pings.
    progressed: DateTime<Utc>,
    last: DateTime<Utc>,
    failing: bool,
}

impl Heartbeat {
    /// Refuses what could only fail later: a secret that is not there, or that others may read. `folder` is where
    /// relative paths begin.
    pub fn new(
        watch: Watch,
        folder: &Path,
        journal: Arc<Journal>,
        clock: Arc<dyn Clock>,
        status: watch::Receiver<Arc<Status>>,
    ) -> Result<Self, Refusal> {
        let refused = |why: String| Refusal::new(format!("`watch`: {why}"));
        let secret = match &watch.style {
            Style::Signed { secret } => {
                let read = watchman::read_secret(&folder.join(secret));
                Some(read.map_err(|error| refused(error.to_string()))?)
            }
            Style::Ping => None,
        };
        let wire = Wire::new(&watch.url).map_err(|error| refused(error.to_string()))?;
        let last = journal.last_seq().unwrap_or(0);
        let now = clock.now();
        let host = watch.name.clone().unwrap_or_else(machine);
        let seen = last.saturating_sub(LOOKS_BACK);
        Ok(Self {
            watch,
            secret,
            wire,
            journal,
            clock,
            status,
            host,
            begun: now,
            seen,
            progress_seq: 0,
            measured: 0,
            meter: 0,
            progressed: now,
            last: now - TimeDelta::seconds(1),
            failing: false,
        })
    }

    /// Sends what is true now. `over`: the daemon leaves on purpose.
    async fn tell(&mut self, over: bool) {
        // A beat would promise the next one for a dispatcher that does nothing any more. Its silence is heard; whoever
        // counts pings alone is told.
        if !over && self.hangs() && self.secret.is_some() {
            return;
        }
        let beat = self.beat(over);
        let sent = self.send(&beat).await;
        self.note(sent);
    }

    fn hangs(&self) -> bool {
        !self.status.borrow().is_fresh(self.begun, self.clock.now())
    }

    /// What is true now. `over`: the daemon leaves on purpose.
    fn beat(&mut self, over: bool) -> Beat {
        let before = (self.progress_seq, self.meter);
        // A journal that cannot be read is told by whoever works with it; here it is no progress.
        let _ = self.read();
        let status = self.status.borrow().clone();
        let state = if over { Standing::Closed } else { standing(&status) };
        let measured = meter(&status);
        if measured != self.measured {
            self.measured = measured;
            self.meter += 1;
        }
        // No two beats have the same time, whatever the clock does.
        let at = self.clock.now().max(self.last + TimeDelta::milliseconds(1));
        self.last = at;
        if (self.progress_seq, self.meter) != before || state != Standing::Advancing {
            self.progressed = at;
        }
        let every = TimeDelta::from_std(self.watch.every.get()).unwrap_or_default();
        Beat {
            host: self.host.clone(),
            state,
            at,
            next_by: (!over).then(|| at + every * PATIENCE + SLACK),
            progress_seq: self.progress_seq,
            meter: self.meter,
            stall_s: Some(self.watch.stall.get().as_secs()),
        }
    }

    /// Reads on in the journal to the newest progress.
    fn read(&mut self) -> Result<(), JournalError> {
        loop {
            let events = self.journal.events(self.seen, &Filter::default(), 1_000)?;
            let Some(last) = events.last() else { return Ok(()) };
            self.seen = last.seq;
            if let Some(event) = events.iter().rev().find(|event| advances(&event.body)) {
                self.progress_seq = event.seq;
            }
        }
    }

    async fn send(&self, beat: &Beat) -> Result<(), PostError> {
        match &self.secret {
            Some(secret) => self.wire.beat(secret, beat).await,
            None => {
                let stall = TimeDelta::from_std(self.watch.stall.get()).unwrap_or(TimeDelta::MAX);
                let still = beat.state == Standing::Advancing && beat.at - self.progressed > stall;
                let fail = still || (beat.next_by.is_some() && self.hangs());
                self.wire.ping(fail).await
            }
        }
    }

    /// The first failure of a row is told, the others are not.
    fn note(&mut self, sent: Result<(), PostError>) {
        let failed = sent.err();
        if let Some(error) = failed.as_ref().filter(|_| !self.failing) {
            let text = format!("the heartbeat was not taken, and is sent again: {error}");
            let body = Body::Notice { text };
            let told = self.journal.tell(Entry { project: None, bead: None, run: None, attempt: None, body });
            if let Err(error) = told {
                tracing::warn!(%error, "a heartbeat failed, and could not be noted");
            }
        }
        self.failing = failed.is_some();
    }
}

fn standing(status: &Status) -> Standing {
    if !status.running.is_empty() {
        Standing::Advancing
    } else if status.state == "waiting" {
        Standing::Closed
    } else if status.waiting.iter().any(|bead| bead.suspended) {
        Standing::Suspended
    } else {
        Standing::Idle
    }
}

/// What running beads cost so far, in millionths of a dollar: it changes with every answer. The night's money has the
/// meters of reviews in it that somebody asked for, and that are no bead's.
fn meter(status: &Status) -> u64 {
    let usd: f64 = status.running.iter().map(|bead| bead.usd).sum::<f64>() + status.night_usd;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded before")]
    let millionths = (usd.clamp(0.0, 1e9) * 1e6) as u64;
    millionths
}

/// The machine's name, where it has one that is fit to be shown.
fn machine() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.trim();
    if is_name(name) { name.to_owned() } else { "beadwork".to_owned() }
}

#[cfg(test)]
mod tests;

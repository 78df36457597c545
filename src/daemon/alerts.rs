//! The task that follows the journal and tells people what is worth telling.
//!
//! Owns when the rules read, when the courier goes, and that neither can hold up or end the daemon: it is a task
//! of its own, taken up again when it breaks. What is told, and how, is decided in `feed::notify`. It looks at
//! the journal's newest number every few seconds, because other processes write events too. Start with
//! [`Alerts::start`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::house::House;
use crate::config::notify::Notify;
use crate::config::server::PublicUrl;
use crate::config::user::User;
use crate::config::zone::Zone;
use crate::domain::event::Body;
use crate::feed::notify::alert::{Alert, Kind};
use crate::feed::notify::courier::{Courier, NO_CHANNEL};
use crate::feed::notify::links::Links;
use crate::feed::notify::rules::{QuietHours, Rules, State};
use crate::feed::notify::secrets::Vault;
use crate::feed::notify::set::{Channels as _, Configured};
use crate::journal::outbox::Posted;
use crate::journal::read::Filter;
use crate::journal::{Entry, JournalError};

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// After a failure of its own.
const AGAIN: Duration = Duration::from_secs(30);
/// How long the end of a daemon waits for the last alerts; what is left goes out next time.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Events at a time.
const PAGE: usize = 500;
/// So many events may be read again after a crash where nothing was remembered of them.
const UNNOTED: u64 = 1000;
/// What was sent is kept so long for people to look at.
const KEPT: TimeDelta = TimeDelta::days(30);

/// The running task. Dropping it leaves what is unsent in the outbox.
pub struct Alerts {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Alerts {
    /// Begins to follow; `zone` is the clock on the user's wall.
    pub fn start(house: Arc<House>, zone: Zone) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(supervise(house, zone, stop.clone()));
        Self { stop, task }
    }

    /// Sends what is ready, within a bounded time, and ends.
    pub async fn finish(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(LAST_WORDS + Duration::from_secs(2), &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Alerts {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// The real channels of the user's config.
pub fn courier(house: &House, user: &User, zone: Zone) -> Courier {
    Courier {
        journal: Arc::clone(&house.journal),
        clock: Arc::clone(&house.clock),
        ids: Arc::clone(&house.ids),
        channels: Arc::new(channels(house, &user.notify)),
        links: Links::new(public_url(user).as_deref()),
        zone,
    }
}

/// Puts a test into the outbox, for the channels that are wanted. Gives how many they are.
pub fn post_test(house: &House, user: &User, wanted: impl Fn(&str) -> bool) -> Result<u32, JournalError> {
    let key = format!("test/{}", crate::domain::ids::base36(house.ids.bytes(), 16));
    let names = channels(house, &user.notify).names()?;
    let channels: Vec<String> = names.into_iter().filter(|name| wanted(name)).collect();
    let count = u32::try_from(channels.len()).unwrap_or(u32::MAX);
    if count > 0 {
        let alert = Alert::test(key.clone(), house.clock.now());
        let alert = serde_json::to_string(&alert).unwrap_or_default();
        let kind = Kind::Test.as_str().to_owned();
        house.journal.post_alone(Posted { key, kind, alert, channels })?;
    }
    Ok(count)
}

/// Alerts that quiet hours hold back, and when those end: without a daemon nobody sends them then.
pub fn held_back(house: &House, zone: Zone) -> Result<Option<(usize, DateTime<Utc>)>, JournalError> {
    let Ok(user) = User::read(&house.places.config_file()) else { return Ok(None) };
    let Some((seq, text)) = house.journal.outbox_read()? else { return Ok(None) };
    if channels(house, &user.notify).names()?.is_empty() {
        return Ok(None);
    }
    let (state, now) = (State::kept(seq, &text), house.clock.now());
    let next = state.next(now, &rules(&user.notify, zone)).filter(|next| *next > now);
    Ok(next.map(|next| (state.waiting().0, next)))
}

/// Sends a test over the channels that are wanted, now and once. Gives each with why it failed; one that takes it
/// works again.
pub async fn try_out(
    courier: &Courier,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Option<String>)>, JournalError> {
    let key = format!("test/{}", crate::domain::ids::base36(courier.ids.bytes(), 16));
    let alert = Alert::test(key, courier.clock.now());
    let names = courier.channels.names()?.into_iter().filter(|name| wanted(name));
    let tries = names.map(|name| async {
        let failed = match courier.send(&name, &alert).await {
            Ok(true) => None,
            Ok(false) => Some(NO_CHANNEL.to_owned()),
            Err(failed) => Some(failed.to_string()),
        };
        (name, failed)
    });
    let tried = futures_util::future::join_all(tries).await;
    for (name, _) in tried.iter().filter(|(_, failed)| failed.is_none()) {
        courier.journal.channel_works(name)?;
    }
    Ok(tried)
}

/// Where the secrets of channels lie: beside the config, or in the environment.
pub fn vault(house: &House) -> Vault {
    let config = house.places.config_file();
    let folder = config.parent().unwrap_or(&config).to_owned();
    Vault { folder, environment: house.environment.inherited.clone() }
}

fn channels(house: &House, settings: &Notify) -> Configured {
    Configured {
        settings: settings.clone(),
        vault: vault(house),
        journal: Arc::clone(&house.journal),
        clock: Arc::clone(&house.clock),
        ids: Arc::clone(&house.ids),
        key: house.places.push_key(),
        web: Configured::web(),
    }
}

/// Where a phone finds us.
fn public_url(user: &User) -> Option<String> {
    user.server.public_url.as_ref().map(PublicUrl::origin)
}

/// Follows until it is stopped; a failure or a bug in it costs a pause.
async fn supervise(house: Arc<House>, zone: Zone, stop: CancellationToken) {
    let (mut told, good) = (false, Good::default());
    while !stop.is_cancelled() {
        let (house_, stop_, good_) = (Arc::clone(&house), stop.clone(), Good::clone(&good));
        let mut task = tokio::spawn(async move { Follower::new(house_, zone, good_)?.follow(stop_).await });
        let why = tokio::select! {
            ended = &mut task => match ended {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic.to_string(),
            },
            // The supervisor is aborted with its daemon; this keeps the inner task from outliving it.
            () = gone(&stop) => {
                let _ = task.await;
                return;
            }
        };
        tracing::error!(%why, "alerts broke off and are taken up again");
        if !told {
            told = true;
            let body = Body::Notice { text: format!("alerts broke off and are taken up again: {why}") };
            let _ = house.journal.tell(Entry { project: None, bead: None, run: None, attempt: None, body });
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn gone(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// The last config without a mistake: a follower that is taken up again loses no channel to one that has some now.
type Good = Arc<Mutex<User>>;

/// What reads the journal and sends.
struct Follower {
    house: Arc<House>,
    zone: Zone,
    rules: Rules,
    courier: Courier,
    good: Good,
    /// When the config that is in force was written.
    config: Option<SystemTime>,
    state: State,
    /// How far the outbox knows that we have read, and what it keeps.
    noted: (u64, State),
    pruned: Option<DateTime<Utc>>,
}

impl Follower {
    fn new(house: Arc<House>, zone: Zone, good: Good) -> Result<Self, JournalError> {
        let state = match house.journal.outbox_read()? {
            Some((seq, kept)) => State::kept(seq, &kept),
            None => {
                let (open, last) = (house.journal.open_stories(None)?, house.journal.last_seq()?);
                let state = State::beginning(last, &open);
                house.journal.post(last, &kept(&state), &[])?;
                state
            }
        };
        let config = written(&house);
        let user = match User::read(&house.places.config_file()) {
            Ok(user) => user,
            Err(error) => {
                tracing::warn!(%error, "the config is not used for alerts");
                good.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
        };
        let (rules, courier) = (rules(&user.notify, zone), courier(&house, &user, zone));
        let noted = (state.seq, state.clone());
        let mut follower = Self { house, zone, rules, courier, good, config, state, noted, pruned: None };
        follower.obey(user)?;
        Ok(follower)
    }

    async fn follow(mut self, stop: CancellationToken) -> Result<(), JournalError> {
        let mut out: Option<JoinHandle<Result<usize, JournalError>>> = None;
        while !stop.is_cancelled() {
            self.reload()?;
            self.read()?;
            self.prune()?;
            if let Some(round) = out.take_if(|round| round.is_finished()) {
                sent(round.await)?;
            }
            let now = self.house.clock.now();
            if out.is_none() && self.courier.next()?.is_some_and(|next| next <= now) {
                let courier = self.courier.clone();
                out = Some(tokio::spawn(async move { courier.round().await }));
            }
            let due = self.state.next(now, &self.rules).into_iter().chain(self.courier.next()?).min();
            let due = due.and_then(|due| (due - now).to_std().ok()).unwrap_or(LOOK);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(due.clamp(Duration::from_millis(100), LOOK)) => {}
            }
        }
        let last = async {
            if let Some(round) = out {
                sent(round.await)?;
            }
            self.last_words().await
        };
        tokio::time::timeout(LAST_WORDS, last).await.unwrap_or(Ok(()))
    }

    /// Nobody will be there to send what only waits for company.
    async fn last_words(&mut self) -> Result<(), JournalError> {
        self.read()?;
        self.state.hurry(self.house.clock.now());
        self.read()?;
        while self.courier.round().await? > 0 {}
        Ok(())
    }

    /// Reads what is new, decides, and writes down both in one transaction.
    fn read(&mut self) -> Result<(), JournalError> {
        let journal = Arc::clone(&self.house.journal);
        loop {
            let now = self.house.clock.now();
            let events = journal.events(self.state.seq, &Filter::default(), PAGE)?;
            for event in &events {
                self.state.see(event, now, &self.rules);
            }
            let mut alerts = Vec::new();
            // Before the newest event is seen, one that resolves an older one may still come.
            if events.len() < PAGE {
                alerts = self.state.ripe(now, &self.rules);
            }
            let same = self.state.remembers_the_same(&self.noted.1);
            if !alerts.is_empty() || !same || self.state.seq - self.noted.0 >= UNNOTED {
                let posted = self.posted(&alerts)?;
                journal.post(self.state.seq, &kept(&self.state), &posted)?;
                self.noted = (self.state.seq, self.state.clone());
            }
            if events.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn posted(&self, alerts: &[Alert]) -> Result<Vec<Posted>, JournalError> {
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        let channels = self.courier.channels.names()?;
        let posted = |alert: &Alert| Posted {
            key: alert.key.clone(),
            kind: alert.kind.as_str().to_owned(),
            alert: serde_json::to_string(alert).unwrap_or_default(),
            channels: channels.clone(),
        };
        Ok(alerts.iter().map(posted).collect())
    }

    /// Takes over a config that changed; one with a mistake changes nothing.
    fn reload(&mut self) -> Result<(), JournalError> {
        let written = written(&self.house);
        if written == self.config {
            return Ok(());
        }
        self.config = written;
        match User::read(&self.house.places.config_file()) {
            Ok(user) => self.obey(user),
            Err(error) => {
                tracing::warn!(%error, "the changed config is not used for alerts");
                Ok(())
            }
        }
    }

    fn obey(&mut self, user: User) -> Result<(), JournalError> {
        self.rules = rules(&user.notify, self.zone);
        self.courier = courier(&self.house, &user, self.zone);
        *self.good.lock().unwrap_or_else(PoisonError::into_inner) = user;
        self.house.journal.keep_channels(&self.courier.channels.names()?)?;
        Ok(())
    }

    fn prune(&mut self) -> Result<(), JournalError> {
        let now = self.house.clock.now();
        if self.pruned.is_none_or(|at| now - at > TimeDelta::days(1)) {
            self.pruned = Some(now);
            self.house.journal.prune_outbox(now - KEPT)?;
            self.house.journal.prune_capabilities(now - TimeDelta::days(7))?;
        }
        Ok(())
    }
}

fn rules(settings: &Notify, zone: Zone) -> Rules {
    let delta = |span: crate::config::duration::Span| TimeDelta::from_std(span.get()).unwrap_or_default();
    Rules {
        dwell: delta(settings.dwell),
        group: delta(settings.group),
        quiet: settings.quiet.as_ref().map(|quiet| QuietHours::new(quiet, zone)),
        max_per_night: settings.max_per_night,
    }
}

fn kept(state: &State) -> String {
    serde_json::to_string(state).unwrap_or_default()
}

fn written(house: &House) -> Option<SystemTime> {
    std::fs::metadata(house.places.config_file()).and_then(|meta| meta.modified()).ok()
}

/// A courier that panicked met a bug of ours: its deliveries come back when their lease is over.
fn sent(round: Result<Result<usize, JournalError>, tokio::task::JoinError>) -> Result<(), JournalError> {
    match round {
        Ok(done) => done.map(|_| ()),
        Err(panic) => {
            tracing::error!(%panic, "a courier broke");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;

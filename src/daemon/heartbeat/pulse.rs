//! Heartbeats for as long as the daemon lives, as `watch` of the user's config wants them now.
//!
//! Owns when a beat is due, the config that changes meanwhile, and how it ends: with a farewell where the daemon leaves
//! on purpose, without a word where it dies, so that it is missed. Start with [`Pulse::start`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::Heartbeat;
use crate::clock::Clock;
use crate::config::user::User;
use crate::config::watch::Watch;
use crate::daemon::dispatch::Status;
use crate::daemon::house::House;
use crate::daemon::refusal::Refusal;
use crate::domain::event::Body;
use crate::journal::{Entry, Journal};

/// The longest a last beat may hold up a daemon that leaves.
const FAREWELL: Duration = Duration::from_secs(6);
/// While nobody is to be told, the config is looked at so often.
const LOOK: Duration = Duration::from_secs(60);

/// A heartbeat that goes on beside the dispatcher.
pub struct Pulse {
    task: tokio::task::JoinHandle<()>,
    leaving: watch::Sender<bool>,
}

impl Pulse {
    /// Begins to beat where the user's config wants it, or once it does.
    pub fn start(
        wish: Option<Watch>,
        house: &House,
        status: watch::Receiver<Arc<Status>>,
    ) -> Result<Self, Refusal> {
        let (journal, clock) = (Arc::clone(&house.journal), Arc::clone(&house.clock));
        let source = Source { file: house.places.config_file(), journal, clock, status };
        let heart = wish.map(|wish| source.heart(wish)).transpose()?;
        let read = written(&source.file);
        Ok(Self::of(Beating { source, heart, read }))
    }

    fn of(beating: Beating) -> Self {
        let leaving = watch::Sender::new(false);
        let task = tokio::spawn(beating.go_on(leaving.subscribe()));
        Self { task, leaving }
    }

    /// The daemon leaves on purpose, and says so, so that nobody is alarmed.
    pub async fn leave(self) {
        self.leaving.send_replace(true);
        let _ = tokio::time::timeout(FAREWELL, self.task).await;
    }

    /// The daemon dies of an error of its own: it shall be missed.
    pub async fn die(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// What a heart is made of, whatever the config wishes.
struct Source {
    file: PathBuf,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    status: watch::Receiver<Arc<Status>>,
}

impl Source {
    fn heart(&self, wish: Watch) -> Result<Heartbeat, Refusal> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let (journal, clock) = (Arc::clone(&self.journal), Arc::clone(&self.clock));
        Heartbeat::new(wish, folder, journal, clock, self.status.clone())
    }
}

struct Beating {
    source: Source,
    heart: Option<Heartbeat>,
    /// When the config that is in force was written.
    read: Option<SystemTime>,
}

impl Beating {
    async fn go_on(mut self, mut leaving: watch::Receiver<bool>) {
        loop {
            self.reload().await;
            let over = *leaving.borrow();
            if let Some(heart) = &mut self.heart {
                heart.tell(over).await;
            }
            if over {
                return;
            }
            let pause = self.heart.as_ref().map_or(LOOK, |heart| heart.watch.every.get());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // The sender of it went: the daemon is gone, and so are we.
                changed = leaving.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Takes over a `watch` that changed; one that cannot be used changes nothing.
    async fn reload(&mut self) {
        let written = written(&self.source.file);
        if written == self.read {
            return;
        }
        self.read = written;
        // A config with a mistake is told by those who read all of it.
        let Ok(user) = User::read(&self.source.file) else { return };
        if user.watch.as_ref() == self.heart.as_ref().map(|heart| &heart.watch) {
            return;
        }
        match user.watch.map(|wish| self.source.heart(wish)).transpose() {
            Ok(mut next) => {
                // Whoever was told until now shall not miss what the config no longer wants.
                if let Some(mut before) = self.heart.take() {
                    before.tell(true).await;
                    if let Some(next) = &mut next {
                        next.last = before.last;
                    }
                }
                self.heart = next;
            }
            Err(refusal) => {
                let body = Body::Notice { text: format!("the changed config is not used: {refusal}") };
                let entry = Entry { project: None, bead: None, run: None, attempt: None, body };
                if let Err(error) = self.source.journal.tell(entry) {
                    tracing::warn!(%error, %refusal, "a changed `watch` is not used, and that could not be noted");
                }
            }
        }
    }
}

fn written(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests;

//! The target's ref, locked while other things happen, then moved or let go.
//!
//! Owns the prepared ref transaction (rules 3.3) and the patience with other people's locks (F38). It runs in
//! the work tree that has the target checked out, so that its HEAD is locked too. Start with [`Prepared`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::notes::Notes;
use super::{LandError, LandRequest};
use crate::domain::ids::Oid;
use crate::workspace::program::{GitError, Session, Verb};

/// A ref transaction that will succeed, holding its locks.
pub(super) struct Prepared {
    session: Session,
}

pub(super) enum Tried {
    Prepared(Box<Prepared>),
    /// The target is not at `old`.
    Moved(Option<Oid>),
}

/// Long enough for a `git commit` of the user, short enough for a person who waits.
const PATIENCE: [u64; 5] = [100, 200, 400, 800, 1600];

impl Prepared {
    pub(super) async fn take(request: &LandRequest<'_>, root: &Path) -> Result<Tried, LandError> {
        let mut waits = PATIENCE.iter();
        loop {
            let error = match Self::try_once(request, root).await {
                Ok(prepared) => return Ok(Tried::Prepared(Box::new(prepared))),
                Err(LandError::Git(error)) => error,
                Err(other) => return Err(other),
            };
            let tip = request.repo.branch_tip(request.target).await?;
            if tip.as_ref() != Some(request.old) {
                return Ok(Tried::Moved(tip));
            }
            let Some(lock) = blocking_lock(error.stderr()) else { return Err(error.into()) };
            let Some(wait) = waits.next() else { return Err(LandError::Locked(lock)) };
            tokio::time::sleep(Duration::from_millis(*wait)).await;
        }
    }

    async fn try_once(request: &LandRequest<'_>, root: &Path) -> Result<Self, LandError> {
        let message = format!("beadwork: land {} ({})", request.bead.slug(), request.run);
        let call = request.repo.git.users(root, Verb::UpdateRef);
        let mut session = call.args(["-m", &message, "--no-deref", "--stdin"]).session()?;
        // Noted before it can hold a lock: a lock without a note is never taken for ours.
        if let Some(who) = session.fingerprint() {
            Notes::at(request.notes).add(&who)?;
        }
        let update = format!("update refs/heads/{} {} {}\n", request.target, request.new, request.old);
        session.ask(b"start\n", "start: ok").await?;
        session.ask(format!("{update}prepare\n").as_bytes(), "prepare: ok").await?;
        Ok(Self { session })
    }

    pub(super) async fn commit(mut self) -> Result<(), GitError> {
        self.session.ask(b"commit\n", "commit: ok").await?;
        self.session.end().await;
        Ok(())
    }

    /// Lets go of the locks; nothing has moved.
    pub(super) async fn give_up(self) {
        self.session.end().await;
    }
}

/// The lock file in `Unable to create '<path>.lock': File exists.`
fn blocking_lock(said: &str) -> Option<PathBuf> {
    if !said.contains("File exists") {
        return None;
    }
    let path = said.split("Unable to create '").nth(1)?.split('\'').next()?;
    Some(PathBuf::from(path))
}

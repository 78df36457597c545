//! What a person wants of a bead that is held, and how its holder hears of it.
//!
//! A wish is an event: it reaches a daemon and a `bead work` in another terminal in the same way, it is in order
//! with everything else, and it outlives the process that was to obey. Owns which wish still stands, and its
//! translation into a [`Stop`]. Start with [`standing`].

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::stop::{Aside, Stop};
use crate::domain::event::{Body, Event, Wish};
use crate::domain::ids::{BeadId, ProjectId};
use crate::domain::run::Cause;
use crate::journal::read::Filter;
use crate::journal::{Journal, JournalError};
use crate::lifecycle::Story;

/// The wish that nobody has obeyed yet, in the events of one claim.
pub fn standing(journal: &Journal, story: &Story) -> Result<Option<Wish>, JournalError> {
    let events = journal.events(story.id, &Filter::of(&story.project, &story.bead), usize::MAX)?;
    Ok(events.iter().fold(None, after))
}

/// Pausing is over with the suspension or with going on again; an end only with the end.
fn after(standing: Option<Wish>, event: &Event) -> Option<Wish> {
    match (&event.body, standing) {
        (Body::Wished { wish, .. }, None | Some(Wish::Pause)) => Some(wish.clone()),
        (Body::Suspended { .. } | Body::Resumed { .. }, Some(Wish::Pause)) => None,
        (Body::Settling { .. } | Body::Finished(_), _) => None,
        (_, standing) => standing,
    }
}

/// Turns a wish into what everything that runs listens to.
pub fn heed(stop: &Stop, wish: &Wish) {
    match wish {
        Wish::Pause => stop.put_aside(Aside {
            cause: Cause::new("user"),
            reason: "paused by a person".to_owned(),
            until: None,
            park: false,
        }),
        Wish::Cancel => stop.cancel(),
        Wish::Park { reason } => stop.park(reason),
    }
}

impl Engine {
    /// Obeys what is asked of the bead from event `seen` on. Never returns without an error: whoever carries the
    /// bead drops it with the work.
    pub(in crate::daemon) async fn obey_wishes(
        &self,
        project: ProjectId,
        bead: BeadId,
        mut seen: u64,
    ) -> Result<std::convert::Infallible, EngineError> {
        let journal = &self.house.journal;
        let mut ear = journal.ear();
        loop {
            for event in journal.events(seen, &Filter::of(&project, &bead), usize::MAX)? {
                seen = event.seq;
                if let Body::Wished { wish, .. } = &event.body {
                    heed(&self.stop, wish);
                }
            }
            ear.heard().await;
        }
    }
}

#[cfg(test)]
mod tests;

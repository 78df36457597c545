//! The effect of `BLOCKED: ...`: the bead that this one waits for is found or made.
//!
//! Owns the way from an agent's last line to an edge in the tracker, and what a person is asked where there can be
//! none. How a blocker is matched, capped and made is `filing`'s. Start with `Engine::block`.

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::filing::{self, BlockerError};
use crate::domain::event::{Asked, Body};
use crate::domain::run::{Cause, Outcome};
use crate::lifecycle::Story;

impl Engine {
    pub(in crate::daemon) async fn block(&self, story: &mut Story) -> Result<(), EngineError> {
        let asked = story.work.as_ref().and_then(|w| w.end.as_ref()).and_then(|end| end.asked.clone());
        let Some(Asked::Blocked(reason)) = asked else { return Ok(()) };
        let found = filing::blocker(&self.house, &self.site, &story.bead, &reason).await;
        self.survive("done", "block")?;
        let body = match found {
            Ok(found) => Body::Blocked { blocker: found.bead, created: found.created, reason },
            Err(BlockerError::Failed(error)) => return Err(error),
            Err(refused) => {
                let cause = match &refused {
                    BlockerError::Cycle { .. } => "cycle",
                    _ => "blocked",
                };
                let reason = format!("it is blocked ({reason}), and {refused}");
                Body::Settling { outcome: Outcome::Parked, cause: Some(Cause::new(cause)), reason }
            }
        };
        self.record(story, body)?;
        Ok(())
    }
}

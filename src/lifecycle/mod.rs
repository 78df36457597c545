//! One claim's story from ready to its end, as a pure state machine.
//!
//! Owns which event may follow which, and what has to be done next. It does nothing itself: no clock, no
//! I/O, no randomness. A journal replayed through [`Story::apply`] gives the story a live engine had, and
//! [`Story::next`] says what that engine was about to do. Which event leads where stands in `decide`, what
//! follows from a failure in `outcome`, by the table in [`policy`].
//!
//! ```text
//! claiming -> starting -> preparing -> working -> exporting -> merging -> gating -> reviewing -> landing -> closing
//!    |  straight ^ on     ^      ^     |  ^      |  |  ^ |       |         |  |       |            |          |
//!    +--------+--|--------|------|--suspended <--|--|--|-|-------|---------+  |       |            |          |
//!    |        |  |        |      +-- untangling <|--|--|-+       |            |       |            |          |
//!    v        |  |        |           ^          |  +--|---- blocking ----> settling <+------------+          |
//! uniting ----|--+--------|-----------+          |     |                       |                              |
//!             |  +--------|---- next attempt, with findings (gates, review) <---+                              |
//!             +-----------|----------------------------+                      cleaning <----------------------+
//!                         +---- goes on in its clone                            +-> finished
//! ```
//!
//! A claim that takes over an earlier one's work (`Order::again`) begins in `uniting`, or straight in `merging`.

mod again;
mod allowed;
mod decide;
mod outcome;
mod phase;
pub mod policy;
mod review;
mod story;

use crate::domain::event::Event;

pub use phase::{Back, Effect, Phase};
pub use review::{Reviews, for_the_author};
pub use story::{Candidate, Conflict, Kept, Story, Work};

/// The cause of a suspension that ends at once, in a new conversation.
pub const CONTEXT: &str = "context";

/// The cause of a suspension that ends at once, in the same conversation: a person's message came as the run ended.
pub const MESSAGE: &str = "message";

/// An event that cannot follow: a bug or a damaged journal, never something to go on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} `{event}` cannot follow phase `{phase}` of bead `{bead}`")]
pub struct IllegalTransition {
    pub seq: u64,
    pub event: String,
    pub phase: String,
    pub bead: String,
}

impl Story {
    /// What has to be done next.
    pub fn next(&self) -> Effect {
        match &self.phase {
            Phase::Claiming => Effect::Claim,
            Phase::Uniting => Effect::Unite,
            Phase::Starting => Effect::StartAttempt {
                number: self.attempt + 1,
                from: self.begin_at(),
                resume: self.conversed,
            },
            Phase::Preparing => Effect::PrepareWorkspace,
            Phase::Working => Effect::RunAgent,
            Phase::Exporting => Effect::Export,
            Phase::Merging => Effect::Merge,
            Phase::Untangling => Effect::StartConflictRun,
            Phase::Gating => Effect::Gate,
            Phase::Reviewing => Effect::Review,
            Phase::Blocking => Effect::Block,
            Phase::Landing { .. } => Effect::Land,
            Phase::Closing => Effect::Close,
            Phase::Settling { outcome, cause, reason, journalled } => Effect::Settle {
                outcome: *outcome,
                cause: cause.clone(),
                reason: reason.clone(),
                journalled: *journalled,
            },
            Phase::Suspending { cause, reason, resets_at, .. } => {
                Effect::Suspend { cause: cause.clone(), reason: reason.clone(), resets_at: *resets_at }
            }
            Phase::Resuming { why } => Effect::Resume { why: why.clone() },
            // A new conversation has room at once, and a message is there: there is nothing to wait for.
            Phase::Suspended { cause, reason, .. } if matches!(cause.as_str(), CONTEXT | MESSAGE) => {
                Effect::Resume { why: reason.clone() }
            }
            Phase::Suspended { .. } => Effect::Wait,
            Phase::Cleaning => Effect::CleanUp,
            Phase::Finished => Effect::Nothing,
        }
    }

    /// Moves the story by one event. Telling events (`run_started`, `notice`, ...) move nothing.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalTransition> {
        if self.take(event) {
            return Ok(());
        }
        let tag = serde_json::to_value(&event.body).ok();
        let tag = tag.as_ref().and_then(|v| v.get("type")).and_then(|t| t.as_str()).unwrap_or("?");
        Err(IllegalTransition {
            seq: event.seq,
            event: tag.to_owned(),
            phase: self.phase.name().to_owned(),
            bead: self.bead.to_string(),
        })
    }
}

#[cfg(test)]
mod tests;

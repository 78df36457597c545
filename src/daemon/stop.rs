//! How a person's wish to stop reaches everything that runs.
//!
//! Owns the escalation: first a gentle stop that keeps the work, then leaving at once and letting recovery
//! do the rest. It catches no signals itself: `cli` turns Ctrl-C into [`Stop::more`].

use tokio::sync::watch;

/// How urgently to stop. Ordered: it only ever rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    #[default]
    GoOn,
    /// Stop the agent properly, keep its work, settle the bead.
    Gently,
    /// Leave now; containers run on, recovery finishes the story.
    AtOnce,
}

/// The sending side, and a factory of listeners.
#[derive(Debug, Clone)]
pub struct Stop {
    sender: watch::Sender<Urgency>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { sender: watch::Sender::new(Urgency::GoOn) }
    }
}

impl Stop {
    /// One step further.
    pub fn more(&self) {
        self.sender.send_modify(|urgency| {
            *urgency = match urgency {
                Urgency::GoOn => Urgency::Gently,
                Urgency::Gently | Urgency::AtOnce => Urgency::AtOnce,
            };
        });
    }

    pub fn now(&self) -> Urgency {
        *self.sender.borrow()
    }

    /// Returns when the urgency is at least `level`.
    pub async fn at_least(&self, level: Urgency) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = receiver.wait_for(|urgency| *urgency >= level).await;
    }
}

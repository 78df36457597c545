//! How a wish to stop reaches everything that runs.
//!
//! Owns the escalation: put aside for later, then a gentle stop that keeps the work, then leaving at once and
//! letting recovery do the rest. It catches no signals itself: `cli` turns Ctrl-C into [`Stop::more`], the
//! night puts a run aside with [`Stop::put_aside`].

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::domain::run::Cause;

/// How urgently to stop. Ordered: it only ever rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    #[default]
    GoOn,
    /// End the agent properly and suspend the attempt; nothing is spent.
    Aside,
    /// Stop the agent properly, keep its work, settle the bead.
    Gently,
    /// Leave now; containers run on, recovery finishes the story.
    AtOnce,
}

/// Why an attempt is put aside, and until when where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    pub cause: Cause,
    pub reason: String,
    pub until: Option<DateTime<Utc>>,
    /// It cannot go on by itself: the bead is parked instead of suspended.
    pub park: bool,
}

/// The sending side, and a factory of listeners.
#[derive(Debug, Clone)]
pub struct Stop {
    sender: watch::Sender<(Urgency, Option<Aside>)>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { sender: watch::Sender::new((Urgency::GoOn, None)) }
    }
}

impl Stop {
    /// One step further, at least to a gentle stop.
    pub fn more(&self) {
        self.sender.send_modify(|(urgency, _)| {
            *urgency = match urgency {
                Urgency::GoOn | Urgency::Aside => Urgency::Gently,
                Urgency::Gently | Urgency::AtOnce => Urgency::AtOnce,
            };
        });
    }

    /// Suspends what runs. Without effect where a stop was wished already.
    pub fn put_aside(&self, aside: Aside) {
        self.sender.send_modify(|(urgency, why)| {
            if *urgency == Urgency::GoOn {
                (*urgency, *why) = (Urgency::Aside, Some(aside));
            }
        });
    }

    /// Leaves without a gentle stop before it.
    pub fn leave(&self) {
        self.sender.send_modify(|(urgency, _)| *urgency = Urgency::AtOnce);
    }

    pub fn now(&self) -> Urgency {
        self.sender.borrow().0
    }

    /// Why it was put aside, if it was.
    pub fn aside(&self) -> Option<Aside> {
        self.sender.borrow().1.clone()
    }

    /// Returns when the urgency is at least `level`.
    pub async fn at_least(&self, level: Urgency) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = receiver.wait_for(|(urgency, _)| *urgency >= level).await;
    }
}

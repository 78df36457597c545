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
    sender: watch::Sender<Wished>,
}

/// What is wished so far.
#[derive(Debug, Clone, Default)]
struct Wished {
    urgency: Urgency,
    aside: Option<Aside>,
    /// The gentle stop leaves the bead to a person, for this reason.
    parked: Option<String>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { sender: watch::Sender::new(Wished::default()) }
    }
}

impl Stop {
    /// One step further, at least to a gentle stop.
    pub fn more(&self) {
        self.sender.send_modify(|wished| {
            wished.urgency = match wished.urgency {
                Urgency::GoOn | Urgency::Aside => Urgency::Gently,
                Urgency::Gently | Urgency::AtOnce => Urgency::AtOnce,
            };
        });
    }

    /// Suspends what runs. Without effect where a stop was wished already.
    pub fn put_aside(&self, aside: Aside) {
        self.sender.send_modify(|wished| {
            if wished.urgency == Urgency::GoOn {
                (wished.urgency, wished.aside) = (Urgency::Aside, Some(aside));
            }
        });
    }

    /// A gentle stop, however often it is wished.
    pub fn cancel(&self) {
        self.sender.send_modify(|wished| wished.urgency = wished.urgency.max(Urgency::Gently));
    }

    /// A gentle stop after which the bead is a person's. Without effect where one was wished already.
    pub fn park(&self, reason: &str) {
        self.sender.send_modify(|wished| {
            if wished.urgency < Urgency::Gently {
                wished.urgency = Urgency::Gently;
                wished.parked = Some(reason.to_owned());
            }
        });
    }

    /// Leaves without a gentle stop before it.
    pub fn leave(&self) {
        self.sender.send_modify(|wished| wished.urgency = Urgency::AtOnce);
    }

    pub fn now(&self) -> Urgency {
        self.sender.borrow().urgency
    }

    /// Why it was put aside, if it was.
    pub fn aside(&self) -> Option<Aside> {
        self.sender.borrow().aside.clone()
    }

    /// Why the bead is left to a person, if it is.
    pub fn parked(&self) -> Option<String> {
        self.sender.borrow().parked.clone()
    }

    /// A stop of its own that begins where this one is.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { sender: watch::Sender::new(self.sender.borrow().clone()) }
    }

    /// Takes over whatever is wished of `other`, as long as it is polled.
    pub async fn follow(&self, other: &Self) -> std::convert::Infallible {
        let mut receiver = other.sender.subscribe();
        loop {
            let wished = receiver.borrow_and_update().clone();
            self.sender.send_if_modified(|own| {
                let more = wished.urgency > own.urgency;
                if more {
                    *own = wished;
                }
                more
            });
            // `other` is borrowed, so its sender lives.
            let _ = receiver.changed().await;
        }
    }

    /// Returns when the urgency is at least `level`.
    pub async fn at_least(&self, level: Urgency) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = receiver.wait_for(|wished| wished.urgency >= level).await;
    }
}

//! How long the queue is, for the journal: told when it changed, rarely, and once more when the night ends.
//!
//! Owns what was told last and when, so that a night in which nothing changes writes nothing, and one in which much
//! changes a few lines an hour. What counts as the queue is the scheduler's (`Plan::queue`). Start with [`Length::see`].

use chrono::{DateTime, TimeDelta, Utc};

use super::Dispatcher;
use crate::daemon::error::EngineError;
use crate::domain::event::Body;
use crate::domain::night::Queue;
use crate::journal::{Journal, JournalError};
use crate::scheduler::plan::Plan;

/// No two are told within this, but for the one at the night's end.
pub(super) const EVERY: TimeDelta = TimeDelta::minutes(5);

/// What a night told of its queue.
#[derive(Debug, Default)]
pub(super) struct Length {
    told: Queue,
    at: Option<DateTime<Utc>>,
    seen: Queue,
}

impl Length {
    /// As a night that began then left it: what it told last, or was expected to begin with.
    pub(super) fn of(journal: &Journal, since: DateTime<Utc>) -> Result<Self, JournalError> {
        let changed = journal.last_of("queue_changed")?.filter(|event| event.at >= since);
        let last = match changed {
            Some(event) => Some(event),
            None => journal.last_of("night_opened")?,
        };
        let (told, at) = match last.map(|event| (event.body, event.at)) {
            Some((Body::QueueChanged(queue), at)) => (queue, Some(at)),
            Some((Body::NightOpened { prospect: Some(prospect), .. }, at)) => {
                (Queue { ready: prospect.queue, held: 0 }, Some(at))
            }
            _ => (Queue::default(), None),
        };
        Ok(Self { told, at, seen: told })
    }

    /// Takes a look in; what is to be told of it now, if anything.
    pub(super) fn see(&mut self, now: DateTime<Utc>, queue: Queue) -> Option<Queue> {
        self.seen = queue;
        // A clock that was set back must not silence the rest of the night.
        if queue == self.told || self.at.is_some_and(|at| (now - at).abs() < EVERY) {
            return None;
        }
        (self.told, self.at) = (queue, Some(now));
        Some(queue)
    }

    /// What the night ends with, where that was not told yet.
    pub(super) fn last(&self) -> Option<Queue> {
        (self.seen != self.told).then_some(self.seen)
    }
}

impl Dispatcher {
    /// Tells how long the queue is, where a night is open and there is news.
    pub(super) fn tell_queue(&mut self, plan: &Plan, now: DateTime<Utc>) -> Result<(), EngineError> {
        if self.notes.night.is_none() {
            return Ok(());
        }
        let mut queue = plan.queue();
        queue.held = queue.held.saturating_add(self.troubles.pausing(now));
        match self.notes.queue.see(now, queue) {
            Some(queue) => self.note(Body::QueueChanged(queue)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

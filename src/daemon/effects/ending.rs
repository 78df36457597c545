//! How an agent's run ended and what it cost, from the stream, the exit and the gateway's meter.
//!
//! Owns what the dialect cannot know: a container that is gone, an interrupt by a process that left, and which
//! of two counts of money stands. What follows for the bead is `lifecycle`'s.

use super::agent::kind_of;
use crate::agent::summary::Summary;
use crate::agent::{End, ExitFacts, StopReason};
use crate::config::effective::Effective;
use crate::daemon::attempt::{Post, Seat};
use crate::daemon::dispatch::resources::Room;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::hand::messages;
use crate::daemon::stop::{Aside, Urgency};
use crate::domain::event::{AgentEnd, Ending};
use crate::domain::run::{Cause, RunKind};
use crate::domain::usage::{PriceTable, Usage};
use crate::gateway::meter::MeterReading;
use crate::lifecycle::{MESSAGE, Story, Work, policy};

impl Engine {
    /// The container is gone and took its exit code with it; what it said and cost until then is stored.
    pub(super) fn end_of_the_lost(
        &self,
        story: &Story,
        work: &Work,
        settings: &Effective,
    ) -> Result<AgentEnd, EngineError> {
        let reason = "the engine no longer has the container".to_owned();
        let (log, stream) = self.open_log(story, work, settings)?;
        let seat = Seat { stream, log, exit: ExitFacts::default() };
        let mut end = self.judge(story, &seat, &MeterReading::default(), settings)?;
        if end.ending == Ending::Infrastructure {
            end.reason = reason;
        }
        if kind_of(story, work) != RunKind::Review {
            // What it had begun with before it was lost counts as heard.
            let mut post = Post::open(&self.house.journal, self.progress.as_ref(), story)?;
            post.adopt(seat.stream.summary())?;
            self.goes_on_for_messages(story, &mut end)?;
        }
        Ok(end)
    }

    /// What the end means, and what it cost by our own meter.
    pub(super) fn judge(
        &self,
        story: &Story,
        seat: &Seat,
        reading: &MeterReading,
        settings: &Effective,
    ) -> Result<AgentEnd, EngineError> {
        let summary = seat.stream.summary();
        let mut end = self.machine.dialect.outcome(summary, &seat.exit);
        let starved = self.went_on(summary, &seat.exit, &mut end);
        if let Some(full) = self.used_up(story, &end) {
            end = full;
        }
        // Only `bead` can interrupt: a process that was told to leave at once did, and ended nothing else.
        let turn = summary.last_turn.as_ref().and_then(|t| t.terminal_reason.as_deref());
        let interrupted = turn.is_some_and(|reason| reason.starts_with("aborted"));
        let not_by_us = seat.exit.stopped_by.is_none_or(|r| r == StopReason::Done);
        if end.ending == Ending::Failed && not_by_us && (seat.exit.code.is_none() || interrupted) {
            end.ending = Ending::Infrastructure;
        }
        // The meter forgets what an earlier process metered; the stream, read whole, does not.
        let told = told(summary, &settings.prices.value);
        let aside = self.stop.aside().filter(|_| end.ending == Ending::PutAside);
        if aside.as_ref().is_some_and(|a| a.park) {
            end.ending = Ending::Budget;
        }
        let parked = self.stop.parked().filter(|_| end.ending == Ending::Interrupted);
        let near = nearest(summary, reading, self.house.clock.now().timestamp());
        let reason = parked.clone().or(aside.as_ref().map(|a| a.reason.clone())).unwrap_or(end.reason);
        // A reviewer's failure says nothing about the bead.
        let recurrence = (policy::recurs(end.ending) && !story.is_read())
            .then(|| self.recurrence(story, "agent", &format!("{:?}\n{reason}", end.ending)))
            .transpose()?;
        let resets_at = end.resets_at.or(near.and_then(|n| n.resets_at));
        Ok(AgentEnd {
            ending: end.ending,
            reason,
            said: summary.said(),
            cost_usd: told.max(reading.cost_usd),
            usage: if told > reading.cost_usd { summary.spent.usage() } else { total(reading) },
            seconds: 0.0,
            conversed: summary.results > 0 || summary.spent.usage() != Usage::default(),
            resets_at: aside.as_ref().map_or(resets_at, |a| a.until.map(|t| t.timestamp())),
            cause: aside.map(|a| a.cause).or(parked.map(|_| Cause::new("user"))),
            utilization: near.map(|n| n.utilization),
            starved,
            recurrence,
            asked: (end.ending == Ending::Finished).then(|| summary.asked()).flatten(),
        })
    }

    /// A person wrote as the run came to its end: its conversation goes on with that before anything counts as done.
    pub(super) fn goes_on_for_messages(&self, story: &Story, end: &mut AgentEnd) -> Result<(), EngineError> {
        // Where it is cancelled, or asked once more near a limit, the message opens the next conversation anyway.
        let waits = end.ending != Ending::Finished || story.near_limit(end);
        if waits || self.stop.now() >= Urgency::Gently {
            return Ok(());
        }
        let pending = messages::pending(&self.house.journal, &story.project, &story.bead)?;
        if pending.is_empty() {
            return Ok(());
        }
        end.ending = Ending::PutAside;
        match self.stop.aside() {
            // It had ended before it could be put aside: that is done now, and it goes on with the message later.
            Some(Aside { park: true, reason, .. }) => {
                end.ending = Ending::Budget;
                end.reason = reason;
            }
            Some(Aside { cause, reason, until, .. }) => {
                end.cause = Some(cause);
                end.reason = reason;
                end.resets_at = until.map(|t| t.timestamp());
            }
            None => {
                end.cause = Some(Cause::new(MESSAGE));
                "a message came as it ended".clone_into(&mut end.reason);
            }
        }
        Ok(())
    }

    /// A full disk under the clone is seen at the disk, never in what the agent says: whatever a tool could not
    /// write is missing in the work, so that not even a good end is one (F30, F31).
    fn used_up(&self, story: &Story, end: &End) -> Option<End> {
        // A reviewer has no clone.
        let work = story.work.as_ref().filter(|_| !story.is_read())?;
        let dir = self.house.places.clone_dir(&work.run);
        let ours = matches!(end.ending, Ending::Interrupted | Ending::PutAside);
        if ours || !Room::at(&dir).is_used_up() {
            return None;
        }
        let reason = "the disk under its clone is full".to_owned();
        Some(End { ending: Ending::DiskQuota, reason, ..end.clone() })
    }

    /// Out of memory is never success by itself (T48). But where only a tool died of it and the agent went on
    /// to a good end, export and gates prove what the work is worth: it is not thrown away.
    fn went_on(&self, summary: &Summary, exit: &ExitFacts, end: &mut End) -> bool {
        if end.ending != Ending::OutOfMemory {
            return false;
        }
        let without = ExitFacts { oom: false, ..exit.clone() };
        let otherwise = self.machine.dialect.outcome(summary, &without);
        if otherwise.ending != Ending::Finished {
            return false;
        }
        *end = otherwise;
        end.reason = "the agent ended its turn, after a process in its sandbox ran out of memory".to_owned();
        true
    }
}

/// How full the fullest of the account's windows is, and when it resets.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Near {
    utilization: f64,
    resets_at: Option<i64>,
}

/// From the stream's own word and from the headers of the last answer. A window whose reset has passed says
/// nothing any more.
fn nearest(summary: &Summary, reading: &MeterReading, now: i64) -> Option<Near> {
    const PREFIX: &str = "anthropic-ratelimit-unified-";
    let told = summary
        .rate_limit
        .as_ref()
        .and_then(|limit| Some(Near { utilization: limit.utilization?, resets_at: limit.resets_at }));
    let windows = reading.rate_limits.iter().filter_map(|(name, value)| {
        let window = name.strip_prefix(PREFIX)?.strip_suffix("-utilization")?;
        let reset = reading.rate_limits.get(&format!("{PREFIX}{window}-reset"));
        let resets_at = reset.and_then(|reset| reset.trim().parse().ok());
        Some(Near { utilization: value.trim().parse().ok()?, resets_at })
    });
    let live = |near: &Near| near.utilization.is_finite() && near.resets_at.is_none_or(|at| at > now);
    // Of two that are full the later reset frees the account.
    let full = |near: &Near| near.utilization >= policy::NEAR_LIMIT;
    windows.chain(told).filter(live).max_by(|a, b| match (full(a), full(b)) {
        (true, true) => a.resets_at.cmp(&b.resets_at),
        _ => a.utilization.total_cmp(&b.utilization),
    })
}

/// What the stream says was spent, at our own prices.
pub(in crate::daemon) fn told(summary: &Summary, prices: &PriceTable) -> f64 {
    summary.spent.by_model().iter().map(|(model, usage)| prices.cost(model, *usage)).sum()
}

fn total(reading: &MeterReading) -> Usage {
    let mut sum = Usage::default();
    for usage in reading.usage.values() {
        sum += *usage;
    }
    sum
}

/// An end without an agent.
pub(super) fn ended(ending: Ending, reason: String) -> AgentEnd {
    AgentEnd::without_agent(ending, reason)
}

#[cfg(test)]
mod tests;

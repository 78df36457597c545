//! How an agent's run ended and what it cost, from the stream, the exit and the gateway's meter.
//!
//! Owns what the dialect cannot know: a container that is gone, an interrupt by a process that left, and which
//! of two counts of money stands. What follows for the bead is `lifecycle`'s.

use crate::agent::summary::Summary;
use crate::agent::{ExitFacts, StopReason};
use crate::config::effective::Effective;
use crate::daemon::attempt::Seat;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::{AgentEnd, Ending};
use crate::domain::usage::Usage;
use crate::gateway::meter::MeterReading;
use crate::lifecycle::Story;

impl Engine {
    /// The container is gone and took its exit code with it; what it said and cost until then is stored.
    pub(super) fn end_of_the_lost(
        &self,
        story: &Story,
        settings: &Effective,
    ) -> Result<AgentEnd, EngineError> {
        let reason = "the engine no longer has the container".to_owned();
        let Some(work) = &story.work else { return Ok(ended(Ending::Infrastructure, reason)) };
        let (log, stream) = self.open_log(story, work, settings)?;
        let seat = Seat { stream, log, exit: ExitFacts::default() };
        let mut end = self.judge(&seat, &MeterReading::default(), settings);
        if end.ending == Ending::Infrastructure {
            end.reason = reason;
        }
        Ok(end)
    }

    /// What the end means, and what it cost by our own meter.
    pub(super) fn judge(&self, seat: &Seat, reading: &MeterReading, settings: &Effective) -> AgentEnd {
        let summary = seat.stream.summary();
        let mut end = self.machine.dialect.outcome(summary, &seat.exit);
        // Only `bead` can interrupt: a process that was told to leave at once did, and ended nothing else.
        let turn = summary.last_turn.as_ref().and_then(|t| t.terminal_reason.as_deref());
        let interrupted = turn.is_some_and(|reason| reason.starts_with("aborted"));
        let not_by_us = seat.exit.stopped_by.is_none_or(|r| r == StopReason::Done);
        if end.ending == Ending::Failed && not_by_us && (seat.exit.code.is_none() || interrupted) {
            end.ending = Ending::Infrastructure;
        }
        // The meter forgets what an earlier process metered; the stream, read whole, does not.
        let told = told(summary, settings);
        let aside = self.stop.aside().filter(|_| end.ending == Ending::PutAside);
        if aside.as_ref().is_some_and(|a| a.park) {
            end.ending = Ending::Budget;
        }
        AgentEnd {
            ending: end.ending,
            reason: aside.as_ref().map_or(end.reason, |a| a.reason.clone()),
            said: summary.said(),
            cost_usd: told.max(reading.cost_usd),
            usage: if told > reading.cost_usd { summary.spent.usage() } else { total(reading) },
            seconds: 0.0,
            conversed: summary.results > 0 || summary.spent.usage() != Usage::default(),
            resets_at: aside.as_ref().map_or(end.resets_at, |a| a.until.map(|t| t.timestamp())),
            cause: aside.map(|a| a.cause),
        }
    }
}

/// What the stream says was spent, at our own prices.
pub(super) fn told(summary: &Summary, settings: &Effective) -> f64 {
    summary.spent.by_model().iter().map(|(model, usage)| settings.prices.value.cost(model, *usage)).sum()
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
    AgentEnd {
        ending,
        reason,
        said: String::new(),
        cost_usd: 0.0,
        usage: Usage::default(),
        seconds: 0.0,
        conversed: false,
        resets_at: None,
        cause: None,
    }
}

//! What the end of a Claude Code run proves.
//!
//! Owns the table that turns evidence into an [`Ending`]: our own stop, the engine's facts, the last result's
//! error mark, status and terminal reason. Never the `subtype` for a success (every API failure says
//! "success"), never the agent's words, never a success where the evidence is ambiguous (F19). Start with
//! [`outcome`].

mod failure;

use crate::agent::summary::Summary;
use crate::agent::{End, ExitFacts, StopReason};
use crate::domain::agent_event::TurnEnd;
use crate::domain::clean::ellipsis;
use crate::domain::event::Ending;

/// In a fixed order: the person's wish, memory, our limits, then what the stream and the code say.
pub(super) fn outcome(summary: &Summary, exit: &ExitFacts) -> End {
    if exit.stopped_by == Some(StopReason::User) {
        return End::of(Ending::Interrupted, "stopped by the user");
    }
    if exit.oom {
        return End::of(Ending::OutOfMemory, "a process in the sandbox was killed for want of memory");
    }
    if let Some(stop) = exit.stopped_by {
        return stopped(summary, exit, stop);
    }
    let Some(turn) = summary.last_turn.as_ref().filter(|_| summary.is_settled() && !summary.torn) else {
        return without_result(summary, exit);
    };
    if !is_good(turn) {
        return failure::failure(summary, turn);
    }
    match exit.code {
        Some(0) => finished(),
        code if ended_from_outside(code) => End::of(
            Ending::Finished,
            "the agent ended its turn; its sandbox was ended from outside afterwards",
        ),
        code => {
            let reason = format!("a result without error, and then exit code {}", code.unwrap_or(-1));
            End::of(Ending::Failed, with_complaint(reason, exit))
        }
    }
}

fn finished() -> End {
    End::of(Ending::Finished, "the agent ended its turn")
}

/// We ended it: a settled good result counts (F18), else our reason does. What an interrupt or a closed
/// gateway made the client report on its way out is our doing, and is not classed again.
fn stopped(summary: &Summary, exit: &ExitFacts, stop: StopReason) -> End {
    let settled = summary.last_turn.as_ref().filter(|_| summary.is_settled());
    // With these two the log or the clone may be incomplete, whatever the result says.
    let whole = !matches!(stop, StopReason::Flood | StopReason::DiskQuota);
    if whole && settled.is_some_and(is_good) {
        return finished();
    }
    match stop {
        StopReason::Done => match settled {
            Some(turn) => failure::failure(summary, turn),
            None => without_result(summary, exit),
        },
        StopReason::IdleLimit => End::of(Ending::IdleLimit, "it said and did nothing for the idle limit"),
        StopReason::RunTimeLimit => End::of(Ending::RunTimeLimit, "it ran into the run-time limit"),
        StopReason::ToolLimit => {
            let tool = summary.longest_tool().map(|(name, _)| format!(" `{name}`")).unwrap_or_default();
            End::of(Ending::ToolLimit, format!("one call of a tool{tool} ran into the limit for tools"))
        }
        StopReason::Budget => End::of(Ending::Budget, "the budget is used up"),
        StopReason::Outage => End::of(Ending::Outage, "the model's API does not answer"),
        StopReason::User => End::of(Ending::Interrupted, "stopped by the user"),
        StopReason::Aside => End::of(Ending::PutAside, "put aside"),
        StopReason::Flood => End::of(Ending::Flood, "it printed more than the output cap"),
        StopReason::DiskQuota => End::of(Ending::DiskQuota, "the sandbox's disk is full"),
    }
}

/// No result, or one that something followed: the code decides, and it never says success.
fn without_result(summary: &Summary, exit: &ExitFacts) -> End {
    let what = if summary.torn {
        "its output broke off inside a line"
    } else if summary.last_turn.is_some() {
        "its last turn has no result"
    } else {
        "it gave no result"
    };
    let silent = summary.session.is_none() && summary.results == 0;
    match exit.code {
        None => End::of(Ending::Infrastructure, format!("{what}, and its sandbox is gone")),
        Some(124) => End::of(Ending::RunTimeLimit, format!("{what}: the sandbox's own time limit ended it")),
        code if ended_from_outside(code) => {
            let reason = format!("{what}: it was ended from outside (exit code {})", code.unwrap_or(-1));
            End::of(Ending::Infrastructure, reason)
        }
        // The engine or the image could not start the program at all.
        Some(code @ 125..=127) if silent => {
            let reason = format!("the agent's program did not start (exit code {code})");
            End::of(Ending::Infrastructure, with_complaint(reason, exit))
        }
        Some(code) => End::of(Ending::Failed, with_complaint(format!("{what} (exit code {code})"), exit)),
    }
}

/// A result that says it is no error, and nothing beside it says otherwise.
fn is_good(turn: &TurnEnd) -> bool {
    let completed = turn.terminal_reason.as_deref().is_none_or(|reason| reason == "completed");
    !turn.is_error && completed && turn.api_status.is_none() && turn.errors.is_empty()
}

/// Exit codes that tell of a signal or of an engine that lost track, not of the program's own view: HUP,
/// KILL, TERM, the sandbox's time limit, and 255, which an engine gives when it does not know (F12).
fn ended_from_outside(code: Option<i64>) -> bool {
    matches!(code, None | Some(124 | 129 | 137 | 143 | 255))
}

fn with_complaint(reason: String, exit: &ExitFacts) -> String {
    match exit.complaint.as_deref().map(|words| ellipsis(words, 200)).filter(|words| !words.is_empty()) {
        Some(words) => format!("{reason}: {words}"),
        None => reason,
    }
}

#[cfg(test)]
mod tests;

//! Events in plain sentences, for terminals and logs.
//!
//! Owns the one wording that the live progress, `bead events` and `bead why` share. The sentences may quote
//! untrusted text: whoever prints them cleans it. Start with [`sentence`].

use crate::domain::event::{AgainstBase, AgentEnd, Body, Ending, GivenBack, Wish};
use crate::domain::ids::BeadId;
use crate::domain::run::{Cause, RunState};
use crate::domain::verdict::{Filed, Review, Verdict};

/// What happened, without its ids.
#[expect(clippy::too_many_lines, reason = "a flat match: one sentence for each event")]
pub fn sentence(body: &Body) -> String {
    match body {
        Body::Claiming { order } => {
            format!("taking it: {} (base {} of {})", order.title, order.base.short(), order.target)
        }
        Body::Claimed => "claimed".to_owned(),
        Body::ClaimLost { reason } => format!("not claimed: {reason}"),
        Body::AttemptStarted { from, resume, .. } => {
            format!(
                "attempt begins at {}{}",
                from.short(),
                if *resume { ", in the same conversation" } else { "" }
            )
        }
        Body::WorkspaceReady => "workspace ready".to_owned(),
        Body::AgentStarting { sandbox, .. } => format!("starting sandbox {sandbox}"),
        Body::AgentStarted { .. } => "agent started".to_owned(),
        Body::TaskGiven => "the agent has its task".to_owned(),
        Body::AgentEnded(end) => ending(end),
        Body::Exported { tip, commits, wip, files, tracker_touched, unresolved, .. } => {
            let left = if *wip { ", uncommitted work committed for it" } else { "" };
            let tracker = if tracker_touched.is_empty() { "" } else { "; changes to .beads/ are dropped" };
            let open = if unresolved.is_empty() {
                String::new()
            } else {
                format!("; still in conflict: {}", unresolved.join(", "))
            };
            format!(
                "work kept: {}, {} at {}{left}{tracker}{open}",
                count(*commits, "commit"),
                count(*files, "file"),
                tip.short()
            )
        }
        Body::ExportRejected { reason } => format!("export refused: {reason}"),
        Body::NothingChanged { said } if said.is_empty() => {
            "the agent changed nothing and gave no reason".to_owned()
        }
        Body::NothingChanged { said } => format!("the agent changed nothing: {said}"),
        Body::Merged { commit, onto, .. } => format!("merged onto {} as {}", onto.short(), commit.short()),
        Body::Conflicted { onto, paths, .. } => {
            format!("conflicts with {} in {}", onto.short(), paths.join(", "))
        }
        Body::ConflictRunStarted { resume, .. } => {
            format!("a run to resolve it begins{}", if *resume { ", in the same conversation" } else { "" })
        }
        Body::GateStarted { gate, command } => format!("gate {gate}: {command}"),
        Body::GateEnded { gate, passed, summary, seconds } => {
            let word = if *passed { "passed" } else { "failed" };
            let summary = summary.trim_start_matches(word).trim_start_matches([':', ' ']);
            let colon = match summary.chars().next() {
                None => "",
                Some('(') => " ",
                Some(_) => ": ",
            };
            format!("gate {gate} {word} in {seconds:.1} s{colon}{summary}")
        }
        Body::GatesPassed { skipped: true } => "landing without gates, as asked".to_owned(),
        Body::GatesPassed { skipped: false } => "all gates passed".to_owned(),
        Body::GatesFailed { findings, recurrence, base } => {
            let again = recurrence.as_ref().map_or(0, |r| r.before);
            let again = if again > 0 { format!(" (as {again} times before)") } else { String::new() };
            format!(
                "gates failed{}{again}: {}",
                against(*base),
                findings.iter().map(|f| f.title.as_str()).collect::<Vec<_>>().join("; ")
            )
        }
        Body::GateCompared { gate, onto, against: AgainstBase::Known, known, .. } => format!(
            "gate {gate}: nothing new fails, what fails does so on {} too: {}",
            onto.short(),
            known.join(", ")
        ),
        Body::GateCompared { gate, onto, against: AgainstBase::New, new, .. } if !new.is_empty() => {
            format!("gate {gate}: fails here and not on {}: {}", onto.short(), new.join(", "))
        }
        Body::GateCompared { gate, onto, against, .. } => match against {
            AgainstBase::New => format!("gate {gate} passes on {}", onto.short()),
            AgainstBase::Unknown => format!("gate {gate} gave no answer on {}", onto.short()),
            _ => format!("gate {gate} fails on {} too: the base is red", onto.short()),
        },
        Body::GatesBroken { reason } => format!("a gate could not run: {reason}"),
        Body::ReviewStarted { round, .. } => format!("review begins, round {round}"),
        Body::Reviewed { review, .. } => reviewed(review),
        Body::FindingsFiled { filed, left_out } => findings_filed(filed, *left_out),
        Body::Blocked { blocker, reason, .. } => format!("waits for {blocker}: {reason}"),
        Body::Protected { paths } => format!("protected paths changed: {}", paths.join(", ")),
        Body::Landing { old, new } => format!("landing: {} -> {}", old.short(), new.short()),
        Body::Landed { commit } => format!("landed as {}", commit.short()),
        Body::TargetMoved { tip, .. } => {
            format!("the target moved to {}: merging and gating again", tip.short())
        }
        Body::LandedBeside { branch, commit, why } => {
            format!("landed beside as {branch} ({}): {why}", commit.short())
        }
        Body::LeftOnBranch { branch, commit } => format!("left on branch {branch} ({})", commit.short()),
        Body::Pushing { remote, branch, commit } => {
            format!("pushing {} to {branch} of {remote}", commit.short())
        }
        Body::Pushed { remote, branch, commit } => {
            format!("pushed {} to {branch} of {remote}", commit.short())
        }
        Body::PushFailed { remote, branch, reason, .. } => {
            format!("not pushed to {branch} of {remote}, will be tried again: {reason}")
        }
        Body::Closed { reason } => format!("closed: {reason}"),
        Body::Settling { outcome, cause, reason } => {
            format!("{}{}: {reason}", outcome.as_str(), bracketed(cause.as_ref()))
        }
        Body::Settled => "given back".to_owned(),
        Body::Suspended { cause, reason, until } => {
            let until =
                until.map(|t| format!(" until {}", t.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
            format!("suspended ({}){until}: {reason}", cause.as_str())
        }
        Body::Resumed { why, .. } => format!("goes on: {why}"),
        Body::Finished(finish) => format!(
            "finished: {}{}, {}, ${:.2}",
            finish.outcome.as_str(),
            bracketed(finish.cause.as_ref()),
            count(finish.attempts, "attempt"),
            finish.cost_usd
        ),
        Body::RunStarted { kind, .. } => format!("{} run started", kind.as_str()),
        Body::RunEnded { kind, state, .. } => format!("{} run {}", kind.as_str(), state_word(*state)),
        Body::Recovered { what, .. } => format!("recovered: {what}"),
        Body::NightOpened { night, until, .. } => {
            let until =
                until.map(|t| format!(" until {}", t.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
            format!("night {night} begins{until}")
        }
        Body::NightStopped { why, .. } => format!("nothing more is started tonight: {why}"),
        Body::QueueChanged(queue) => {
            let held = if queue.held > 0 { format!(", {} held back", queue.held) } else { String::new() };
            format!("{} in the queue{held}", count(queue.ready.saturating_add(queue.held), "bead"))
        }
        Body::NightEnded { night, why, .. } => format!("night {night} ends: {why}"),
        Body::RefDropped { name, tip, why } => format!("{name} ({}) is dropped: {why}", tip.short()),
        Body::Notice { text } => text.clone(),
        Body::MessageQueued { text, now, .. } => {
            format!("message from a person{}: {text}", if *now { ", at once" } else { "" })
        }
        Body::MessageDelivered { .. } => "the message was read".to_owned(),
        Body::Wished { by, wish } => match wish {
            Wish::Pause => format!("to be paused, says {by}"),
            Wish::Cancel => format!("to be ended, says {by}"),
            Wish::Park { reason } => format!("to be parked, says {by}: {reason}"),
        },
        Body::GivenBack { how, .. } => match how {
            GivenBack::Approved { tip: Some(tip) } => format!("approved: {}", tip.short()),
            GivenBack::Approved { tip: None } => "approved".to_owned(),
            GivenBack::Answered { text } => format!("answered: {text}"),
            GivenBack::Retried { fresh } => {
                format!("to be tried again{}", if *fresh { ", from the beginning" } else { "" })
            }
            GivenBack::Reworked { tip, .. } => format!("a person worked on it: {}", tip.short()),
        },
        Body::ByHand { what } => format!("by hand: {what}"),
    }
}

fn reviewed(review: &Review) -> String {
    let verdict = match review.verdict {
        Verdict::Accept => "accepted",
        Verdict::Revise => "wants changes",
        Verdict::Again => "is asked for again",
        Verdict::Ask => "leaves it to a person",
    };
    format!("review {verdict} in round {}: {}", review.round, review.reason)
}

fn findings_filed(filed: &[Filed], left_out: u32) -> String {
    let beads: Vec<&str> =
        filed.iter().filter(|f| f.created).filter_map(|f| f.bead.as_ref()).map(BeadId::as_str).collect();
    let beads =
        if beads.is_empty() { "no new bead".to_owned() } else { format!("new beads {}", beads.join(", ")) };
    let more = if left_out > 0 { format!(", {left_out} more left out") } else { String::new() };
    format!("findings: {beads}, {} seen{more}", filed.len())
}

/// How the agent ended, with what it took.
fn ending(end: &AgentEnd) -> String {
    let how = match end.ending {
        Ending::Finished if end.starved => end.reason.clone(),
        Ending::Finished => "agent finished".to_owned(),
        _ => format!("agent ended: {}", end.reason),
    };
    let tokens = end.usage.input + end.usage.output + end.usage.cache_read + end.usage.cache_write;
    format!("{how} ({}, {tokens} tokens, ${:.2})", seconds(end.seconds), end.cost_usd)
}

/// `12 s`, `4 min 10 s`, `2 h 5 min`.
pub fn seconds(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run's length is small and positive"
    )]
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..=99 => format!("{whole} s"),
        100..=5999 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `1 file`, `2 files`.
pub fn count(n: u32, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn against(base: AgainstBase) -> &'static str {
    match base {
        AgainstBase::Unknown | AgainstBase::New => "",
        AgainstBase::Known => ", all of it on the base too",
        AgainstBase::Red | AgainstBase::Same => ", and so they do on the base",
    }
}

fn bracketed(cause: Option<&Cause>) -> String {
    cause.map(|c| format!(" ({})", c.as_str())).unwrap_or_default()
}

fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Completed => "completed",
        RunState::Failed => "failed",
        RunState::Timeout => "timed out",
        RunState::Cancelled => "cancelled",
        RunState::Suspended => "suspended",
        RunState::Interrupted => "interrupted",
    }
}

/// `1st`, `2nd`, `3rd`, `4th`.
pub fn ordinal(n: u32) -> String {
    let ending = match (n % 10, n % 100) {
        (1, 1..=10 | 14..) => "st",
        (2, 2..=9 | 14..) => "nd",
        (3, 3..=9 | 14..) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

//! A bead's or a run's story, line by line.
//!
//! Owns which events are worth a line and their tone; the sentences are `tell`'s. Start with [`lines`].

use super::place;
use super::words::{Tone, When};
use crate::domain::clean::ellipsis;
use crate::domain::event::{Body, Event};
use crate::domain::verdict::Verdict;
use crate::feed::tell;

/// Columns of one sentence.
const WIDE: usize = 600;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub seq: u64,
    pub when: When,
    pub text: String,
    pub tone: Tone,
    /// The page of the run it belongs to, where a run begins.
    pub link: Option<String>,
}

/// Newest last, as it happened.
pub fn lines(events: &[Event]) -> Vec<Line> {
    events.iter().filter(|event| tells(&event.body)).map(line).collect()
}

fn line(event: &Event) -> Line {
    let begins = matches!(event.body, Body::RunStarted { .. });
    let link = match (&event.project, &event.run) {
        (Some(project), Some(run)) if begins => Some(place::run(project.as_str(), run.as_str())),
        _ => None,
    };
    Line {
        seq: event.seq,
        when: When::of(event.at),
        text: ellipsis(&tell::sentence(&event.body), WIDE),
        tone: tone(&event.body),
        link,
    }
}

/// Steps that follow each other at once tell a person nothing one by one.
fn tells(body: &Body) -> bool {
    !matches!(
        body,
        Body::WorkspaceReady
            | Body::AgentStarting { .. }
            | Body::AgentStarted { .. }
            | Body::TaskGiven
            | Body::Settled
            | Body::Pushing { .. }
    )
}

fn tone(body: &Body) -> Tone {
    match body {
        Body::GateEnded { passed: true, .. }
        | Body::GatesPassed { .. }
        | Body::Landed { .. }
        | Body::Closed { .. }
        | Body::Pushed { .. } => Tone::Good,
        Body::GateEnded { passed: false, .. }
        | Body::GatesFailed { .. }
        | Body::GatesBroken { .. }
        | Body::ExportRejected { .. }
        | Body::PushFailed { .. } => Tone::Bad,
        Body::Protected { .. }
        | Body::NothingChanged { .. }
        | Body::Conflicted { .. }
        | Body::Blocked { .. } => Tone::Ask,
        Body::Reviewed { review, .. } => match review.verdict {
            Verdict::Accept => Tone::Good,
            Verdict::Revise | Verdict::Again => Tone::Rest,
            Verdict::Ask => Tone::Ask,
        },
        Body::Suspended { .. } => Tone::Rest,
        Body::Settling { outcome, .. } => Tone::of(outcome.as_str()),
        Body::Finished(finish) => Tone::of(finish.outcome.as_str()),
        Body::RunEnded { state, .. } => Tone::of(state.as_str()),
        _ => Tone::Plain,
    }
}

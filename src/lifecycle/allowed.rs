//! Where a story may be turned aside or suspended, and which events only tell.
//!
//! Owns three questions that the transition table asks before it decides. They change nothing.

use super::Phase;
use crate::domain::event::Body;

/// Where a person's stop may still turn the story aside: not once the target may have moved.
pub(super) fn may_settle(phase: &Phase) -> bool {
    !matches!(
        phase,
        Phase::Landing { intent: true }
            | Phase::Closing
            | Phase::Cleaning
            | Phase::Finished
            | Phase::Settling { journalled: true, .. }
    )
}

/// Where a story may be put aside: an attempt that has not begun, or one whose agent has ended.
pub(super) fn may_suspend(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::Starting
            | Phase::Preparing
            | Phase::Untangling
            | Phase::Reviewing
            | Phase::Resuming { .. }
            | Phase::Suspending { .. }
            | Phase::Suspended { .. }
    )
}

/// Events that move no story.
pub(super) fn only_tells(body: &Body) -> bool {
    matches!(
        body,
        Body::RunStarted { .. }
            | Body::RunEnded { .. }
            | Body::Recovered { .. }
            | Body::NightOpened { .. }
            | Body::NightStopped { .. }
            | Body::NightEnded { .. }
            | Body::QueueChanged(_)
            | Body::Notice { .. }
            | Body::ByHand { .. }
            | Body::RefDropped { .. }
            | Body::GateStarted { .. }
            | Body::GateEnded { .. }
            | Body::GateCompared { .. }
            | Body::GatesBroken { .. }
            | Body::Pushing { .. }
            | Body::Pushed { .. }
            | Body::PushFailed { .. }
            | Body::FindingsFiled { .. }
            | Body::MessageQueued { .. }
            | Body::MessageDelivered { .. }
            | Body::Wished { .. }
            | Body::GivenBack { .. }
    )
}

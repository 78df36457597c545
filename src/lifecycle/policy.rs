//! Which failure is tried again, at whose cost, and how often: one table.
//!
//! Owns the class of every ending, the rule of every class and the numbers in them. It applies nothing: what
//! a rule does to a story stands in `outcome`. Start with [`rule`].

use crate::domain::event::Ending;
use crate::domain::failure::FailureClass;
use crate::domain::run::Outcome;

/// How often a run may lose its container to the engine before we stop trying.
pub const MAX_INFRA_LOSSES: u32 = 3;
/// How often the target may move between gate and landing (rules 3.6).
pub const MAX_TARGET_MOVES: u32 = 3;
/// The same failure so often, over all attempts and claims, needs a person.
pub const MAX_SAME_FAILURE: u32 = 3;
/// A process that dies so often in one phase without an event in between would go on dying.
pub const MAX_CRASHES: u32 = 3;
/// While a container works on by itself, a dying `bead` costs nothing: its own limits end the run.
pub const MAX_CRASHES_AT_WORK: u32 = 30;
/// A bead that fills its conversation so often is too large for one.
pub const MAX_CONTEXTS: u32 = 3;
/// So many reviewers in a row without a reply need a person.
pub const MAX_FAILED_REVIEWERS: u32 = 2;
/// From here a run that ends by itself may have been cut short by the limit (rules 15.2).
pub const NEAR_LIMIT: f64 = 0.95;

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The next attempt with the reason, while attempts are left.
    NextAttempt,
    /// As `NextAttempt`, but for a second failure of this class in one claim.
    OnceMore,
    /// The same attempt goes on in its own clone, at most so many times.
    SameAttempt { most: u32 },
    /// One run that resolves it, no attempt; then a person.
    OneResolution,
    /// Put aside without spending the attempt.
    Suspend,
    /// The claim ends.
    End,
}

/// The one table. Billing ends the claim and authentication suspends it; that either ends the night too is
/// decided by whoever runs the night.
pub const fn rule(class: FailureClass) -> Rule {
    match class {
        FailureClass::Agent | FailureClass::Gate => Rule::NextAttempt,
        FailureClass::Timeout => Rule::OnceMore,
        FailureClass::Infrastructure => Rule::SameAttempt { most: MAX_INFRA_LOSSES },
        FailureClass::Conflict => Rule::OneResolution,
        FailureClass::Limit | FailureClass::Auth => Rule::Suspend,
        FailureClass::Billing | FailureClass::Bound | FailureClass::NoChange | FailureClass::Tampering => {
            Rule::End
        }
    }
}

/// How an ending is called where it ends the claim, and its class; `None` where it is no failure.
pub const fn class(ending: Ending) -> Option<FailureClass> {
    match ending {
        Ending::Finished | Ending::Interrupted | Ending::PutAside => None,
        Ending::Failed => Some(FailureClass::Agent),
        Ending::IdleLimit | Ending::RunTimeLimit | Ending::ToolLimit => Some(FailureClass::Timeout),
        Ending::Budget | Ending::OutOfMemory | Ending::Flood | Ending::DiskQuota => Some(FailureClass::Bound),
        Ending::UsageLimit | Ending::Outage | Ending::ContextFull => Some(FailureClass::Limit),
        Ending::Billing => Some(FailureClass::Billing),
        Ending::Credential => Some(FailureClass::Auth),
        Ending::Infrastructure => Some(FailureClass::Infrastructure),
    }
}

/// Outcome and cause of a claim that such an ending ends.
pub const fn words(ending: Ending) -> (Outcome, &'static str) {
    match ending {
        Ending::Finished | Ending::Failed => (Outcome::Failed, "agent"),
        Ending::Interrupted => (Outcome::Cancelled, "interrupted"),
        Ending::PutAside => (Outcome::Suspended, "user"),
        Ending::IdleLimit => (Outcome::Timeout, "idle"),
        Ending::RunTimeLimit => (Outcome::Timeout, "run_time"),
        Ending::ToolLimit => (Outcome::Timeout, "tool"),
        Ending::Budget => (Outcome::Parked, "budget"),
        Ending::OutOfMemory => (Outcome::Failed, "oom"),
        Ending::Flood => (Outcome::Failed, "output"),
        Ending::DiskQuota => (Outcome::Failed, "disk_quota"),
        Ending::UsageLimit => (Outcome::Suspended, "usage_limit"),
        Ending::Outage => (Outcome::Suspended, "outage"),
        Ending::ContextFull => (Outcome::Parked, "context"),
        Ending::Billing => (Outcome::Failed, "billing"),
        Ending::Credential => (Outcome::Suspended, "credential"),
        Ending::Infrastructure => (Outcome::Failed, "infrastructure"),
    }
}

/// Whether the same ending three times tells something about the bead.
pub const fn recurs(ending: Ending) -> bool {
    matches!(class(ending), Some(FailureClass::Agent | FailureClass::Timeout | FailureClass::Bound))
        && !matches!(ending, Ending::Budget)
}

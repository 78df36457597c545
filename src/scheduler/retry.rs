//! Which failure is tried again, and at whose cost: one table.
//!
//! Owns the classes of failure and their rule. It counts no attempts (the lifecycle does) and waits for nothing.
//! Start with [`retry`].

use serde::{Deserialize, Serialize};

/// Whose failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The agent gave up, crashed or ended with an error.
    Agent,
    /// A gate did not pass.
    Gate,
    /// Its work does not merge.
    Conflict,
    /// Engine, disk, container: not the work's fault.
    Infrastructure,
    /// A usage limit of the upstream, or its outage.
    Limit,
    /// No credit, a spend limit.
    Billing,
    /// The credential was refused.
    Auth,
    Timeout,
    NoChange,
    Tampering,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The next attempt, while attempts are left.
    NextAttempt,
    /// The same attempt again, at most so many times; then the bead is left alone with the reason.
    SameAttempt { most: u32 },
    /// One run that resolves the conflict; then a person.
    OneResolution,
    /// Put aside without spending the attempt, until the condition is over.
    Suspend,
    /// The whole night ends, with one notice.
    StopNight,
    /// A person decides.
    Park,
}

impl Class {
    pub const ALL: [Self; 10] = [
        Self::Agent,
        Self::Gate,
        Self::Conflict,
        Self::Infrastructure,
        Self::Limit,
        Self::Billing,
        Self::Auth,
        Self::Timeout,
        Self::NoChange,
        Self::Tampering,
    ];
}

/// The one table.
pub const fn retry(class: Class) -> Retry {
    match class {
        Class::Agent | Class::Gate | Class::Timeout => Retry::NextAttempt,
        Class::Conflict => Retry::OneResolution,
        Class::Infrastructure => Retry::SameAttempt { most: 3 },
        Class::Limit => Retry::Suspend,
        Class::Billing | Class::Auth => Retry::StopNight,
        Class::NoChange | Class::Tampering => Retry::Park,
    }
}

#[cfg(test)]
mod tests;

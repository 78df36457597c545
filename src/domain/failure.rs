//! Whose failure it was, in one closed list.
//!
//! Owns the classes by which everything that goes wrong with a bead is told apart. What follows from each is
//! `lifecycle::policy`'s table; how long to wait for an upstream is the scheduler's. Start with
//! [`FailureClass`].

use serde::{Deserialize, Serialize};

/// Whose failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The agent gave up, crashed or ended with an error.
    Agent,
    /// A gate did not pass.
    Gate,
    /// Its work does not merge.
    Conflict,
    /// Engine, disk, container: not the work's fault.
    Infrastructure,
    /// A usage limit of the upstream, its outage, or a conversation that is full.
    Limit,
    /// No credit, a spend limit.
    Billing,
    /// The credential was refused.
    Auth,
    /// A limit of time: of the run, of one tool, of silence.
    Timeout,
    /// A bound of the user's: memory, disk, output, money.
    Bound,
    NoChange,
    Tampering,
}

impl FailureClass {
    pub const ALL: [Self; 11] = [
        Self::Agent,
        Self::Gate,
        Self::Conflict,
        Self::Infrastructure,
        Self::Limit,
        Self::Billing,
        Self::Auth,
        Self::Timeout,
        Self::Bound,
        Self::NoChange,
        Self::Tampering,
    ];
}

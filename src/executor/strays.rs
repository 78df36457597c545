//! Decides which containers with our label are left over, and which only look like ours.
//!
//! Owns the rule of T50: ours is what carries our instance, a run we know and that run's own nonce. It removes
//! nothing itself. Start with [`plan`].

use std::collections::HashMap;

use super::{Found, SandboxId};

/// What the journal says of a container it announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its run goes on, or will be adopted.
    Live,
    /// Its run has ended.
    Over,
}

/// Every (run, nonce) pair the journal announced before it created a container.
pub type Known = HashMap<(String, String), Standing>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Ours, and nobody needs it any more.
    pub remove: Vec<SandboxId>,
    /// Ours, of a run that goes on.
    pub keep: Vec<SandboxId>,
    /// It has our label, but we never announced it: warn, and never touch it.
    pub foreign: Vec<Found>,
}

/// Sorts what `list` found.
pub fn plan(found: Vec<Found>, instance: &str, known: &Known) -> Plan {
    let mut plan = Plan::default();
    for one in found {
        let pair = (one.labels.run.clone(), one.labels.nonce.clone());
        let known = if one.labels.instance == instance { known.get(&pair) } else { None };
        match known {
            Some(Standing::Live) => plan.keep.push(one.id),
            Some(Standing::Over) => plan.remove.push(one.id),
            None => plan.foreign.push(one),
        }
    }
    plan
}

#[cfg(test)]
mod tests;

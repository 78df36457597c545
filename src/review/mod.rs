//! What a reviewer's reply is worth: read, judged over rounds, and turned into beads.
//!
//! Owns the reading of a reply (which cannot fail), the ledger of findings, the decision when to stop, and the plan
//! of what becomes a bead. It starts no agent and files no bead: `daemon` does, with what this room says. Start
//! with [`reply::read`], then [`judge::judge`]; [`filing::plan`] is the last step.

pub mod filing;
pub mod judge;
pub mod origin;
pub mod reply;
mod same;
pub mod similar;

#[cfg(test)]
mod tests;

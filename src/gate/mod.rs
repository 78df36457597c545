//! Gates: commands that must pass on the exact tree that would land.
//!
//! Owns the two sandboxes of a gate (rules 4), the verdict by evidence, what counts as a test run (T16), the
//! findings for the author and the paths that wait for a person (T17). Of the adapters it sees only the
//! executor's contract. It neither decides what follows nor journals: `daemon` does. Start with [`GateJob`] and
//! [`run_gate`].

pub mod compare;
pub mod fill;
pub mod findings;
pub mod names;
pub mod output;
pub mod protected;
pub mod recognise;
mod run;
pub mod spec;
mod traces;
pub mod verdict;

pub use run::{GateError, GateReport, GateWatch, run_gate};
pub use spec::GateJob;
pub use verdict::Verdict;

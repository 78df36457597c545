//! A whole night in a second: the real engine on a virtual clock, with one honest double for each trait.
//!
//! Owns the doubles, the scenarios, the faults and the check after a night (docs/simulator.md). It has no
//! rule of its own about beads: what runs is the engine, its effects, the lifecycle and the journal. Start with
//! [`play`] and [`Scenario`].

mod agent;
mod check;
mod critic;
mod embedded;
mod fault;
mod forge;
mod mortal;
mod nature;
mod play;
mod report;
mod repository;
mod sandboxes;
mod scenario;
mod shift;
mod shrink;
mod soak;
mod strike;
mod time;
mod upstream;
mod voice;
mod world;

pub use embedded::{SCENARIOS, embedded};
pub use play::{Manner, PlayError, play, play_and_keep};
pub use report::Report;
pub use scenario::{Bound, Expectation, Scenario};
pub use shrink::{Shrunk, shrink};
pub use soak::{Failure, Soak};
pub use world::Blindness;

#[cfg(test)]
mod tests;

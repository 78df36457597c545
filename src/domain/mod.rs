//! The vocabulary of the house: plain data, no I/O, no clock, no randomness.
//!
//! Every other room speaks in these types. One word per idea; the glossary with the rejected synonyms
//! stands in `ARCHITECTURE.md`. Start with [`bead::Bead`], [`run::RunKind`] and [`event::Event`].

pub mod agent_event;
pub mod bead;
pub mod clean;
pub mod edge;
pub mod ending;
pub mod event;
pub mod failure;
pub mod finding;
pub mod ids;
pub mod lines;
pub mod night;
pub mod order;
pub mod prices;
pub mod run;
pub mod signature;
pub mod text;
pub mod usage;
pub mod verdict;

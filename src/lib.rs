//! Beadwork works through a project's beads while its user sleeps.
//!
//! Agents in, events out: whatever happens for a bead is a run with an id, a state, a budget and a stream
//! of events in one journal. The modules below stand in the order data flows; `ARCHITECTURE.md` has the
//! picture, `domain` has the words.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods))]

pub mod domain;

pub mod clock;

pub mod telemetry;

pub mod config;

pub mod lifecycle;

pub mod scheduler;

pub mod beads;

pub mod workspace;

pub mod context;

pub mod executor;

pub mod agent;

pub mod gateway;

pub mod model;

pub mod gate;

pub mod review;

pub mod land;

pub mod journal;

pub mod feed;

pub mod daemon;

pub mod cli;

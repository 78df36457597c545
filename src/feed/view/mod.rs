//! What a page shows, as plain data: projections of journal, tracker and status into the words of the house.
//!
//! Owns the choice and the order of what a person sees, and the actions that are offered. Pure: no clock, no files,
//! no markup; whoever gathers the facts hands them in. Text here is cleaned of control characters and still hostile:
//! templates escape it. Start with [`tonight::Tonight`].

pub mod action;
pub mod bead;
pub mod brief;
pub mod decided;
pub mod diff;
pub mod findings;
pub mod history;
pub mod log;
pub mod needs;
pub mod place;
pub mod run;
pub mod settings;
pub mod story;
pub mod text;
pub mod timeline;
pub mod tonight;
pub mod words;

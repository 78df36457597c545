//! Those who only listen: whatever shows, tells or sends what happened.
//!
//! Owns readers of the journal and nothing else: none of them may hold up or change the work, and what one of
//! them says can be derived from the journal. Start with [`tell`], the one wording of events.

pub mod brief;
pub mod notify;
pub mod tell;
pub mod view;
pub mod watchman;
pub mod web;
mod wire;

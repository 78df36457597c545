//! Alerts: what a person is told away from the screen, when, and over which channels.
//!
//! Owns the rules (pure), the texts, the channels behind one trait, and the courier that empties the journal's
//! outbox. It only listens: the work never waits for it, and what it says stands in the journal. When it runs is
//! the daemon's matter. Start with [`rules::State`], then [`channel::Channel`] and [`courier::Courier`].

pub mod alert;
pub mod channel;
pub mod courier;
pub mod links;
mod mail;
pub mod net;
mod page;
pub mod push;
pub mod ready;
pub mod rules;
pub mod secrets;
pub mod set;
pub mod texts;
mod topic;
mod webhook;

#[cfg(test)]
pub(crate) mod tests;

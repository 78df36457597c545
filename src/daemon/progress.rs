//! What a live listener hears while the engine works.
//!
//! Owns the listener's contract: it is told after the journal was written, it never influences the work, and
//! agent events reach it that no journal keeps. The terminal is one listener; later the web is another.

use crate::domain::agent_event::AgentEvent;
use crate::domain::event::Event;
use crate::lifecycle::Story;

/// A listener. Its methods return at once and cannot fail.
pub trait Progress: Send + Sync {
    /// An event is in the journal; `story` is how it left the bead.
    fn event(&self, event: &Event, story: &Story);
    /// The agent's stream said something. Untrusted text.
    fn agent(&self, event: &AgentEvent);
}

/// Hears nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: &Event, _story: &Story) {}
    fn agent(&self, _event: &AgentEvent) {}
}

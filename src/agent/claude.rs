//! Claude Code, headless, stream-json both ways; the facts were measured with version 2.1.329.
//!
//! Owns the dialect's three parts: `command` (argv, environment, stdin lines), `read` (one line to events)
//! and `outcome` (what the end proves). Every field of the stream is optional, for it drifts weekly. Start
//! with [`Claude`].

mod bounded;
mod command;
mod outcome;
mod read;

use super::summary::Summary;
use super::{Command, Dialect, End, ExitFacts, Reader, Request, When};

pub use command::{PLACEHOLDER, TOOLS};
pub use read::ClaudeReader;

/// The dialect of Claude Code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claude;

impl Dialect for Claude {
    fn name(&self) -> &'static str {
        "claude"
    }

    fn command(&self, request: &Request) -> Command {
        command::command(request)
    }

    fn user_message(&self, text: &str, uuid: &str, when: When) -> String {
        command::user_message(text, uuid, when)
    }

    fn interrupt(&self, request_id: &str) -> String {
        command::control(request_id, "interrupt")
    }

    fn end_session(&self, request_id: &str) -> String {
        command::control(request_id, "end_session")
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::<ClaudeReader>::default()
    }

    fn outcome(&self, summary: &Summary, exit: &ExitFacts) -> End {
        outcome::outcome(summary, exit)
    }
}

#[cfg(test)]
pub(crate) mod tests;

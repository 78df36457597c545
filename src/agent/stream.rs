//! Bytes of an agent's stdout to events and their sum, in one piece.
//!
//! Owns the order: split, read, see. The same bytes give the same events however they were cut, and what
//! cannot be read stays in the raw log and is counted here. Start with [`Stream`].

use std::time::Duration;

use super::summary::Summary;
use super::{Dialect, Reader};
use crate::domain::agent_event::AgentEvent;
use crate::domain::lines::{Line, LineSplitter};

/// One run's stream from its first byte.
pub struct Stream {
    splitter: LineSplitter,
    reader: Box<dyn Reader>,
    summary: Summary,
}

impl Stream {
    pub fn new(dialect: &dyn Dialect) -> Self {
        Self::with(dialect, Summary::default())
    }

    /// For a conversation that goes on: see [`Summary::resumed`].
    pub fn with(dialect: &dyn Dialect, summary: Summary) -> Self {
        Self { splitter: LineSplitter::default(), reader: dialect.reader(), summary }
    }

    /// Takes bytes in as they come. `at` is the run's monotonic time.
    pub fn push(&mut self, bytes: &[u8], at: Duration) -> Vec<AgentEvent> {
        let Self { splitter, reader, summary } = self;
        let mut events = Vec::new();
        splitter.push(bytes, |line| events.extend(read(reader.as_mut(), summary, &line, at)));
        events
    }

    /// Takes a line in that was split elsewhere (the run's log does, to read again what it stored).
    pub fn line(&mut self, line: &Line, at: Duration) -> Vec<AgentEvent> {
        read(self.reader.as_mut(), &mut self.summary, line, at)
    }

    /// The end of the bytes: an unfinished line is torn.
    pub fn finish(&mut self, at: Duration) -> Vec<AgentEvent> {
        self.splitter.finish().map(|line| self.line(&line, at)).unwrap_or_default()
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

fn read(reader: &mut dyn Reader, summary: &mut Summary, line: &Line, at: Duration) -> Vec<AgentEvent> {
    let events = reader.read(line);
    for event in &events {
        summary.see(event, at);
    }
    events
}

#[cfg(test)]
mod tests;

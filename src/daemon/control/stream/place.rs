//! How far a reader of a stream is: the id of each frame, and what `Last-Event-ID` and `?since=` say.
//!
//! Owns the grammar `<seq>[.<line>[.<part>]]`: all events up to a number, whole lines of the run's log, and events of the
//! line after those. It reads no journal. Start with [`Place`].

use std::fmt;

/// Everything up to here was seen. A stream without lines has only the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub seq: u64,
    /// Lines of the log of the run that was at work at that number; none where nothing is known of lines.
    pub lines: Option<Lines>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lines {
    pub whole: u64,
    /// Events of the line behind them: one line of an agent may say several things.
    pub part: u32,
}

impl Place {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let seq = parts.next()?.parse().ok()?;
        let whole = parts.next().map(str::parse).transpose().ok()?;
        let part = parts.next().map(str::parse).transpose().ok()?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self { seq, lines: whole.map(|whole| Lines { whole, part: part.unwrap_or(0) }) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        let Some(Lines { whole, part }) = self.lines else { return Ok(()) };
        if part == 0 { write!(f, ".{whole}") } else { write!(f, ".{whole}.{part}") }
    }
}

#[cfg(test)]
mod tests;

//! What a recorded stream says: the answer of `bead inspect-stream`.
//!
//! Owns a plain report made from bytes alone, and its form for people. It knows no exit code, so it says
//! what the stream itself proves, and `unfinished` where that is nothing. Start with [`inspect`].

mod show;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::stream::Stream;
use super::summary::Summary;
use super::{Dialect, End, ExitFacts};
use crate::domain::agent_event::{AgentEvent, RateLimit};
use crate::domain::clean::ellipsis;
use crate::domain::event::Ending;
use crate::domain::usage::Usage;

pub use show::render;

/// Lines that could not be read are named up to here, then only counted.
const NAMED: usize = 20;

/// What a stream says of its run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// An [`Ending`] in snake_case, `interrupted`, or `unfinished` where no result closes the stream.
    pub outcome: String,
    pub reason: String,
    pub session: Option<String>,
    pub model: Option<String>,
    pub version: Option<String>,
    pub lines: u64,
    pub results: u64,
    pub turns: u64,
    pub tokens: BTreeMap<String, Usage>,
    /// US dollars by the client's own estimate.
    pub cost_usd: f64,
    pub retries: Vec<Retried>,
    pub rate_limit: Option<RateLimit>,
    /// Unix seconds, where the usage limit that ended the run resets.
    pub resets_at: Option<i64>,
    pub fallbacks: Vec<String>,
    pub tools: BTreeMap<String, u64>,
    pub tool_failures: u64,
    pub denials: u64,
    pub subagents: u64,
    pub unreadable: u64,
    pub unreadable_lines: Vec<BadLine>,
    /// The last line of the agent's last text.
    pub said: String,
}

/// How often the client repeated a request, by cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retried {
    pub error: String,
    pub status: Option<u16>,
    pub times: u64,
}

/// A line that could not be read; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    pub line: u64,
    pub reason: String,
}

/// Reads a whole stream.
pub fn inspect(dialect: &dyn Dialect, bytes: &[u8]) -> Report {
    let mut inspection = Inspection::new(dialect);
    for chunk in bytes.chunks(1 << 20) {
        inspection.push(chunk);
    }
    inspection.finish()
}

/// The same, for a stream that comes in pieces.
pub struct Inspection<'d> {
    dialect: &'d dyn Dialect,
    stream: Stream,
    lines: u64,
    retries: Vec<Retried>,
    fallbacks: Vec<String>,
    bad: Vec<BadLine>,
    tool_failures: u64,
}

impl<'d> Inspection<'d> {
    pub fn new(dialect: &'d dyn Dialect) -> Self {
        let stream = Stream::new(dialect);
        let (retries, fallbacks, bad) = Default::default();
        Self { dialect, stream, lines: 0, retries, fallbacks, bad, tool_failures: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        let events = self.stream.push(bytes, Duration::ZERO);
        events.iter().for_each(|event| self.note(event));
    }

    pub fn finish(mut self) -> Report {
        let torn = self.stream.finish(Duration::ZERO);
        self.lines += torn.len() as u64;
        torn.iter().for_each(|event| self.note(event));
        let summary = self.stream.summary();
        let (outcome, end) = judge(self.dialect, summary);
        Report {
            outcome,
            reason: end.reason,
            session: summary.session.clone(),
            model: summary.model.clone(),
            version: summary.version.clone(),
            lines: self.lines,
            results: summary.results,
            turns: summary.turns,
            tokens: summary.spent.by_model(),
            cost_usd: summary.spent.cost_usd,
            retries: self.retries,
            rate_limit: summary.rate_limit.clone(),
            resets_at: end.resets_at,
            fallbacks: self.fallbacks,
            tools: summary.tools.clone(),
            tool_failures: self.tool_failures,
            denials: summary.denials,
            subagents: summary.subagents,
            unreadable: summary.unreadable + u64::from(summary.torn),
            unreadable_lines: self.bad,
            said: summary.said(),
        }
    }

    fn note(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Retry { status, error, .. } => self.retry(error, *status),
            AgentEvent::Fallback { from, to } if self.fallbacks.len() < NAMED => {
                self.fallbacks.push(format!("{from} -> {to}"));
            }
            AgentEvent::ToolReturn { ok: false, .. } => self.tool_failures += 1,
            AgentEvent::Unreadable { line, reason } => self.bad(*line, reason.clone()),
            AgentEvent::Torn { line, bytes } => self.bad(*line, format!("torn after {bytes} bytes")),
            _ => {}
        }
    }

    fn retry(&mut self, error: &str, status: Option<u16>) {
        let known = self.retries.iter().position(|known| known.error == error && known.status == status);
        match known {
            Some(index) => self.retries[index].times += 1,
            None if self.retries.len() < NAMED => {
                self.retries.push(Retried { error: error.to_owned(), status, times: 1 });
            }
            None => {}
        }
    }

    fn bad(&mut self, line: u64, reason: String) {
        if self.bad.len() < NAMED {
            self.bad.push(BadLine { line, reason: ellipsis(&reason, 120) });
        }
    }
}

/// The stream's own verdict: as if the process had ended well, for a file keeps no exit code.
fn judge(dialect: &dyn Dialect, summary: &Summary) -> (String, End) {
    let end = dialect.outcome(summary, &ExitFacts { code: Some(0), ..ExitFacts::default() });
    let turn = summary.last_turn.as_ref();
    if !summary.is_settled() || summary.torn {
        let reason = match (summary.torn, turn) {
            (true, _) => "the stream breaks off inside a line",
            (false, Some(_)) => "a turn began after the last result, or a message waits",
            (false, None) => "no result",
        };
        return ("unfinished".to_owned(), End { reason: reason.to_owned(), ..end });
    }
    if turn.and_then(|turn| turn.terminal_reason.as_deref()).is_some_and(|why| why.starts_with("aborted_")) {
        return ("interrupted".to_owned(), End { reason: "the last turn was interrupted".to_owned(), ..end });
    }
    (word(end.ending), end)
}

/// The ending as the journal writes it.
fn word(ending: Ending) -> String {
    let value = serde_json::to_value(ending).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;

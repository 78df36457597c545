//! One reading of what happened: events of the journal, and between them what the agent's log says, each once.
//!
//! Owns the order of the two, and that any reading from any place gives the same rest: lines of a run come after the event that
//! starts its container and before the one that ends it. Whoever shares readings, or stops reading, is elsewhere. Start with
//! [`Cursor::step`].

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use super::place::{Lines, Place};
use super::tail::{Tail, Until};
use crate::agent::Dialect;
use crate::daemon::error::EngineError;
use crate::daemon::house::House;
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::domain::text::excerpt;
use crate::journal::read::Filter;

/// How many events one look takes from the journal.
const PAGE: usize = 500;
/// A step ends when it has given so many bytes.
const ENOUGH: usize = 32 << 10;
/// Bytes of what an agent says at once.
const SHOWN: usize = 8 << 10;

/// What a stream tells of. Nothing named: everything, without what agents say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Subject {
    pub project: Option<ProjectId>,
    pub bead: Option<BeadId>,
    pub run: Option<RunId>,
}

impl Subject {
    pub(super) fn has_lines(&self) -> bool {
        self.bead.is_some()
    }

    fn filter(&self) -> Filter {
        Filter { project: self.project.clone(), bead: self.bead.clone(), run: self.run.clone() }
    }
}

/// Where somebody else's reading stands: ours shall end exactly there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bound {
    pub seq: u64,
    pub run: Option<RunId>,
    pub line: u64,
    /// Events of the line behind those.
    pub part: u32,
}

/// What one step gave: encoded frames, and the place behind them.
#[derive(Debug)]
pub(super) struct Piece {
    pub bytes: Vec<u8>,
    pub last: Place,
}

pub(super) struct Cursor {
    house: Arc<House>,
    dialect: Arc<dyn Dialect>,
    subject: Subject,
    filter: Filter,
    /// Told up to here.
    seq: u64,
    /// Read from the journal, not told yet.
    ahead: VecDeque<Event>,
    tail: Option<Tail>,
}

impl Cursor {
    /// Behind everything that is there now.
    pub(super) fn at_end(
        house: Arc<House>,
        dialect: Arc<dyn Dialect>,
        subject: Subject,
    ) -> Result<Self, EngineError> {
        let seq = house.journal.last_seq()?;
        let mut cursor = Self::new(house, dialect, subject, seq);
        if let Some((run, _)) = cursor.run_at(seq)? {
            let mut tail = cursor.open(run)?;
            tail.skip(Until::default()).map_err(|source| cursor.failed(source))?;
            cursor.tail = Some(tail);
        }
        Ok(cursor)
    }

    /// Behind a place that a reader names. Without lines: behind those that the run's earlier containers left.
    pub(super) fn at(
        house: Arc<House>,
        dialect: Arc<dyn Dialect>,
        subject: Subject,
        place: Place,
    ) -> Result<Self, EngineError> {
        // A number that was never given out would hide all that come below it.
        let seq = place.seq.min(house.journal.last_seq()?);
        let mut cursor = Self::new(house, dialect, subject, seq);
        if let Some((run, after)) = cursor.run_at(seq)? {
            let mut tail = cursor.open(run)?;
            let skipped = match place.lines {
                Some(lines) => tail.skip_to(lines),
                None => tail.skip(Until { byte: Some(after), line: None }),
            };
            skipped.map_err(|source| cursor.failed(source))?;
            cursor.tail = Some(tail);
        }
        Ok(cursor)
    }

    fn new(house: Arc<House>, dialect: Arc<dyn Dialect>, subject: Subject, seq: u64) -> Self {
        let filter = subject.filter();
        Self { house, dialect, subject, filter, seq, ahead: VecDeque::new(), tail: None }
    }

    pub(super) fn place(&self) -> Place {
        let lines = self.tail.as_ref().map_or(Lines::default(), |tail| tail.lines);
        Place { seq: self.seq, lines: self.subject.has_lines().then_some(lines) }
    }

    pub(super) fn bound(&self) -> Bound {
        let run = self.tail.as_ref().map(|tail| tail.run.clone());
        let Lines { whole, part } = self.tail.as_ref().map_or(Lines::default(), |tail| tail.lines);
        Bound { seq: self.seq, run, line: whole, part }
    }

    /// Whether another reading of the same, that stands there, has something that this one does not have yet.
    pub(super) fn is_behind(&self, other: &Bound) -> bool {
        let ours = self.bound();
        let by_lines = ours.run.is_some() && ours.run == other.run;
        ours.seq < other.seq || by_lines && (ours.line, ours.part) < (other.line, other.part)
    }

    /// The next frames; none when there is nothing more now, or before the bound.
    pub(super) fn step(&mut self, bound: Option<&Bound>) -> Result<Option<Piece>, EngineError> {
        let mut bytes = Vec::new();
        while bytes.len() < ENOUGH {
            if self.ahead.is_empty() {
                self.look_ahead(bound)?;
            }
            let Some(event) = self.ahead.front() else {
                if !self.drain(Until::default(), bound, &mut bytes)? {
                    break;
                }
                continue;
            };
            if let Some(byte) = self.lines_before(event)?
                && self.drain(Until { byte, line: None }, bound, &mut bytes)?
            {
                continue;
            }
            let Some(event) = self.ahead.pop_front() else { break };
            self.seq = event.seq;
            self.turn(&event)?;
            frame("event", self.place(), &event, &mut bytes);
        }
        Ok((!bytes.is_empty()).then(|| Piece { bytes, last: self.place() }))
    }

    fn look_ahead(&mut self, bound: Option<&Bound>) -> Result<(), EngineError> {
        let most = bound.map_or(u64::MAX, |bound| bound.seq);
        let events = self.house.journal.events(self.seq, &self.filter, PAGE)?;
        self.ahead.extend(events.into_iter().filter(|event| event.seq <= most));
        // Nothing of ours is left below the bound: what others did counts as told.
        if let Some(bound) = bound.filter(|_| self.ahead.is_empty()) {
            self.seq = self.seq.max(bound.seq);
        }
        Ok(())
    }

    /// Reads on in the log; false when nothing more is there.
    fn drain(
        &mut self,
        mut until: Until,
        bound: Option<&Bound>,
        into: &mut Vec<u8>,
    ) -> Result<bool, EngineError> {
        let seq = self.seq;
        let Some(tail) = &mut self.tail else { return Ok(false) };
        if !tail.has_path() {
            tail.found(log_of(&self.house, &tail.run)?);
        }
        until.line = bound.filter(|bound| bound.run.as_ref() == Some(&tail.run)).map(|bound| bound.line);
        let more = tail.piece(until, &mut |lines, event| {
            frame("agent", Place { seq, lines: Some(lines) }, &*shown(event), into);
        });
        more.map_err(|source| self.failed(source))
    }

    /// Where the lines end that come before this event: `None` for one that is no bound to them.
    fn lines_before(&self, event: &Event) -> Result<Option<Option<u64>>, EngineError> {
        let Some(tail) = &self.tail else { return Ok(None) };
        if let Some((run, after)) = starts(event) {
            let next = if run == tail.run { Some(after) } else { self.next_start(&tail.run, event.seq)? };
            return Ok(Some(next));
        }
        let ends = matches!(event.body, Body::AgentEnded(_)) && event.run.as_ref() == Some(&tail.run);
        if ends { Ok(Some(self.next_start(&tail.run, event.seq)?)) } else { Ok(None) }
    }

    /// Where a later container of the same run begins in its log, if there was one.
    fn next_start(&self, run: &RunId, seq: u64) -> Result<Option<u64>, EngineError> {
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let later = self.house.journal.events(seq, &filter, PAGE)?;
        Ok(later.iter().find_map(starts).map(|(_, after)| after))
    }

    /// Follows the run whose container is started.
    fn turn(&mut self, event: &Event) -> Result<(), EngineError> {
        let Some((run, after)) = starts(event).filter(|_| self.subject.has_lines()) else { return Ok(()) };
        match &mut self.tail {
            Some(tail) if tail.run == run => tail.begin_again(self.dialect.reader()),
            _ => {
                let mut tail = self.open(run)?;
                tail.skip(Until { byte: Some(after), line: None }).map_err(|source| self.failed(source))?;
                self.tail = Some(tail);
            }
        }
        Ok(())
    }

    /// The run at work at that number, and what of its log earlier containers left.
    fn run_at(&self, seq: u64) -> Result<Option<(RunId, u64)>, EngineError> {
        if !self.subject.has_lines() {
            return Ok(None);
        }
        let (mut from, mut last) = (0, None);
        loop {
            let events = self.house.journal.events(from, &self.filter, PAGE)?;
            let full = events.len() == PAGE;
            for event in events.iter().take_while(|event| event.seq <= seq) {
                from = event.seq;
                last = starts(event).or(last);
            }
            if !full || events.last().is_some_and(|event| event.seq >= seq) {
                return Ok(last);
            }
        }
    }

    fn open(&self, run: RunId) -> Result<Tail, EngineError> {
        let path = log_of(&self.house, &run)?;
        Ok(Tail::new(run, path, self.dialect.reader()))
    }

    fn failed(&self, source: std::io::Error) -> EngineError {
        EngineError::Io { path: self.house.places.state().join("logs"), source }
    }
}

/// The raw log of a run, once it has one.
fn log_of(house: &House, run: &RunId) -> Result<Option<std::path::PathBuf>, EngineError> {
    let name = house.journal.log_of(run)?;
    Ok(name.map(|name| house.places.state().join(name).with_extension("jsonl")))
}

/// The run whose container this event starts, and the bytes that its log had before.
fn starts(event: &Event) -> Option<(RunId, u64)> {
    let after = match &event.body {
        Body::AgentStarting { after, .. } => after.stdout,
        Body::ReviewStarted { .. } => 0,
        _ => return None,
    };
    Some((event.run.clone()?, after))
}

/// What is sent to every reader: of long words the beginning and the end, the rest is in the log.
pub(in crate::daemon::control) fn shown(event: &AgentEvent) -> Cow<'_, AgentEvent> {
    match event {
        AgentEvent::Text { text, nested } if text.len() > SHOWN => {
            let text = excerpt(text, SHOWN - (SHOWN >> 2), SHOWN >> 2);
            Cow::Owned(AgentEvent::Text { text, nested: *nested })
        }
        event => Cow::Borrowed(event),
    }
}

/// One frame of server-sent events. JSON has no line ends of its own, so one `data` line holds it.
pub(super) fn frame(kind: &str, id: Place, data: &impl Serialize, into: &mut Vec<u8>) {
    let begun = into.len();
    into.extend_from_slice(format!("event: {kind}\nid: {id}\ndata: ").as_bytes());
    if serde_json::to_writer(&mut *into, data).is_err() {
        // Nothing of ours fails to be written as JSON; half a frame would be worse than none.
        into.truncate(begun);
        return;
    }
    into.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests;

//! A run's log, read line by line as agent events, while it grows.
//!
//! Owns where reading stands and the reader's state; the file is the redacted one on disk, so nothing reaches a stream that is
//! not stored masked (T37). Parsing from the beginning rebuilds the state, so a place in the log is a number of lines. Start with
//! [`Tail`].

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::place::Lines;
use crate::agent::Reader;
use crate::domain::agent_event::AgentEvent;
use crate::domain::ids::RunId;
use crate::domain::lines::LineSplitter;

const CHUNK: usize = 64 << 10;

/// How far one reading may go: to a byte, or to a line, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Until {
    pub byte: Option<u64>,
    pub line: Option<u64>,
}

pub(super) struct Tail {
    pub run: RunId,
    /// Unknown until the run has a log.
    path: Option<PathBuf>,
    file: Option<File>,
    /// Bytes handed to the splitter.
    read: u64,
    splitter: LineSplitter,
    reader: Box<dyn Reader>,
    pub lines: Lines,
}

impl Tail {
    pub(super) fn new(run: RunId, path: Option<PathBuf>, reader: Box<dyn Reader>) -> Self {
        let splitter = LineSplitter::default();
        Self { run, path, file: None, read: 0, splitter, reader, lines: Lines::default() }
    }

    pub(super) fn has_path(&self) -> bool {
        self.path.is_some()
    }

    pub(super) fn found(&mut self, path: Option<PathBuf>) {
        self.path = path;
    }

    /// Another container of the same run speaks from here on.
    pub(super) fn begin_again(&mut self, reader: Box<dyn Reader>) {
        self.reader = reader;
    }

    /// Passes over what was told already.
    pub(super) fn skip(&mut self, until: Until) -> std::io::Result<()> {
        while self.piece(until, &mut |_, _| {})? {}
        Ok(())
    }

    /// Passes over whole lines and events of the line behind them.
    pub(super) fn skip_to(&mut self, lines: Lines) -> std::io::Result<()> {
        self.skip(Until { byte: None, line: Some(lines.whole) })?;
        // A place beyond the end of the log is none of ours.
        if self.lines.whole == lines.whole {
            self.lines.part = lines.part;
        }
        Ok(())
    }

    /// Reads at most one piece and gives each event with the place behind it. False when there is no more now.
    pub(super) fn piece(
        &mut self,
        until: Until,
        each: &mut dyn FnMut(Lines, &AgentEvent),
    ) -> std::io::Result<bool> {
        let most = until.byte.map_or(u64::MAX, |byte| byte.saturating_sub(self.read));
        let lines = until.line.map_or(u64::MAX, |line| line.saturating_sub(self.lines.whole));
        if most == 0 || lines == 0 {
            return Ok(false);
        }
        let Some(file) = self.open()? else { return Ok(false) };
        let mut buffer = vec![0; CHUNK];
        let count = file.read(&mut buffer)?;
        let mut bytes = &buffer[..count.min(usize::try_from(most).unwrap_or(usize::MAX))];
        if let Some(lines) = usize::try_from(lines).ok().and_then(|lines| lines.checked_sub(1))
            && let Some(end) = memchr::memchr_iter(b'\n', bytes).nth(lines)
        {
            bytes = &bytes[..=end];
        }
        if bytes.len() < count {
            let back = i64::try_from(count - bytes.len()).unwrap_or(0);
            file.seek(SeekFrom::Current(-back))?;
        }
        self.read += bytes.len() as u64;
        let Self { splitter, reader, lines, .. } = self;
        splitter.push(bytes, |line| {
            let events = reader.read(&line);
            let told = lines.part;
            let last = events.len();
            for (nth, event) in (1..).zip(&events) {
                if nth > told {
                    // Behind its last event the line is whole.
                    lines.part = nth;
                    let behind =
                        if nth as usize == last { Lines { whole: lines.whole + 1, part: 0 } } else { *lines };
                    each(behind, event);
                }
            }
            *lines = Lines { whole: lines.whole + 1, part: 0 };
        });
        Ok(!bytes.is_empty())
    }

    fn open(&mut self) -> std::io::Result<Option<&mut File>> {
        if self.file.is_none() {
            let Some(path) = &self.path else { return Ok(None) };
            self.file = match File::open(path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        Ok(self.file.as_mut())
    }
}

#[cfg(test)]
mod tests;

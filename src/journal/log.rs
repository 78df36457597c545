//! A run's log on disk: what it printed, redacted, and a page that people read.
//!
//! Owns three files a run: `.jsonl` (raw stdout) and `.err` (raw stderr), masked but of the same length as
//! what was printed, so that a new process knows where to go on; and `.log`, rendered from the agent's
//! events. It parses nothing: lines go out, events come back. Start with [`RunLog`].

mod file;
mod render;

use std::path::{Path, PathBuf};

use crate::domain::agent_event::AgentEvent;
use crate::domain::clean::clean;
use crate::domain::lines::{Line, LineSplitter};
use crate::domain::run::RunKind;

use super::redact::Redactor;
use file::{Masked, Page};

pub use render::render;

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("expected a plain file name for a log, found {0:?}")]
    BadName(String),
    #[error("cannot {what} `{path}`")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
}

/// Where a run's log lies: `<state>/logs/<project>/<bead>/<stamp>-<kind>` and an ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    dir: PathBuf,
    name: String,
}

impl LogPlace {
    /// `dir` is the bead's log directory, `stamp` the run's time as it stands in the file name.
    pub fn new(dir: &Path, stamp: &str, kind: RunKind) -> Result<Self, LogError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if stamp.is_empty() || stamp.starts_with('.') || !stamp.chars().all(plain) {
            return Err(LogError::BadName(stamp.to_owned()));
        }
        Ok(Self { dir: dir.to_owned(), name: format!("{stamp}-{}", kind.as_str()) })
    }

    /// The page for people.
    pub fn page(&self) -> PathBuf {
        self.path("log")
    }

    /// Raw stdout, redacted.
    pub fn stdout(&self) -> PathBuf {
        self.path("jsonl")
    }

    /// Raw stderr, redacted.
    pub fn stderr(&self) -> PathBuf {
        self.path("err")
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.name))
    }
}

/// How many bytes of each stream are on disk: where to take them up again (rules 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    pub stdout: u64,
    pub stderr: u64,
}

/// What came of some bytes of stdout.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Taken {
    /// The lines they completed, as stored.
    pub lines: Vec<Line>,
    pub room: Room,
}

/// Whether the log takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Room {
    Left,
    /// The cap is reached: the rest is dropped, and the run must end.
    Flood,
}

/// What is known when the output has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Rest {
    /// What was held back to the end, and a torn line if there is one.
    pub lines: Vec<Line>,
    /// The last line of stderr, clean.
    pub complaint: Option<String>,
}

/// The log of a live run. Dropping it leaves everything as it is, to be opened again; only [`RunLog::finish`]
/// stores what the redactor still holds back.
#[derive(Debug)]
pub struct RunLog {
    place: LogPlace,
    stdout: Masked,
    stderr: Masked,
    page: Page,
    splitter: LineSplitter,
    redactor: Redactor,
    cap: u64,
    /// What earlier containers of the run left here.
    began: Stored,
}

/// Whose output a stored line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// An earlier container's of the same run: told again, but its state is over.
    Earlier,
    Current,
}

impl RunLog {
    /// New files, 0600, in a directory that is made 0700 where it is missing. `cap` bounds the bytes of
    /// stdout and stderr together, and those of the page.
    pub fn create(place: LogPlace, redactor: &Redactor, cap: u64) -> Result<Self, LogError> {
        file::make_dir(&place.dir)?;
        let stdout = Masked::create(place.stdout(), redactor)?;
        let stderr = Masked::create(place.stderr(), redactor)?;
        let page = Page::create(place.page(), cap)?;
        Ok(Self::of(place, (stdout, stderr, page), redactor, cap))
    }

    /// The files of a run that another process began. Every stored line goes through `read` again, which
    /// rebuilds the parser's state and gives the events from which the page is rendered anew. `began` is where
    /// the output of the run's present container begins, as [`RunLog::begin`] gave it.
    pub fn reopen(
        place: LogPlace,
        redactor: &Redactor,
        cap: u64,
        began: Stored,
        read: &mut dyn FnMut(&Line, Part) -> Vec<AgentEvent>,
    ) -> Result<Self, LogError> {
        let stdout = Masked::reopen(place.stdout(), redactor)?;
        let stderr = Masked::reopen(place.stderr(), redactor)?;
        let page = Page::create(place.page(), cap)?;
        let mut log = Self::of(place, (stdout, stderr, page), redactor, cap);
        log.began = began;
        let path = log.place.stdout();
        let mut earlier = began.stdout;
        file::read_through(&path, &mut |bytes| {
            let cut = usize::try_from(earlier).unwrap_or(usize::MAX).min(bytes.len());
            earlier -= cut as u64;
            let mut events = Vec::new();
            // `begin` ended the line, so nothing of it is held over the cut.
            log.splitter.push(&bytes[..cut], |line| events.extend(read(&line, Part::Earlier)));
            log.splitter.push(&bytes[cut..], |line| events.extend(read(&line, Part::Current)));
            events.iter().try_for_each(|event| log.tell(event))
        })?;
        Ok(log)
    }

    /// Another container of the same run is about to be started: what comes from now on counts as its own. A
    /// line that the last one left unfinished is ended.
    pub fn begin(&mut self) -> Result<Stored, LogError> {
        if self.splitter.finish().is_some() {
            self.stdout.end_line()?;
        }
        self.began = Stored { stdout: self.stdout.len(), stderr: self.stderr.len() };
        Ok(self.began)
    }

    fn of(place: LogPlace, files: (Masked, Masked, Page), redactor: &Redactor, cap: u64) -> Self {
        let (stdout, stderr, page) = files;
        Self {
            place,
            stdout,
            stderr,
            page,
            splitter: LineSplitter::default(),
            redactor: redactor.fresh(),
            cap,
            began: Stored::default(),
        }
    }

    pub fn place(&self) -> &LogPlace {
        &self.place
    }

    /// What is on disk of the present container. What the redactor holds back is not, and a broken connection is taken up again with
    /// [`RunLog::resume`].
    pub fn stored(&self) -> Stored {
        Stored {
            stdout: self.stdout.len().saturating_sub(self.began.stdout),
            stderr: self.stderr.len().saturating_sub(self.began.stderr),
        }
    }

    /// How many bytes were dropped because the cap was reached (T44).
    pub fn dropped(&self) -> u64 {
        self.stdout.dropped() + self.stderr.dropped()
    }

    /// The connection broke and everything after [`Stored`] will come again: forgets what is held back.
    pub fn resume(&mut self) -> Stored {
        self.stdout.forget();
        self.stderr.forget();
        self.stored()
    }

    /// Stores bytes of stdout and gives back the lines they complete.
    pub fn stdout(&mut self, bytes: &[u8]) -> Result<Taken, LogError> {
        let left = self.left();
        let stored = self.stdout.take(bytes, left)?;
        let mut lines = Vec::new();
        self.splitter.push(stored, |line| lines.push(line));
        Ok(Taken { lines, room: self.room() })
    }

    /// Stores bytes of stderr.
    pub fn stderr(&mut self, bytes: &[u8]) -> Result<Room, LogError> {
        let left = self.left();
        self.stderr.take(bytes, left)?;
        Ok(self.room())
    }

    /// Writes an event to the page, if it tells a person anything.
    pub fn tell(&mut self, event: &AgentEvent) -> Result<(), LogError> {
        match render(event) {
            Some(text) => self.note(&text),
            None => Ok(()),
        }
    }

    /// Writes a line of ours, or of a plain stdout, to the page.
    pub fn note(&mut self, text: &str) -> Result<(), LogError> {
        // Once more: what stood escaped in the raw line may only now read as a secret.
        let text = self.redactor.redact_text(&clean(text));
        self.page.line(&text)
    }

    /// The output has ended: stores what was held back. Its events may still be told.
    pub fn finish(&mut self) -> Result<Rest, LogError> {
        let left = self.left();
        let stored = self.stdout.finish(left)?;
        let mut lines = Vec::new();
        self.splitter.push(stored, |line| lines.push(line));
        lines.extend(self.splitter.finish());
        let left = self.left();
        self.stderr.finish(left)?;
        Ok(Rest { lines, complaint: file::last_line(&self.place.stderr())? })
    }

    /// Makes all of it durable.
    pub fn close(self) -> Result<(), LogError> {
        self.stdout.sync()?;
        self.stderr.sync()?;
        self.page.sync()?;
        file::sync_dir(&self.place.dir)
    }

    fn left(&self) -> u64 {
        self.cap.saturating_sub(self.stdout.len() + self.stderr.len())
    }

    fn room(&self) -> Room {
        if self.dropped() > 0 { Room::Flood } else { Room::Left }
    }
}

#[cfg(test)]
mod tests;

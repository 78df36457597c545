//! The files beneath a run's log.
//!
//! Owns modes (0600 in 0700), appending without a buffer of our own (a kill loses nothing that was taken)
//! and what must be durable at the end. Start with [`Masked`].

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::LogError;
use crate::domain::clean::clean_bytes;
use crate::journal::redact::Redactor;

/// How much of stderr's end is looked at for its last line.
const TAIL: u64 = 4096;

/// A stream on disk, masked, as long as what was printed.
#[derive(Debug)]
pub(super) struct Masked {
    path: PathBuf,
    file: File,
    redactor: Redactor,
    out: Vec<u8>,
    len: u64,
    dropped: u64,
}

impl Masked {
    pub(super) fn create(path: PathBuf, redactor: &Redactor) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path);
        Self::of(path, file, redactor)
    }

    pub(super) fn reopen(path: PathBuf, redactor: &Redactor) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).open(&path);
        Self::of(path, file, redactor)
    }

    fn of(path: PathBuf, file: std::io::Result<File>, redactor: &Redactor) -> Result<Self, LogError> {
        let file = file.map_err(failed("open", &path))?;
        let len = file.metadata().map_err(failed("read", &path))?.len();
        Ok(Self { path, file, redactor: redactor.fresh(), out: Vec::new(), len, dropped: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes that were not stored for want of room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Masks and appends what is certain, at most `left` bytes; gives back what was stored.
    pub(super) fn take(&mut self, bytes: &[u8], left: u64) -> Result<&[u8], LogError> {
        self.out.clear();
        self.redactor.push(bytes, &mut self.out);
        self.store(left)
    }

    /// The same for what is still held back.
    pub(super) fn finish(&mut self, left: u64) -> Result<&[u8], LogError> {
        self.out.clear();
        self.redactor.finish(&mut self.out);
        self.store(left)
    }

    /// Forgets what is held back.
    pub(super) fn forget(&mut self) {
        self.redactor = self.redactor.fresh();
    }

    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.file.sync_all().map_err(failed("sync", &self.path))
    }

    /// Ends an unfinished line with a byte that nobody printed.
    pub(super) fn end_line(&mut self) -> Result<(), LogError> {
        self.file.write_all(b"\n").map_err(failed("write", &self.path))?;
        self.len += 1;
        Ok(())
    }

    fn store(&mut self, left: u64) -> Result<&[u8], LogError> {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        // Once cut, later bytes would stand at the wrong place.
        let room = if self.dropped > 0 { 0 } else { left };
        let stored = &self.out[..self.out.len().min(room)];
        self.dropped += (self.out.len() - stored.len()) as u64;
        self.file.write_all(stored).map_err(failed("write", &self.path))?;
        self.len += stored.len() as u64;
        Ok(stored)
    }
}

/// The page for people. Bounded like the streams: one short bad line makes a longer line here.
#[derive(Debug)]
pub(super) struct Page {
    path: PathBuf,
    file: File,
    left: u64,
}

impl Page {
    /// Empty, whatever stood there.
    pub(super) fn create(path: PathBuf, cap: u64) -> Result<Self, LogError> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let file = file.map_err(failed("open", &path))?;
        Ok(Self { path, file, left: cap })
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), LogError> {
        if self.left == 0 {
            return Ok(());
        }
        let mut line = format!("{}\n", text.trim_end_matches('\n'));
        self.left = self.left.saturating_sub(line.len() as u64);
        if self.left == 0 {
            line = "? this page is full, the raw log goes on\n".to_owned();
        }
        self.file.write_all(line.as_bytes()).map_err(failed("write", &self.path))
    }

    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.file.sync_all().map_err(failed("sync", &self.path))
    }
}

pub(super) fn make_dir(dir: &Path) -> Result<(), LogError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed("make", dir))
}

pub(super) fn sync_dir(dir: &Path) -> Result<(), LogError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))
}

/// Hands a file over in pieces.
pub(super) fn read_through(
    path: &Path,
    each: &mut dyn FnMut(&[u8]) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer).map_err(failed("read", path))?;
        if count == 0 {
            return Ok(());
        }
        each(&buffer[..count])?;
    }
}

/// The last line that is not empty, clean.
pub(super) fn last_line(path: &Path) -> Result<Option<String>, LogError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let len = file.metadata().map_err(failed("read", path))?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).map_err(failed("read", path))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).map_err(failed("read", path))?;
    let text = clean_bytes(&tail);
    Ok(text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { what, path, source }
}

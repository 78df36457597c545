//! Bounds on what a sandbox may print, and what is kept of it.
//!
//! Owns the flood meter and the head-and-tail keeper (T44). It reads no bytes for meaning and cleans none.
//! Start with [`Meter`] for a stream that is stored whole, [`HeadTail`] for one that is shown to people.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Chunk, Seen};

/// The engine's log stores every line, and every 16 KiB of a longer one, as an entry of its own: 25 bytes
/// beside the text, measured with Engine 20.10's `local` driver; longer lines need a few more.
pub const ENTRY_OVERHEAD: u64 = 32;
const ENTRY: u64 = 16 * 1024;

/// Counts what came out, and says when it is too much.
///
/// What is compared with the cap is the *weight*: bytes plus what the engine's log needs beside them. A flood
/// of empty lines would else rotate the log, and its beginning with it, long before its bytes reach the cap.
#[derive(Debug, Clone)]
pub struct Meter {
    seen: Seen,
    weight: u64,
    cap: u64,
}

/// The cap was reached: the run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("output flood: {bytes} bytes printed, {cap} allowed with every line counted {ENTRY_OVERHEAD} more")]
pub struct Flood {
    pub bytes: u64,
    pub cap: u64,
}

impl Meter {
    /// `cap` is the spec's `log_cap`.
    pub fn new(cap: u64) -> Self {
        Self { seen: Seen::default(), weight: 0, cap }
    }

    /// Bytes so far: what `attach` wants to know.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Counts a chunk; it is counted also when it is the one too many.
    pub fn add(&mut self, chunk: &Chunk) -> Result<(), Flood> {
        let (bytes, counter) = match chunk {
            Chunk::Stdout(bytes) => (bytes, &mut self.seen.stdout),
            Chunk::Stderr(bytes) => (bytes, &mut self.seen.stderr),
        };
        let (len, lines) = (bytes.len() as u64, bytes.iter().filter(|b| **b == b'\n').count() as u64);
        *counter += len;
        self.weight += len + (lines + len / ENTRY) * ENTRY_OVERHEAD;
        if self.weight <= self.cap {
            return Ok(());
        }
        Err(Flood { bytes: self.seen.stdout + self.seen.stderr, cap: self.cap })
    }
}

/// Keeps the first bytes and the last ones of a stream of any length.
#[derive(Debug)]
pub struct HeadTail {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_cap: usize,
    tail_cap: usize,
    dropped: u64,
}

/// What was kept. With `dropped` 0, head and tail joined are the whole stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
    pub dropped: u64,
}

impl HeadTail {
    pub fn new(head_cap: usize, tail_cap: usize) -> Self {
        Self { head: Vec::new(), tail: VecDeque::new(), head_cap, tail_cap, dropped: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let room = (self.head_cap - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        let rest = &bytes[room..];
        let fits = &rest[rest.len().saturating_sub(self.tail_cap)..];
        let surplus = (self.tail.len() + fits.len()).saturating_sub(self.tail_cap);
        self.tail.drain(..surplus);
        self.tail.extend(fits);
        self.dropped += (surplus + rest.len() - fits.len()) as u64;
    }

    pub fn finish(self) -> Kept {
        Kept { head: self.head, tail: self.tail.into(), dropped: self.dropped }
    }
}

impl Kept {
    /// One text, with a line that says what is missing. Not cleaned for a terminal.
    pub fn text(&self) -> String {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if self.dropped == 0 {
            return lossy(&[self.head.as_slice(), self.tail.as_slice()].concat());
        }
        format!("{}\n[... {} bytes dropped ...]\n{}", lossy(&self.head), self.dropped, lossy(&self.tail))
    }
}

impl Chunk {
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Stdout(bytes) | Self::Stderr(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests;

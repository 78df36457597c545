//! What is kept of a gate's output: the beginning, the end, and how much lies between.
//!
//! Owns the bounds and the cut into lines for those who read along. The whole output goes to the caller's log,
//! not here. Bytes are hostile. Start with [`Kept`].

use std::collections::VecDeque;

use crate::domain::text::without_escapes;

const HEAD_BYTES: usize = 16 << 10;
const TAIL_BYTES: usize = 48 << 10;
/// Longer lines are cut for readers along.
const LINE_BYTES: usize = 4 << 10;

/// The first and last bytes of an output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Kept {
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let into_head = bytes.len().min(HEAD_BYTES - self.head.len());
        self.head.extend_from_slice(&bytes[..into_head]);
        let rest = &bytes[into_head..];
        self.tail.extend(&rest[rest.len().saturating_sub(TAIL_BYTES)..]);
        let over = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..over);
    }

    /// All bytes that came.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn left_out(&self) -> u64 {
        self.total - self.head.len() as u64 - self.tail.len() as u64
    }

    /// Readable text: no escapes, no control bytes, with a note where something was left out.
    pub fn text(&self) -> String {
        let (front, back) = self.tail.as_slices();
        let tail = [front, back].concat();
        if self.left_out() == 0 {
            return without_escapes(&String::from_utf8_lossy(&[&self.head[..], &tail].concat()));
        }
        let note = format!("\n[... {} bytes left out]\n", self.left_out());
        without_escapes(
            &[&String::from_utf8_lossy(&self.head), &note[..], &String::from_utf8_lossy(&tail)].concat(),
        )
    }
}

/// Cuts a stream of bytes into readable lines of bounded length.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let room = LINE_BYTES.saturating_sub(self.open.len());
            self.open.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end(&mut each);
            }
        }
    }

    pub(crate) fn end(&mut self, mut each: impl FnMut(&str)) {
        if !self.open.is_empty() {
            let text = without_escapes(&String::from_utf8_lossy(&self.open));
            text.lines().for_each(&mut each);
            self.open.clear();
        }
    }
}

#[cfg(test)]
mod tests;

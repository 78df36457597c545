//! Bytes in, lines out: bounded in memory, indifferent to how the bytes were cut.
//!
//! Owns the splitting of a stream into lines with a cap; a longer line is skipped and counted, never kept
//! and never fatal (T45). It knows no format. Start with [`LineSplitter`].

/// No line that is worth reading is longer: an edit of a 2 MB file was seen as one line of 2 MB.
pub const LINE_CAP: usize = 32 << 20;

/// One line, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Whole(Vec<u8>),
    /// Longer than the cap; `bytes` is its full length.
    TooLong {
        bytes: u64,
    },
    /// The stream ended here without a line end.
    Torn {
        bytes: u64,
    },
}

/// Cuts a stream into lines. `\r\n` ends a line like `\n`.
#[derive(Debug)]
pub struct LineSplitter {
    cap: usize,
    part: Vec<u8>,
    /// Length of the unfinished line, also where it is too long to be kept.
    seen: u64,
}

impl Default for LineSplitter {
    fn default() -> Self {
        Self::new(LINE_CAP)
    }
}

impl LineSplitter {
    pub fn new(cap: usize) -> Self {
        Self { cap, part: Vec::new(), seen: 0 }
    }

    /// Hands every line that `bytes` completes to `each`, in order.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Line)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..end]);
            each(self.complete());
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// How many bytes of an unfinished line have come.
    pub fn unfinished(&self) -> u64 {
        self.seen
    }

    /// The end of the stream: what came after the last line end, if anything.
    pub fn finish(&mut self) -> Option<Line> {
        let bytes = std::mem::take(&mut self.seen);
        self.part = Vec::new();
        (bytes > 0).then_some(Line::Torn { bytes })
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        // One byte of grace: a `\r` before the line end does not count.
        if self.seen > self.cap as u64 + 1 {
            self.part = Vec::new();
        } else {
            self.part.extend_from_slice(bytes);
        }
    }

    fn complete(&mut self) -> Line {
        let bytes = std::mem::take(&mut self.seen);
        let mut part = std::mem::take(&mut self.part);
        if part.last() == Some(&b'\r') {
            part.pop();
        }
        let whole = bytes <= self.cap as u64 + 1 && part.len() <= self.cap;
        if whole { Line::Whole(part) } else { Line::TooLong { bytes } }
    }
}

#[cfg(test)]
mod tests;

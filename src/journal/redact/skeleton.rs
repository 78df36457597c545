//! A text as a terminal or a decoder would join it: without escape sequences and line breaks.
//!
//! Owns the second look for secrets that colours or wrapped lines cut in pieces, raw or inside JSON strings.
//! It only drops; where each byte came from is kept. Start with [`Skeleton::of`].

use std::ops::Range;

/// Longest parameters of a control sequence, and longest control string, that are followed.
const LONGEST_CSI: usize = 40;
const LONGEST_STRING: usize = 512;
/// A longer pile of backslashes is text.
const MOST_BACKSLASHES: usize = 32;

/// What is left of a text, in order.
#[derive(Debug)]
pub(super) struct Skeleton {
    pub(super) bytes: Vec<u8>,
    /// Begin in the skeleton, begin in the text.
    pieces: Vec<(usize, usize)>,
    length: usize,
    /// Where an escape begins whose end has not come; the text's length where none does.
    pub(super) open: usize,
}

/// What to do with the bytes at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Keep(usize),
    Drop(usize),
    Open,
}

impl Skeleton {
    /// None where nothing would be dropped: then the text is its own skeleton.
    pub(super) fn of(text: &[u8], ended: bool) -> Option<Self> {
        let mut skeleton =
            Self { bytes: Vec::new(), pieces: Vec::new(), length: text.len(), open: text.len() };
        let (mut from, mut at, mut dropped) = (0, 0, false);
        while let Some(step) = text[at..].iter().position(|byte| begins_escape(*byte)) {
            at += step;
            match step_at(text, at) {
                Step::Keep(count) => at += count,
                Step::Drop(count) => {
                    skeleton.piece(text, from..at);
                    at += count;
                    from = at;
                    dropped = true;
                }
                Step::Open if ended => at += 1,
                Step::Open => {
                    skeleton.open = at;
                    dropped = true;
                    break;
                }
            }
            if at >= text.len() {
                break;
            }
        }
        let end = skeleton.open;
        skeleton.piece(text, from..end);
        dropped.then_some(skeleton)
    }

    fn piece(&mut self, text: &[u8], range: Range<usize>) {
        if !range.is_empty() {
            self.pieces.push((self.bytes.len(), range.start));
            self.bytes.extend_from_slice(&text[range]);
        }
    }

    /// Where a byte of the skeleton stands in the text; its end is the text's end.
    pub(super) fn original(&self, at: usize) -> usize {
        if at >= self.bytes.len() {
            return self.length;
        }
        let index = self.pieces.partition_point(|piece| piece.0 <= at) - 1;
        let (begin, original) = self.pieces[index];
        original + (at - begin)
    }

    /// From the first byte of a match to behind its last.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        self.original(range.start)..self.original(range.end.saturating_sub(1)) + 1
    }

    /// The bytes of a match in the text.
    pub(super) fn originals(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let index = self.pieces.partition_point(|piece| piece.0 <= at) - 1;
            let next = self.pieces.get(index + 1).map_or(self.bytes.len(), |piece| piece.0);
            let to = range.end.min(next);
            let from = self.original(at);
            out.push(from..from + (to - at));
            at = to;
        }
        out
    }

    /// The beginning of what was dropped around a place of the text, else the place itself.
    pub(super) fn token_start(&self, at: usize) -> usize {
        if at >= self.open {
            return at;
        }
        let Some(index) = self.pieces.partition_point(|piece| piece.1 <= at).checked_sub(1) else { return 0 };
        let (begin, original) = self.pieces[index];
        let next = self.pieces.get(index + 1).map_or(self.bytes.len(), |piece| piece.0);
        at.min(original + (next - begin))
    }
}

fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0x1b | b'\\' | 0xc2)
}

fn step_at(text: &[u8], at: usize) -> Step {
    match text[at] {
        b'\n' | b'\r' => Step::Drop(1),
        0x1b => escape(text, at, at + 1),
        0xc2 => match text.get(at + 1) {
            None => Step::Open,
            Some(0x9b) => csi(text, at, at + 2),
            Some(0x90 | 0x98 | 0x9d..=0x9f) => string(text, at, at + 2),
            Some(_) => Step::Keep(1),
        },
        _ => backslash(text, at),
    }
}

/// `\n`, `\r`, `\u001b...` at any depth of JSON inside JSON.
fn backslash(text: &[u8], at: usize) -> Step {
    let run = text[at..].iter().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    let rest = &text[at + run..];
    match rest.first() {
        None if run < MOST_BACKSLASHES => Step::Open,
        Some(b'n' | b'r') => Step::Drop(run + 1),
        Some(b'u') => {
            let unit = &rest[..rest.len().min(5)];
            let is = |spelling: &[u8]| unit.eq_ignore_ascii_case(spelling);
            let may_be = |spelling: &[u8]| unit.eq_ignore_ascii_case(&spelling[..unit.len()]);
            match () {
                () if is(b"u001b") => escape(text, at, at + run + 5),
                () if is(b"u009b") => csi(text, at, at + run + 5),
                () if unit.len() < 5 && (may_be(b"u001b") || may_be(b"u009b")) => Step::Open,
                () => Step::Keep(run),
            }
        }
        _ => Step::Keep(run),
    }
}

/// What an ESC began, `from` being behind it.
fn escape(text: &[u8], at: usize, from: usize) -> Step {
    match text.get(from) {
        None => Step::Open,
        Some(b'[') => csi(text, at, from + 1),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => string(text, at, from + 1),
        Some(b' '..=b'/') => match text.get(from + 1) {
            None => Step::Open,
            Some(b'0'..=b'~') => Step::Drop(from + 2 - at),
            Some(_) => Step::Drop(from + 1 - at),
        },
        Some(b'\\') => Step::Drop(from - at),
        Some(b'0'..=b'~') => Step::Drop(from + 1 - at),
        Some(_) => Step::Drop(from - at),
    }
}

fn csi(text: &[u8], at: usize, from: usize) -> Step {
    let middle = text[from..].iter().take(LONGEST_CSI).take_while(|byte| matches!(byte, b' '..=b'?')).count();
    match text.get(from + middle) {
        None if middle < LONGEST_CSI => Step::Open,
        Some(b'\\') => Step::Drop(from + middle - at),
        Some(b'@'..=b'~') => Step::Drop(from + middle + 1 - at),
        _ => Step::Drop(from + middle - at),
    }
}

/// A control string up to its end; one that does not end, or meets another escape, is text.
fn string(text: &[u8], at: usize, from: usize) -> Step {
    let stop =
        text[from..].iter().take(LONGEST_STRING).position(|byte| matches!(byte, 0..0x20 | b'\\' | 0xc2));
    let Some(stop) = stop.map(|step| from + step) else {
        return if text.len() - from < LONGEST_STRING { Step::Open } else { Step::Drop(from - at) };
    };
    let rest = &text[stop..];
    let ends: [&[u8]; 6] = [b"\x07", b"\x1b\\", b"\xc2\x9c", b"\\u0007", b"\\u001b\\\\", b"\\u009c"];
    for end in ends {
        let common = rest.len().min(end.len());
        if rest[..common].eq_ignore_ascii_case(&end[..common]) {
            return if common == end.len() { Step::Drop(stop + common - at) } else { Step::Open };
        }
    }
    Step::Drop(from - at)
}

//! One failure recognised as the same: its text without what differs from try to try.
//!
//! Owns the normalisation (paths, numbers, hex ids, times, durations, addresses, temporary names) and the
//! hash of the first lines that say something. It does not know what was tried or how often: `lifecycle`
//! counts. Text is hostile: bounded, never panics. Start with [`Signature::of`] and [`Recurrence`].

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Lines that make a signature.
const LINES: usize = 12;
/// Bytes of a line that count.
const LINE_BYTES: usize = 400;
/// Bytes of a text that are looked at.
const TEXT_BYTES: usize = 64 << 10;

/// Sixteen hex digits: the same for failures that say the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signature(String);

/// A failure's signature, and how often earlier claims of the bead failed so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    pub signature: Signature,
    #[serde(default)]
    pub before: u32,
}

impl Signature {
    /// Of a failure by `source` (`agent`, `gate:test`) that said `text`.
    pub fn of(source: &str, text: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(source.as_bytes());
        let cut = (0..=text.len().min(TEXT_BYTES)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let lines = text[..cut].lines().map(normal).filter(|line| says_something(line)).take(LINES);
        for line in lines {
            hash.update(b"\n");
            hash.update(line.as_bytes());
        }
        let hex: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self(hex)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The line with every word replaced that may differ where nothing else does.
pub fn normal(line: &str) -> String {
    let cut = (0..=line.len().min(LINE_BYTES)).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
    let between = |c: char| c.is_whitespace() || "()[]{}<>'\"`,;=".contains(c);
    let mut out = String::new();
    for piece in line[..cut].split_inclusive(between) {
        let word = piece.trim_end_matches(between);
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&stand_in(word));
    }
    out
}

/// A word, or the kind of thing it is.
fn stand_in(word: &str) -> String {
    let bare = word.trim_end_matches([':', '.', '!', '?']);
    // Of a path the last name says what, the folders only where; a place in it differs with every edit.
    if bare.contains('/') && !bare.contains("://") {
        let last = bare.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
        return if bare.contains("/tmp") || bare.contains("/var/") {
            "<tmp>".to_owned()
        } else {
            without_numbers(last.split(':').next().unwrap_or(last))
        };
    }
    let hexish = bare.trim_start_matches("0x").replace('-', "");
    let digits = hexish.bytes().filter(u8::is_ascii_digit).count();
    if hexish.len() >= 7 && digits > 0 && hexish.bytes().all(|b| b.is_ascii_hexdigit()) {
        return "<id>".to_owned();
    }
    without_numbers(bare)
}

/// Runs of digits, with the signs between them that times and durations have, become one mark.
fn without_numbers(word: &str) -> String {
    let mut out = String::new();
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii_digit() {
            out.push(c);
            continue;
        }
        while let Some(next) = chars.peek() {
            if next.is_ascii_digit() || ".:-T+_".contains(*next) {
                chars.next();
            } else {
                break;
            }
        }
        out.push('#');
    }
    out
}

/// Rules of dashes, progress dots and bare numbers do not.
fn says_something(line: &str) -> bool {
    line.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

#[cfg(test)]
mod tests;

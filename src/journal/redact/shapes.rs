//! Secrets that show by their shape alone, whoever they belong to.
//!
//! Owns the few that are unmistakable: vendor prefixes with enough of the right characters behind, and the
//! bodies of private keys. The prefix stays readable, so that a person sees what was there. Start with
//! [`Shape::extent`].

use std::ops::Range;

/// A body of a private key is followed this far.
const LONGEST_BODY: usize = 16 << 10;
/// Below this many base64 characters in a row it is prose about keys.
const SHORTEST_BODY_RUN: usize = 40;

/// One kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A vendor's prefix, and how many characters of which kind must and may follow.
    Token {
        prefix: &'static [u8],
        kind: Kind,
        least: usize,
        most: usize,
    },
    PrivateKey,
}

/// Which characters a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    UpperDigit,
    Alnum,
    AlnumUnder,
    AlnumDash,
    AlnumDashUnder,
}

/// What follows a prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extent {
    No,
    /// It cannot be told yet, or may go on.
    Open,
    /// These bytes are the secret; the whole of the shape ends with the last of them.
    Secret(Vec<Range<usize>>),
}

const fn token(prefix: &'static str, kind: Kind, least: usize, most: usize) -> Shape {
    Shape::Token { prefix: prefix.as_bytes(), kind, least, most }
}

impl Shape {
    pub(super) const ALL: [Self; 17] = [
        Self::PrivateKey,
        token("sk-ant-", Kind::AlnumDashUnder, 16, 512),
        token("AKIA", Kind::UpperDigit, 16, 16),
        token("ASIA", Kind::UpperDigit, 16, 16),
        token("ghp_", Kind::Alnum, 36, 255),
        token("gho_", Kind::Alnum, 36, 255),
        token("ghu_", Kind::Alnum, 36, 255),
        token("ghs_", Kind::Alnum, 36, 255),
        token("ghr_", Kind::Alnum, 36, 255),
        token("github_pat_", Kind::AlnumUnder, 22, 255),
        token("xoxa-", Kind::AlnumDash, 10, 255),
        token("xoxb-", Kind::AlnumDash, 10, 255),
        token("xoxe-", Kind::AlnumDash, 10, 255),
        token("xoxp-", Kind::AlnumDash, 10, 255),
        token("xoxr-", Kind::AlnumDash, 10, 255),
        token("xoxs-", Kind::AlnumDash, 10, 255),
        token("xapp-", Kind::AlnumDash, 10, 255),
    ];

    pub(super) fn prefix(self) -> &'static [u8] {
        match self {
            Self::Token { prefix, .. } => prefix,
            Self::PrivateKey => b"-----BEGIN ",
        }
    }

    /// What stands behind the prefix that ends at `at`. Held back until it ends, so that a stream is never
    /// taken up again inside of one.
    pub(super) fn extent(self, text: &[u8], at: usize, ended: bool) -> Extent {
        match self {
            Self::Token { kind, least, most, .. } => {
                let run = text[at..].iter().take(most).take_while(|byte| kind.has(**byte)).count();
                if run < most && at + run == text.len() && !ended {
                    Extent::Open
                } else if run >= least {
                    Extent::Secret(std::iter::once(at..at + run).collect())
                } else {
                    Extent::No
                }
            }
            Self::PrivateKey => private_key(text, at, ended),
        }
    }
}

impl Kind {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::UpperDigit => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::AlnumUnder => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::AlnumDash => byte.is_ascii_alphanumeric() || byte == b'-',
            Self::AlnumDashUnder => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }
}

fn private_key(text: &[u8], at: usize, ended: bool) -> Extent {
    let title = text[at..].iter().take(64).take_while(|b| b.is_ascii_uppercase() || **b == b' ').count();
    let after = &text[at + title..];
    let dashes = after.iter().take(5).take_while(|byte| **byte == b'-').count();
    if dashes < 5 {
        let open = title < 64 && dashes == after.len() && !ended;
        return if open { Extent::Open } else { Extent::No };
    }
    if memchr::memmem::find(&text[at..at + title], b"PRIVATE KEY").is_none() {
        return Extent::No;
    }
    let from = at + title + 5;
    let most = text.len().min(from + LONGEST_BODY);
    let length = body(&text[from..most]);
    if from + length == text.len() && length < LONGEST_BODY && !ended {
        return Extent::Open;
    }
    let ranges = letters(text, from, from + length);
    let prose = ranges.iter().all(|range| range.len() < SHORTEST_BODY_RUN);
    if prose { Extent::No } else { Extent::Secret(ranges) }
}

/// Bytes that a key's body is made of: base64, its headers, white space and escapes; not five dashes.
fn body(text: &[u8]) -> usize {
    let mut dashes = 0;
    for (at, byte) in text.iter().enumerate() {
        dashes = if *byte == b'-' { dashes + 1 } else { 0 };
        let part = byte.is_ascii_alphanumeric()
            || byte.is_ascii_whitespace()
            || matches!(byte, b'+' | b'/' | b'=' | b'\\' | b':' | b',' | b'-');
        if !part {
            return at;
        }
        if dashes == 5 {
            return at - 4;
        }
    }
    text.len()
}

/// The base64 characters of a body; the letter of an escape like `\n` is none of them.
fn letters(text: &[u8], from: usize, to: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut escaped = false;
    for (at, byte) in text[from..to].iter().enumerate().map(|(step, byte)| (from + step, byte)) {
        let is_letter = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if is_letter && !(escaped && matches!(byte, b'n' | b'r' | b't')) {
            match ranges.last_mut() {
                Some(range) if range.end == at => range.end += 1,
                _ => ranges.push(at..at + 1),
            }
        }
        escaped = *byte == b'\\';
    }
    ranges
}

//! Untrusted text made fit for a terminal, a log or a comment (T34).
//!
//! Owns the one sanitiser: no control characters but tab and newline, no escape sequence (the whole of it,
//! not only its first byte), nothing that reorders or hides text. Colours are put back by those who print.
//! Start with [`clean`]; [`clean_line`] and [`ellipsis`] make one line of a bounded width.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A longer control string (OSC, DCS, ...) is taken for text that follows a stray introducer.
const MAX_CONTROL_STRING: usize = 4096;

/// The text without anything a terminal would act upon. Carriage returns become line ends.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\u{1b}' => after_escape(after),
            '\u{9b}' => after_csi(after),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => after_control_string(after),
            '\r' => {
                out.push('\n');
                after.strip_prefix('\n').unwrap_or(after)
            }
            '\u{2028}' | '\u{2029}' => {
                out.push('\n');
                after
            }
            _ => {
                if is_plain(c) {
                    out.push(c);
                }
                after
            }
        };
    }
    Cow::Owned(out)
}

/// Bytes of any kind as clean text.
pub fn clean_bytes(bytes: &[u8]) -> String {
    clean(&String::from_utf8_lossy(bytes)).into_owned()
}

/// Clean and on one line: runs of white space become one space.
pub fn clean_line(text: &str) -> String {
    let cleaned = clean(text);
    let mut out = String::with_capacity(cleaned.len());
    for word in cleaned.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// One clean line of at most `columns` columns; what is cut ends in `…`.
pub fn ellipsis(text: &str, columns: usize) -> String {
    let line = clean_line(text);
    if line.width() <= columns {
        return line;
    }
    let mut out = String::new();
    let mut used = 0;
    for c in line.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        used += width;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

fn is_plain(c: char) -> bool {
    match c {
        '\t' | '\n' => true,
        c if c.is_control() => false,
        // Marks, embeddings, overrides and isolates that reorder what a person reads.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        // Line and paragraph separators, byte order mark, interlinear notes, invisible tag letters.
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => false,
        _ => true,
    }
}

/// What follows the sequence that an ESC began.
fn after_escape(rest: &str) -> &str {
    let Some(c) = rest.chars().next() else { return rest };
    match c {
        '[' => after_csi(&rest[1..]),
        ']' | 'P' | 'X' | '^' | '_' => after_control_string(&rest[1..]),
        // Character sets and the like: intermediates, then one final.
        ' '..='/' => {
            let tail = rest.trim_start_matches(|c| matches!(c, ' '..='/'));
            tail.strip_prefix(|c| matches!(c, '0'..='~')).unwrap_or(tail)
        }
        '0'..='~' => &rest[1..],
        _ => rest,
    }
}

fn after_csi(rest: &str) -> &str {
    let tail = rest.trim_start_matches(|c| matches!(c, '0'..='?'));
    let tail = tail.trim_start_matches(|c| matches!(c, ' '..='/'));
    tail.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(tail)
}

/// Control strings end with BEL or ST. One that never ends, or runs over a line, hides nothing: only its
/// introducer goes, so that an unclosed one cannot swallow the rest of a log.
fn after_control_string(rest: &str) -> &str {
    for (at, c) in rest.char_indices().take_while(|(at, _)| *at < MAX_CONTROL_STRING) {
        match c {
            '\u{7}' | '\u{9c}' => return &rest[at + c.len_utf8()..],
            '\u{1b}' => return rest[at + 1..].strip_prefix('\\').unwrap_or(&rest[at..]),
            // No real one holds another control; giving up here also keeps a pile of introducers linear.
            c if c.is_control() => return rest,
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests;

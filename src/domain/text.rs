//! Text that came from somebody else, made fit to be read.
//!
//! Owns what happens to characters that are not seen but act: control bytes, terminal escapes, direction
//! marks (T19, T34). Everything else passes byte for byte. It knows neither terminals nor prompts. Start
//! with [`visible`].

/// Characters that act without being seen become `<U+202E>`; line ends, tabs and all else stay as they are.
///
/// The joiners U+200C and U+200D stay: Persian and emoji need them and they hide nothing by themselves.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let line_end = c == '\r' && chars.peek() == Some(&'\n');
        if acts_unseen(c) && !line_end {
            out.push_str(&format!("<U+{:04X}>", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// True for what a reader cannot see but a terminal, an editor or a model obeys.
pub fn acts_unseen(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}' => true,
        '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}' => true,
        // Tags: a whole invisible alphabet.
        '\u{E0000}'..='\u{E007F}' => true,
        _ => false,
    }
}

/// Program output as a person would have read it: escape sequences and lone control bytes are gone.
pub fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
                // A string sequence ends with BEL or ESC \; a line end ends it too, lest it swallow the rest.
                Some(']' | 'P' | '^' | '_' | 'X') => {
                    let end = chars.by_ref().find(|c| matches!(c, '\u{7}' | '\u{1b}' | '\n'));
                    match end {
                        Some('\n') => out.push('\n'),
                        Some('\u{1b}') => drop(chars.next_if_eq(&'\\')),
                        _ => {}
                    }
                }
                Some('(' | ')') => drop(chars.next()),
                _ => {}
            },
            '\r' if chars.peek() == Some(&'\n') => {}
            // A progress line that was drawn over: what follows is a line of its own.
            '\r' => out.push('\n'),
            c if acts_unseen(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// The beginning and the end of a text that is longer than both together, with a line between them that says so.
pub fn excerpt(text: &str, head: usize, tail: usize) -> String {
    if text.len() <= head + tail {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(head);
    let tail = text.ceil_char_boundary(text.len() - tail);
    format!("{}\n{}\n{}", &text[..head], gap(tail - head), &text[tail..])
}

/// The line that stands for so many bytes.
pub fn gap(bytes: usize) -> String {
    format!("{GAP}{bytes}{GAP_END}")
}

/// Whether a text is not whole: a line in it is the mark of [`excerpt`]. Who writes that line is believed.
pub fn is_excerpt(text: &str) -> bool {
    let is_mark = |line: &str| {
        let count = line.strip_prefix(GAP).and_then(|rest| rest.strip_suffix(GAP_END));
        count.is_some_and(|count| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.lines().any(is_mark)
}

const GAP: &str = "[... ";
const GAP_END: &str = " bytes left out ...]";

/// The first `bytes` of the text, cut between characters, with a note of what is missing.
pub fn clip(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    format!("{}\n[... {} more bytes left out]", &text[..end], text.len() - end)
}

/// The last `bytes` of the text, cut between lines where it can be, with a note of what is missing.
pub fn clip_front(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let cut = text.len() - bytes;
    let start = (cut..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    let start = text[start..].find('\n').map_or(start, |i| if i < bytes / 2 { start + i + 1 } else { start });
    format!("[... {start} bytes left out]\n{}", &text[start..])
}

/// One line of at most `chars` characters, for titles and lists.
pub fn one_line(text: &str, chars: usize) -> String {
    let flat = visible(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if flat.chars().count() <= chars {
        return flat;
    }
    let mut out: String = flat.chars().take(chars.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests;

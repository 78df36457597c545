//! Untrusted text cut into words and links.
//!
//! Owns which links a page may have: `http` and `https`, as they stand, and nothing that a browser would run or that
//! hides where it leads (T15, T39). Bounded. Start with [`pieces`].

use crate::domain::clean::clean;

/// Texts longer than this are cut; the tracker has the rest.
pub const LONGEST: usize = 64 << 10;
const LONGEST_LINK: usize = 2000;

/// A stretch of text; with `link` it is one, and shows where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub link: bool,
}

/// The text, cleaned, with its web addresses found.
pub fn pieces(text: &str) -> Vec<Piece> {
    let cleaned = clean(text);
    let (text, cut) = bounded(&cleaned);
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, url, after)) = next_link(rest) {
        push(&mut all, before, false);
        push(&mut all, url, true);
        rest = after;
    }
    push(&mut all, rest, false);
    if cut {
        push(&mut all, " … (cut here)", false);
    }
    all
}

fn bounded(text: &str) -> (&str, bool) {
    if text.len() <= LONGEST {
        return (text, false);
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    (&text[..end], true)
}

fn push(all: &mut Vec<Piece>, text: &str, link: bool) {
    if !text.is_empty() {
        all.push(Piece { text: text.to_owned(), link });
    }
}

/// What stands before the first address, the address, and what follows.
fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("http").map(|at| at + from) {
        let rest = &text[found..];
        let host = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://"));
        let begins_word = !text[..found].ends_with(|c: char| c.is_alphanumeric());
        let end = rest.find(|c: char| !allowed(c)).unwrap_or(rest.len());
        let url = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        // An `@` before the path would show one host and lead to another.
        let honest = host.is_some_and(|host| {
            let authority = host.split(['/', '?', '#']).next().unwrap_or_default();
            authority.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && !authority.contains('@')
        });
        if begins_word && honest && url.len() > 8 && url.len() <= LONGEST_LINK {
            return Some((&text[..found], url, &text[found + url.len()..]));
        }
        from = found + 4;
    }
    None
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

#[cfg(test)]
mod tests;

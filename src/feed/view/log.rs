//! A run's readable log as lines that a page can colour.
//!
//! Owns the reading of the marks that `journal::log` writes at the beginning of a line; whole lines only, so that a
//! reader who comes back with an offset misses and doubles nothing. Start with [`read`].

use serde::Serialize;

use crate::domain::clean::{clean, ellipsis};

/// So much of a log is read at once.
pub const CHUNK: usize = 192 << 10;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chunk {
    pub lines: Vec<Line>,
    /// Where these lines begin, in bytes.
    pub from: u64,
    /// Where the next read begins.
    pub next: u64,
    /// The log is shorter than what the reader had: it begins anew.
    pub anew: bool,
}

/// One line: its kind and its text without the mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub kind: Kind,
    pub text: String,
}

/// What a line is, by its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The agent's words.
    Says,
    Thinks,
    Command,
    Tool,
    /// A tool gave something back.
    Ok,
    Failed,
    Added,
    Removed,
    Trouble,
    Ours,
    End,
    Note,
}

impl Kind {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Says => "says",
            Self::Thinks => "thinks",
            Self::Command => "command",
            Self::Tool => "tool",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Trouble => "trouble",
            Self::Ours => "ours",
            Self::End => "end",
            Self::Note => "note",
        }
    }

    /// The mark as it is shown again, for eyes that see no colour.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Command => "$",
            Self::Tool => "›",
            Self::Failed | Self::Trouble => "!",
            Self::Added => "+",
            Self::Removed => "−",
            Self::Ours => "✉",
            Self::Thinks => "~",
            Self::Says | Self::Ok | Self::End | Self::Note => "",
        }
    }
}

/// Lines of the bytes that lie at `from`. An unfinished last line waits for the next read unless the log is `over`.
pub fn read(bytes: &[u8], from: u64, over: bool) -> Chunk {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map(|at| at + 1);
    // A line that fills a chunk would never be whole.
    let torn = if over || bytes.len() >= CHUNK { bytes.len() } else { 0 };
    let end = if over { torn } else { whole.unwrap_or(torn) };
    let text = String::from_utf8_lossy(&bytes[..end]);
    let mut says = false;
    let lines = text.lines().map(|line| one(line, &mut says)).collect();
    Chunk { lines, from, next: from + end as u64, anew: false }
}

/// The last thing that was said or done, in one line.
pub fn last_words(bytes: &[u8]) -> Option<String> {
    let lines = read(bytes, 0, true).lines;
    let telling = |line: &&Line| {
        matches!(line.kind, Kind::Says | Kind::Command | Kind::Tool | Kind::Trouble) && !line.text.is_empty()
    };
    let last = lines.iter().rfind(telling)?;
    let mark = last.kind.mark();
    let text = ellipsis(&last.text, 160);
    Some(if mark.is_empty() { text } else { format!("{mark} {text}") })
}

/// `says`: the line before was the agent's words, which go on indented.
fn one(line: &str, says: &mut bool) -> Line {
    let deep = line.trim_start_matches(' ');
    let indent = line.len() - deep.len();
    let marked = |mark: &str| deep.strip_prefix(mark).filter(|_| indent <= 2);
    let found = [
        ("» ", Kind::Says),
        ("~ ", Kind::Thinks),
        ("$ ", Kind::Command),
        ("> ", Kind::Tool),
        ("! ", Kind::Trouble),
        ("? ", Kind::Trouble),
        ("< ", Kind::Ours),
        ("= ", Kind::End),
        ("- ", Kind::Note),
    ];
    let found = found.into_iter().find_map(|(mark, kind)| {
        // Indented words of the agent are words, whatever they begin with.
        let free = indent == 0 || !*says || kind == Kind::Says;
        marked(mark).filter(|_| free).map(|rest| (kind, rest))
    });
    let result = || {
        let rest = line.strip_prefix("  ").filter(|_| !*says)?;
        let of = |word: &str| rest.strip_prefix(word).filter(|r| r.is_empty() || r.starts_with([':', ' ']));
        match (of("ok"), of("failed")) {
            (Some(rest), _) => Some((Kind::Ok, rest.trim_start_matches([':', ' ']))),
            (_, Some(rest)) => Some((Kind::Failed, rest.trim_start_matches([':', ' ']))),
            _ => None,
        }
    };
    let change = || {
        let rest = line.strip_prefix("    ").filter(|_| !*says)?;
        let added = rest.strip_prefix("+ ").map(|text| (Kind::Added, text));
        added.or_else(|| rest.strip_prefix("- ").map(|text| (Kind::Removed, text)))
    };
    let fenced = if *says { Kind::Says } else { Kind::Note };
    let (kind, text) = found.or_else(change).or_else(result).unwrap_or((fenced, line));
    *says = kind == Kind::Says;
    let text = match kind {
        Kind::Says if text.len() == line.len() => text.strip_prefix("  ").unwrap_or(text),
        _ => text,
    };
    Line { kind, text: clean(text).replace('\n', " ") }
}

#[cfg(test)]
mod tests;

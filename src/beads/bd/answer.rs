//! What `bd` said, made of two streams and an exit code that may lie.
//!
//! Owns both JSON shapes, the envelope, errors on either stream and the words by which a lock, a lost claim or an
//! unknown id are known. Pure: it starts nothing. Start with [`Answer::of`] and [`failure`].

use serde::Deserialize;
use serde_json::value::RawValue;

use super::program::Ran;

/// Standard output as JSON values, each on one line as a JSONL file would have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An array, or one object taken as one element.
    Values(Vec<String>),
    /// Nothing on standard output: nothing was updated, closed or found.
    Nothing,
    /// Text where JSON was asked for, such as `No updates specified`.
    Words(String),
    /// An error object, whatever the exit code says.
    Error(String),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Failed {
    error: String,
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Somebody holds the database: worth another try.
    Locked(String),
    Unknown(String),
    Claimed {
        by: String,
    },
    NotClaimable {
        status: String,
    },
    Other(String),
}

impl Answer {
    pub(crate) fn of(stdout: &str) -> Self {
        let text = stdout.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        let Ok(raw) = serde_json::from_str::<&RawValue>(text) else {
            return Self::Words(first_lines(text));
        };
        let raw = unwrapped(raw);
        if raw.get().starts_with('{') {
            if let Ok(failed) = serde_json::from_str::<Failed>(raw.get()) {
                return Self::Error(failed.error);
            }
            return Self::Values(vec![one_line(raw.get())]);
        }
        match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
            Ok(items) => Self::Values(items.into_iter().map(|item| one_line(item.get())).collect()),
            // A scalar; `null` is how Go prints an empty list it never made.
            Err(_) if raw.get() == "null" => Self::Values(Vec::new()),
            Err(_) => Self::Words(first_lines(text)),
        }
    }
}

/// An object with exactly `schema_version` and `data` wraps the answer (`BD_JSON_ENVELOPE`, planned for 2.0).
fn unwrapped(raw: &RawValue) -> &RawValue {
    let keys = serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(raw.get());
    let is_envelope = keys.is_ok_and(|keys| {
        keys.len() == 2 && keys.contains_key("data") && keys.contains_key("schema_version")
    });
    match serde_json::from_str::<Envelope<'_>>(raw.get()) {
        Ok(envelope) if is_envelope => envelope.data,
        _ => raw,
    }
}

/// Takes white space between tokens away; what is inside strings stays.
fn one_line(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
    out
}

/// What went wrong, from both streams. An answer is not asked for here: the caller found none it could use.
pub(crate) fn failure(ran: &Ran) -> Failure {
    let said = match Answer::of(&ran.stdout) {
        Answer::Error(text) | Answer::Words(text) => text,
        Answer::Nothing | Answer::Values(_) => String::new(),
    };
    let err = match Answer::of(&ran.stderr) {
        Answer::Error(text) | Answer::Words(text) => text,
        Answer::Nothing | Answer::Values(_) => String::new(),
    };
    classify(&[said, err].join("\n"))
}

fn classify(text: &str) -> Failure {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| tells(line)).collect();
    for line in &lines {
        if let Some((_, by)) = line.split_once("already claimed by ") {
            return Failure::Claimed { by: by.trim().to_owned() };
        }
        if let Some((_, status)) = line.split_once("not claimable: status ") {
            return Failure::NotClaimable { status: status.trim().to_owned() };
        }
    }
    let words = lines.join("; ");
    if lines.iter().any(|line| is_lock(line)) {
        return Failure::Locked(words);
    }
    let is_unknown = |line: &&str| line.contains("no issue found") || line.contains("no issues found");
    if lines.iter().any(is_unknown) {
        return Failure::Unknown(words);
    }
    Failure::Other(if words.is_empty() { "it said nothing".to_owned() } else { words })
}

/// Warnings and usage texts say nothing about why a call failed.
fn tells(line: &str) -> bool {
    let is_noise = ["warning:", "usage", "run 'bd ", "hint:", "flags:", "global flags:"];
    !line.is_empty() && !is_noise.iter().any(|noise| line.to_lowercase().starts_with(noise))
}

/// Words by which a held lock is known: SQLite's, Dolt's (1205 lock wait, 1213 deadlock) and `bd`'s own.
pub(crate) fn is_lock(line: &str) -> bool {
    let line = line.to_lowercase();
    let phrases = ["read only", "read-only", "readonly database", "error 1205", "error 1213", "lock timeout"];
    // A whole word: `blocked by open issues` is a guard, and no lock.
    let has_word = line.split(|c: char| !c.is_alphanumeric()).any(|word| word == "locked");
    has_word || phrases.iter().any(|phrase| line.contains(phrase))
}

/// Enough of a text to say what it was, free of control characters.
fn first_lines(text: &str) -> String {
    let lines = text
        .lines()
        .take(40)
        .map(|line| line.chars().filter(|c| !c.is_control()).take(400).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;

//! What the author of the work is told about a gate that did not pass.
//!
//! Owns the title, the bounded end of the output and the place in the code, where a line of the output names
//! one. It judges nothing. Start with [`finding`].

use crate::domain::finding::Finding;
use crate::domain::text::{clip_front, one_line};

/// Most of the output that a finding carries; the end, because runners sum up there.
const DETAIL_BYTES: usize = 8 << 10;

/// One finding of the gate `name`; `text` is its kept output without escapes, `hint` a sentence of ours.
pub fn finding(name: &str, why: &str, text: &str, hint: Option<&str>) -> Finding {
    let place = place(text);
    let mut detail = clip_front(text.trim_end(), DETAIL_BYTES);
    if let Some(hint) = hint {
        detail.push_str("\n\nHint: ");
        detail.push_str(hint);
    }
    Finding {
        source: format!("gate:{name}"),
        title: one_line(&format!("gate `{name}` {why}"), 200),
        detail: detail.trim_start_matches('\n').to_owned(),
        file: place.as_ref().map(|(file, _)| file.clone()),
        line: place.map(|(_, line)| line),
        ..Finding::default()
    }
}

/// The first place in the project's own code that the output names.
pub fn place(text: &str) -> Option<(String, u32)> {
    text.lines().find_map(|line| python(line).or_else(|| colons(line))).filter(|(_, line)| *line > 0)
}

/// `  File "/work/tests/test_a.py", line 12, in test_half`
fn python(line: &str) -> Option<(String, u32)> {
    let (path, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((own(path)?, rest[..digits].parse().ok()?))
}

/// `src/a.rs:3:5`, `a_test.go:12:`, `(src/a.test.js:3:5)`, `at Foo.bar(Foo.java:7)`, `Foo.cs:line 7`.
fn colons(line: &str) -> Option<(String, u32)> {
    let cut = |c: char| c.is_whitespace() || "()[]'\"`,".contains(c);
    line.chars().take(2000).collect::<String>().split(cut).find_map(|token| {
        let (path, rest) = token.trim_start_matches("file://").split_once(':')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let ended = rest[digits..].is_empty() || rest[digits..].starts_with(':');
        let number = rest[..digits].parse().ok().filter(|_| ended)?;
        let name = path.rsplit('/').next()?;
        let (stem, end) = name.rsplit_once('.')?;
        let source = !stem.is_empty()
            && (1..=6).contains(&end.len())
            && end.starts_with(|c: char| c.is_ascii_alphabetic())
            && end.bytes().all(|b| b.is_ascii_alphanumeric());
        source.then(|| own(path))?.map(|path| (path, number))
    })
}

/// The path in the project, or nothing where it lies outside: in an interpreter, a library, a system folder.
fn own(path: &str) -> Option<String> {
    let path = path.strip_prefix("/work/").unwrap_or(path).trim_start_matches("./");
    let foreign = path.starts_with(['/', '<', '~'])
        || ["node_modules/", "site-packages/", ".cargo/registry", "node:", ".."]
            .iter()
            .any(|part| path.contains(part));
    (!foreign && !path.is_empty() && path.len() <= 300).then(|| path.to_owned())
}

#[cfg(test)]
mod tests;

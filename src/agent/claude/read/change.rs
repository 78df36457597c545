//! What a file tool is about to do, as signed lines.
//!
//! Owns the reading of the inputs of `Edit`, `MultiEdit` and `Write`, and the bounds: a log shows the gist, the kept work has
//! the whole. The words are an agent's, to be cleaned by whoever shows them. Start with [`lines`].

use serde_json::Value;

/// Lines shown of one call, and columns of one line.
const MOST: usize = 60;
const COLUMNS: usize = 400;

/// Removed lines with `- `, added ones with `+ `; nothing for a tool that changes no file.
pub(super) fn lines(input: &Value) -> Vec<String> {
    let mut all = Vec::new();
    edit(input, &mut all);
    for one in input.get("edits").and_then(Value::as_array).into_iter().flatten() {
        edit(one, &mut all);
    }
    if input.get("file_path").is_some() {
        put("+", input.get("content"), &mut all);
    }
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    if more > 0 {
        all.push(format!("(and {more} more lines)"));
    }
    all
}

fn edit(input: &Value, all: &mut Vec<String>) {
    let text = |key| input.get(key).and_then(Value::as_str).unwrap_or_default();
    let (old, new): (Vec<&str>, Vec<&str>) =
        (text("old_string").lines().collect(), text("new_string").lines().collect());
    // What is the same at both ends was only named to find the place.
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut old.iter().zip(new.iter()));
    let tail = same(&mut old[head..].iter().rev().zip(new[head..].iter().rev()));
    let signed = |sign: &'static str, lines: &[&str]| {
        let shown = lines[head..lines.len() - tail].iter();
        shown.map(|line| row(sign, line)).collect::<Vec<_>>()
    };
    all.extend(signed("-", &old));
    all.extend(signed("+", &new));
}

fn put(sign: &str, text: Option<&Value>, all: &mut Vec<String>) {
    let text = text.and_then(Value::as_str).unwrap_or_default();
    all.extend(text.lines().map(|line| row(sign, line)));
}

fn row(sign: &str, line: &str) -> String {
    format!("{sign} {}", line.chars().take(COLUMNS).collect::<String>())
}

#[cfg(test)]
mod tests;

//! The two forms of a tracker line: classic `bd` (to 0.50) and 1.x.
//!
//! Owns what differs between them: `_type`, the derived counts, the kind of a comment's id, the metadata of an
//! edge, and times, which are written with `Z` because importers take the wall clock of other offsets for UTC.
//! A line that is in its form already keeps every byte, and unknown keys stay. Start with [`reshape`].

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use serde_json::Value;
use serde_json::value::RawValue;

use super::jsonl::record::Record;
use super::jsonl::text;
use crate::domain::bead::Bead;

/// How a tracker file spells its beads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `bd` to 0.50: numbers as ids of comments, tombstones, no `_type`.
    Classic,
    /// `bd` 1.x: `_type` first, counts last, text as ids of comments.
    Modern,
}

impl FromStr for Form {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "classic" => Ok(Self::Classic),
            "1.x" => Ok(Self::Modern),
            _ => Err("expected `classic` or `1.x`"),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic",
            Self::Modern => "1.x",
        })
    }
}

/// What only one form has, and what can be counted again.
pub(super) const DERIVED: [&str; 4] = ["dependency_count", "dependent_count", "comment_count", "parent"];

const TIMES: [&str; 11] = [
    "created_at",
    "updated_at",
    "started_at",
    "closed_at",
    "due_at",
    "defer_until",
    "compacted_at",
    "deleted_at",
    "lease_expires_at",
    "heartbeat_at",
    "last_activity",
];

/// The highest number a comment has, whichever way it is written.
pub(super) fn last_comment<'a>(beads: impl IntoIterator<Item = &'a Bead>) -> u64 {
    let number =
        |id: &Value| id.as_u64().or_else(|| id.as_str()?.parse().ok()).filter(|n| *n <= i64::MAX as u64);
    let comments = beads.into_iter().flat_map(|bead| &bead.comments);
    comments.filter_map(|comment| number(&comment.id)).max().unwrap_or_default()
}

/// The form of a line.
pub(super) fn of_line(line: &str) -> Form {
    match Record::parse(line) {
        Some(record) if record.get("_type").is_some() => Form::Modern,
        _ => Form::Classic,
    }
}

/// Gives a bead's record the form; `last_comment` is the highest number a comment has so far. The counts of
/// the 1.x form are the caller's to add.
pub(super) fn reshape(record: &mut Record<'_>, form: Form, last_comment: &mut u64) {
    for key in TIMES {
        zulu(record, key);
    }
    match form {
        Form::Classic => {
            record.remove("_type");
            for key in DERIVED {
                record.remove(key);
            }
        }
        Form::Modern => {
            if record.get("_type").is_none() {
                record.set("_type", "\"issue\"".to_owned());
            }
        }
    }
    each(record, "dependencies", |edge| {
        let changed = zulu(edge, "created_at");
        let lacks_metadata = form == Form::Modern && edge.get("metadata").is_none();
        if lacks_metadata {
            edge.set_last("metadata", "\"{}\"".to_owned());
        }
        changed || lacks_metadata
    });
    each(record, "comments", |comment| {
        let changed = zulu(comment, "created_at");
        comment_id(comment, form, last_comment) || changed
    });
}

/// A number where classic readers want one, text where 1.x writes text.
fn comment_id(comment: &mut Record<'_>, form: Form, last: &mut u64) -> bool {
    let old = comment.get("id").and_then(|id| serde_json::from_str::<Value>(id).ok());
    let new = match (form, old) {
        (Form::Classic, Some(Value::String(id))) => match id.parse::<u64>() {
            Ok(number) if number <= i64::MAX as u64 => number.to_string(),
            _ => {
                *last = last.saturating_add(1);
                last.to_string()
            }
        },
        (Form::Modern, Some(Value::Number(id))) => text::string(&id.to_string()),
        _ => return false,
    };
    comment.set("id", new);
    true
}

/// A time with another offset becomes the same moment with `Z`.
fn zulu(record: &mut Record<'_>, key: &str) -> bool {
    let old = record.get(key).and_then(|value| serde_json::from_str::<String>(value).ok());
    let Some(old) = old.filter(|old| !old.ends_with('Z')) else { return false };
    let Ok(at) = DateTime::parse_from_rfc3339(&old) else { return false };
    record.set(key, text::string(&text::time(at.to_utc())));
    true
}

/// Changes the objects of an array; the array keeps its text where nothing changed.
fn each(record: &mut Record<'_>, key: &str, mut change: impl FnMut(&mut Record<'_>) -> bool) {
    let Some(array) = record.get(key).map(str::to_owned) else { return };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(&array) else { return };
    let mut changed = false;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        match Record::parse(item.get()) {
            Some(mut item) => {
                changed |= change(&mut item);
                out.push(item.render());
            }
            None => out.push(item.get().to_owned()),
        }
    }
    if changed {
        record.set(key, format!("[{}]", out.join(",")));
    }
}

#[cfg(test)]
mod tests;

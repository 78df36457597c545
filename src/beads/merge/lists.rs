//! The lists of a bead that both sides changed: labels, edges, comments.
//!
//! Owns the union less what a side removed. Items keep their text; labels are sorted as `bd` sorts them, and
//! a comment whose number another comment has gets a new one, because importers refuse a number that comes
//! twice. Start with [`comments`].

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use serde_json::value::RawValue;

use super::Side;
use super::record::Moment;
use super::values::Values;
use crate::beads::jsonl::record::Record;
use crate::beads::jsonl::text;

/// All labels of both, less those that either removed.
pub(super) fn labels(values: Values<'_>) -> Option<String> {
    let read = |text: Option<&str>| -> Option<BTreeSet<String>> {
        text.map_or_else(|| Some(BTreeSet::new()), |text| serde_json::from_str(text).ok())
    };
    let (Some(ours), Some(theirs)) = (read(values.ours), read(values.theirs)) else {
        return values.ours.map(str::to_owned);
    };
    let base = read(values.base).unwrap_or_default();
    let removed = |label: &String| base.contains(label) && !(ours.contains(label) && theirs.contains(label));
    let all: Vec<String> = ours.union(&theirs).filter(|label| !removed(label)).cloned().collect();
    (!all.is_empty()).then(|| text::strings(&all))
}

/// All edges of both, less those that either removed. An edge that both have differently is the later side's.
pub(super) fn dependencies(values: Values<'_>, later: Side) -> Option<String> {
    let name = |item: &Value| {
        let part = |key: &str| item.get(key).cloned().unwrap_or_default();
        Some((part("issue_id").to_string(), part("depends_on_id").to_string(), part("type").to_string()))
    };
    union(values, later, name).map(|items| items.into_iter().map(|(_, text)| text).collect()).map(array)?
}

/// All comments of both, less those that either removed.
pub(super) fn comments(values: Values<'_>, later: Side, moment: &mut Moment) -> Option<String> {
    let name = |item: &Value| {
        let part = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some((part("author"), part("text"), part("created_at")))
    };
    let items = union(values, later, name)?;
    let mut numbers = HashSet::new();
    let mut out = Vec::with_capacity(items.len());
    for (value, text) in items {
        let is_twice = value.get("id").and_then(Value::as_u64).is_some_and(|id| !numbers.insert(id));
        match Record::parse(&text) {
            Some(mut record) if is_twice => {
                record.set("id", moment.next_comment().to_string());
                out.push(record.render());
            }
            _ => out.push(text),
        }
    }
    array(out)
}

fn array(items: Vec<String>) -> Option<String> {
    (!items.is_empty()).then(|| format!("[{}]", items.join(",")))
}

/// The items of both, ours first, each with its text; `None` where a side has no such list.
fn union<N: std::hash::Hash + Eq>(
    values: Values<'_>,
    later: Side,
    name: impl Fn(&Value) -> Option<N>,
) -> Option<Vec<(Value, String)>> {
    let read = |text: Option<&str>| -> Option<Vec<(N, Value, String)>> {
        let items: Vec<Box<RawValue>> = text.map_or_else(|| Ok(Vec::new()), serde_json::from_str).ok()?;
        let item = |raw: Box<RawValue>| {
            let value: Value = serde_json::from_str(raw.get()).ok()?;
            Some((name(&value)?, value, raw.get().to_owned()))
        };
        items.into_iter().map(item).collect()
    };
    let (ours, theirs) = (read(values.ours)?, read(values.theirs)?);
    let base = read(values.base).unwrap_or_default();
    let names = |items: &[(N, Value, String)], wanted: &N| items.iter().position(|(name, ..)| name == wanted);
    let removed = |name: &N| {
        names(&base, name).is_some() && (names(&ours, name).is_none() || names(&theirs, name).is_none())
    };
    let mut out = Vec::new();
    for (name, value, text) in &ours {
        if removed(name) {
            continue;
        }
        match names(&theirs, name).map(|at| &theirs[at]) {
            Some((_, value, text)) if later == Side::Theirs => out.push((value.clone(), text.clone())),
            _ => out.push((value.clone(), text.clone())),
        }
    }
    for (name, value, text) in &theirs {
        if names(&ours, name).is_none() && !removed(name) {
            out.push((value.clone(), text.clone()));
        }
    }
    Some(out)
}

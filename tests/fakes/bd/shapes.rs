//! What an issue looks like in each command's answer.

use serde_json::{Value, json};

use crate::Bd;
use crate::store::Turn;

pub fn now() -> String {
    let now = chrono::Utc::now();
    now.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

/// A moment as the version stores it: Dolt columns have whole seconds.
pub fn moment(bd: &Bd) -> String {
    let now = chrono::Utc::now();
    let form = if bd.is_classic() { chrono::SecondsFormat::Nanos } else { chrono::SecondsFormat::Secs };
    now.to_rfc3339_opts(form, true)
}

pub fn text<'a>(issue: &'a Value, key: &str) -> &'a str {
    issue[key].as_str().unwrap_or_default()
}

pub fn edges(issue: &Value) -> impl Iterator<Item = &Value> {
    issue["dependencies"].as_array().into_iter().flatten()
}

/// An issue with its labels, without edges and comments.
pub fn plain(issue: &Value) -> Value {
    let mut shown = issue.clone();
    let map = shown.as_object_mut().unwrap();
    for key in ["dependencies", "comments"] {
        map.remove(key);
    }
    map.retain(|_, value| !value.is_null() && *value != json!("") && *value != json!([]));
    shown
}

/// What comes back from `create`: labels only from 1.0.5 on.
pub fn created(bd: &Bd, issue: &Value) -> Value {
    let mut shown = plain(issue);
    if !bd.is("1.0.5") {
        shown.as_object_mut().unwrap().remove("labels");
    }
    shown
}

/// (issue, type of the edge) of those that point at it.
pub fn dependents<'a>(turn: &'a Turn, id: &'a str) -> impl Iterator<Item = (&'a Value, &'a str)> {
    turn.issues().values().flat_map(move |issue| {
        edges(issue)
            .filter(move |edge| edge["depends_on_id"] == id)
            .map(move |edge| (issue, text(edge, "type")))
    })
}

/// An element of `list` or `ready`.
pub fn listed(bd: &Bd, turn: &Turn, issue: &Value, is_ready: bool) -> Value {
    let mut shown = plain(issue);
    let id = text(issue, "id").to_owned();
    let has_edges = edges(issue).next().is_some();
    let counts = |kind: &str| bd.is_classic() || kind == "blocks";
    if has_edges && !bd.is("0.47.1") && !(bd.is_classic() && is_ready) {
        shown["dependencies"] = issue["dependencies"].clone();
    }
    if !(bd.is("0.47.1") && is_ready) {
        shown["dependency_count"] = json!(edges(issue).filter(|e| counts(text(e, "type"))).count());
        shown["dependent_count"] = json!(dependents(turn, &id).filter(|(_, kind)| counts(kind)).count());
    }
    if !bd.is("0.47.1") {
        shown["comment_count"] = json!(issue["comments"].as_array().map_or(0, Vec::len));
    }
    if !bd.is_classic()
        && let Some(parent) = edges(issue).find(|edge| edge["type"] == "parent-child")
    {
        shown["parent"] = parent["depends_on_id"].clone();
    }
    shown
}

/// An issue within another; classic ones leave its metadata out.
pub fn nested(bd: &Bd, issue: &Value, kind: &str) -> Value {
    let mut shown = plain(issue);
    if bd.is_classic() {
        shown.as_object_mut().unwrap().remove("metadata");
    }
    shown["dependency_type"] = json!(kind);
    shown
}

/// An element of `show`.
pub fn shown(bd: &Bd, turn: &Turn, issue: &Value) -> Value {
    let mut shown = plain(issue);
    let id = text(issue, "id").to_owned();
    let to: Vec<Value> = edges(issue)
        .filter_map(|edge| Some(nested(bd, turn.get(text(edge, "depends_on_id"))?, text(edge, "type"))))
        .collect();
    let count = to.len();
    if !to.is_empty() {
        shown["dependencies"] = json!(to);
    }
    let from: Vec<Value> = dependents(turn, &id).map(|(issue, kind)| nested(bd, issue, kind)).collect();
    let comments = issue["comments"].as_array().cloned().unwrap_or_default();
    if bd.is("1.0.5") {
        shown["dependent_count"] = json!(from.len());
        shown["dependency_count"] = json!(count);
        shown["comment_count"] = json!(comments.len());
    } else if bd.is("1.0.4") && issue["issue_type"] == "epic" {
        let children: Vec<_> = dependents(turn, &id).filter(|(_, kind)| *kind == "parent-child").collect();
        let closed = children.iter().filter(|(child, _)| child["status"] == "closed").count();
        shown["epic_total_children"] = json!(children.len());
        shown["epic_closed_children"] = json!(closed);
        shown["epic_closeable"] = json!(!children.is_empty() && closed == children.len());
    }
    let with_all = !bd.is("1.0.5");
    if (with_all || bd.args.has("include-dependents")) && !from.is_empty() {
        shown["dependents"] = json!(from);
    }
    if (with_all || bd.args.has("include-comments")) && !comments.is_empty() {
        shown["comments"] = json!(comments);
    }
    shown
}

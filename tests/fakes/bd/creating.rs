//! `create`, which loses an edge to an unknown id and still exits 0.

use serde_json::{Value, json};

use crate::shapes::{created, moment, now};
use crate::store::Turn;
use crate::{Bd, Said};

const TYPES: [&str; 6] = ["bug", "feature", "task", "epic", "chore", "event"];
const LATER_TYPES: [&str; 7] = ["decision", "message", "molecule", "gate", "spike", "story", "milestone"];

pub fn create(bd: &Bd, turn: &mut Turn) -> Said {
    let warning =
        if bd.is("0.49.6") { "warning: beads.role not configured. Run 'bd init' to set.\n" } else { "" };
    let fail = |why: &str| {
        if bd.is_classic() {
            return Said::text(1, "", &format!("{warning}Error: {why}\n"));
        }
        let said = bd.object(json!({ "error": why }));
        Said { code: 1, out: String::new(), err: said.out }
    };
    let args = &bd.args;
    let title = args.value("title").or(args.words.first().map(String::as_str)).unwrap_or_default().to_owned();
    if !bd.is_classic() && !args.has("title") && title.starts_with('-') {
        return fail(&format!("title {title:?} looks like a flag (starts with '-')."));
    }
    let kind = args.value("type").unwrap_or("task");
    let failed = if bd.is_classic() { "validation failed" } else { "validation failed for issue " };
    if title.is_empty() {
        return fail(&format!("{failed}: title is required"));
    }
    if title.len() > 500 {
        return fail(&format!("{failed}: title must be 500 characters or less"));
    }
    if !TYPES.contains(&kind) && (bd.is("0.49.6") || !LATER_TYPES.contains(&kind)) {
        return fail(&format!("{failed}: invalid issue type: {kind}"));
    }
    let Ok(priority) = args.value("priority").unwrap_or("2").trim_start_matches('P').parse::<i64>() else {
        return fail("invalid priority");
    };
    let id = match (args.value("id"), args.value("parent")) {
        // 1.0.x overwrites an existing one.
        (Some(id), _) if bd.is_classic() && turn.get(id).is_some() => {
            return fail(&format!("issue {id} already exists"));
        }
        (Some(id), _) => id.to_owned(),
        (None, Some(parent)) => match turn.resolve(parent) {
            Ok(parent) => child_of(turn, &parent),
            Err(why) => return fail(&format!("parent: {why}")),
        },
        (None, None) => fresh(turn),
    };
    let (echoed, stored) = (now(), moment(bd));
    let mut issue = json!({
        "id": id, "title": title, "description": args.value("description").unwrap_or_default(), "status": "open",
        "priority": priority, "issue_type": kind, "owner": "test@example.com", "created_at": stored,
        "created_by": bd.actor, "updated_at": stored,
    });
    for (flag, key) in [("acceptance", "acceptance_criteria"), ("notes", "notes"), ("assignee", "assignee")] {
        if let Some(value) = args.value(flag) {
            issue[key] = json!(value);
        }
    }
    if let Some(minutes) = args.value("estimate").and_then(|e| e.parse::<i64>().ok()) {
        issue["estimated_minutes"] = json!(minutes);
    }
    let mut labels = args.list("labels");
    labels.sort();
    labels.dedup();
    if !labels.is_empty() {
        issue["labels"] = json!(labels);
    }
    turn.put(issue);
    let mut err = warning.to_owned();
    if args.has("parent") {
        let parent = id.rsplit_once('.').unwrap().0.to_owned();
        add(bd, turn, &id, &parent, "parent-child", "{}");
    }
    for item in args.list("deps") {
        let (kind, target) = item.split_once(':').unwrap_or(("blocks", &item));
        match turn.resolve(target) {
            // From 1.0.4 on the named one waits for the new one.
            Ok(target) if item.starts_with("blocks:") && !bd.is_classic() => {
                add(bd, turn, &target, &id, "blocks", "{}")
            }
            Ok(target) => add(bd, turn, &id, &target, kind, "{}"),
            Err(_) => err
                .push_str(&format!("Warning: failed to add dependency {id} -> {target}: issue not found\n")),
        }
    }
    if let Some(target) = args.value("waits-for").and_then(|t| turn.resolve(t).ok()) {
        add(bd, turn, &id, &target, "waits-for", "{\"gate\":\"all-children\"}");
    }
    let mut shown = created(bd, turn.get(&id).unwrap());
    shown["created_at"] = json!(echoed);
    shown["updated_at"] = json!(echoed);
    Said { err, ..bd.object(shown) }
}

pub fn add(bd: &Bd, turn: &mut Turn, from: &str, to: &str, kind: &str, metadata: &str) {
    let mut edge = json!({
        "issue_id": from, "depends_on_id": to, "type": kind, "created_at": moment(bd), "created_by": bd.actor,
    });
    if !bd.is_classic() {
        edge["metadata"] = json!(metadata);
    }
    match turn.get_mut(from)["dependencies"].as_array_mut() {
        Some(edges) => edges.push(edge),
        None => turn.get_mut(from)["dependencies"] = json!([edge]),
    }
}

/// Three characters that look random and never repeat.
fn fresh(turn: &mut Turn) -> String {
    loop {
        let mut n = turn.next().wrapping_mul(20_011).wrapping_add(31_337) % 46_656;
        let mut hash = String::new();
        for _ in 0..3 {
            hash.push(char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::try_from(n % 36).unwrap()]));
            n /= 36;
        }
        let id = format!("orc-{hash}");
        if turn.get(&id).is_none() {
            return id;
        }
    }
}

fn child_of(turn: &Turn, parent: &str) -> String {
    let taken = |n: &u64| turn.get(&format!("{parent}.{n}")).is_none();
    let n: u64 = (1..).find(taken).unwrap();
    format!("{parent}.{n}")
}

/// An imported record, as far as the version keeps it.
pub fn kept(bd: &Bd, mut record: Value) -> Value {
    const KNOWN: [&str; 24] = [
        "id",
        "title",
        "description",
        "design",
        "acceptance_criteria",
        "notes",
        "status",
        "priority",
        "issue_type",
        "assignee",
        "owner",
        "estimated_minutes",
        "created_at",
        "created_by",
        "updated_at",
        "started_at",
        "closed_at",
        "close_reason",
        "defer_until",
        "metadata",
        "labels",
        "dependencies",
        "comments",
        "pinned",
    ];
    let map = record.as_object_mut().unwrap();
    map.retain(|key, value| {
        KNOWN.contains(&key.as_str()) && !(bd.is("0.47.1") && key == "metadata") && !value.is_null()
    });
    if !bd.is_classic() {
        for edge in map.get_mut("dependencies").and_then(Value::as_array_mut).into_iter().flatten() {
            edge["metadata"] = json!("{}");
        }
    }
    record
}

//! Commands that change beads.

use serde_json::{Value, json};

use crate::creating::add;
use crate::lists::blockers;
use crate::shapes::{dependents, edges, moment, plain, text};
use crate::store::{Store, Turn};
use crate::{Bd, Said};

const STATUSES: [&str; 7] = ["open", "in_progress", "blocked", "deferred", "closed", "pinned", "hooked"];

/// Why a claim is refused; each version has its own rules.
fn denied(bd: &Bd, issue: &Value) -> Option<String> {
    let who = text(issue, "assignee");
    let status = text(issue, "status");
    let prefix = if bd.is("0.47.1") { "" } else { "issue " };
    let is_own = who == bd.actor;
    if !who.is_empty() && (bd.is_classic() || !is_own) {
        return Some(format!("{prefix}already claimed by {who}"));
    }
    if bd.is("0.49.6") && status == "closed" {
        return Some("sqlite3: constraint failed: CHECK constraint failed".to_owned());
    }
    let is_repeated = is_own && status == "in_progress";
    (!bd.is_classic() && status != "open" && !is_repeated)
        .then(|| format!("issue not claimable: status {status}"))
}

pub fn take(bd: &Bd, turn: &mut Turn, id: &str) {
    let (actor, now) = (bd.actor.clone(), moment(bd));
    let issue = turn.get_mut(id);
    issue["assignee"] = json!(actor);
    issue["status"] = json!("in_progress");
    issue["updated_at"] = json!(now);
    if !bd.is_classic() && issue["started_at"].is_null() {
        issue["started_at"] = json!(now);
    }
}

/// 0.47.1 reads, decides, and writes some milliseconds later: of eight at once up to four win.
pub fn claim_in_two_steps(bd: &Bd, store: &Store) -> Said {
    let id = {
        let turn = match store.open(bd) {
            Ok(turn) => turn,
            Err(said) => return said,
        };
        let word = bd.args.words.first().map_or("", String::as_str);
        match turn.resolve(word) {
            Err(why) => return Said::text(0, "", &format!("Error resolving {word}: {why}\n")),
            Ok(id) => match denied(bd, turn.get(&id).unwrap()) {
                Some(why) => return Said::text(0, "", &format!("Error claiming {word}: {why}\n")),
                None => id,
            },
        }
    };
    std::thread::sleep(std::time::Duration::from_millis(8));
    let mut turn = match store.open(bd) {
        Ok(turn) => turn,
        Err(said) => return said,
    };
    take(bd, &mut turn, &id);
    store.save(&turn);
    crate::classic::flush(bd, store, &mut turn);
    Said::json(&json!([plain(turn.get(&id).unwrap())]))
}

pub fn update(bd: &Bd, turn: &mut Turn) -> Said {
    let args = &bd.args;
    let flags = [
        "status",
        "assignee",
        "claim",
        "add-label",
        "remove-label",
        "notes",
        "priority",
        "title",
        "type",
        "defer",
        "description",
        "metadata",
        "set-metadata",
        "unset-metadata",
    ];
    if !flags.iter().any(|flag| args.has(flag)) {
        return Said::text(0, "No updates specified\n", "");
    }
    let none = i32::from(!bd.is_classic());
    let bad = args.value("status").filter(|status| !STATUSES.contains(status));
    if let Some(status) = bad.filter(|_| !bd.is_classic()) {
        return bd.error(&format!("invalid status {status:?} (built-in: open, in_progress, blocked, …)"));
    }
    let (mut done, mut err) = (Vec::new(), String::new());
    for word in &args.words {
        let id = match turn.resolve(word) {
            Ok(id) => id,
            Err(why) => {
                err.push_str(&format!("Error resolving {word}: {why}\n"));
                continue;
            }
        };
        if args.has("claim") {
            if let Some(why) = denied(bd, turn.get(&id).unwrap()) {
                err.push_str(&format!("Error claiming {word}: {why}\n"));
                continue;
            }
            take(bd, turn, &id);
        }
        if let Some(status) = bad {
            err.push_str(&format!(
                "Error updating {word}: validate field update: invalid status: {status}\n"
            ));
            continue;
        }
        if let Err(why) = set(bd, turn.get_mut(&id)) {
            return bd.error(&why);
        }
        done.push(plain(turn.get(&id).unwrap()));
    }
    if done.is_empty() { Said::text(none, "", &err) } else { Said { err, ..Said::json(&json!(done)) } }
}

fn set(bd: &Bd, issue: &mut Value) -> Result<(), String> {
    let args = &bd.args;
    for (flag, key) in [
        ("assignee", "assignee"),
        ("notes", "notes"),
        ("title", "title"),
        ("description", "description"),
        ("type", "issue_type"),
    ] {
        if let Some(value) = args.value(flag) {
            issue[key] = json!(value);
        }
    }
    if let Some(status) = args.value("status") {
        issue["status"] = json!(status);
        if status == "in_progress" && !bd.is_classic() && issue["started_at"].is_null() {
            issue["started_at"] = json!(moment(bd));
        }
    }
    if let Some(date) = args.value("defer") {
        issue["defer_until"] = json!(format!("{date}T00:00:00Z"));
        if !bd.is_classic() {
            issue["status"] = json!("deferred");
        }
    }
    let mut labels: Vec<String> = issue["labels"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|l| l.as_str().map(str::to_owned))
        .collect();
    labels.extend(args.list("add-label"));
    let gone = args.list("remove-label");
    labels.retain(|label| !gone.contains(label));
    labels.sort();
    labels.dedup();
    issue["labels"] = json!(labels);
    metadata(bd, issue)?;
    issue["updated_at"] = json!(moment(bd));
    Ok(())
}

fn metadata(bd: &Bd, issue: &mut Value) -> Result<(), String> {
    let args = &bd.args;
    if let Some(given) = args.value("metadata") {
        let new: Value = serde_json::from_str(given).map_err(|_| "invalid JSON in --metadata".to_owned())?;
        match (issue["metadata"].as_object_mut(), new.as_object()) {
            (Some(old), Some(new)) if !bd.is_classic() => old.extend(new.clone()),
            _ => issue["metadata"] = new,
        }
    }
    for pair in args.list("set-metadata") {
        let (key, value) = pair.split_once('=').ok_or("invalid --set-metadata")?;
        if issue["metadata"].is_null() {
            issue["metadata"] = json!({});
        }
        issue["metadata"][key] = value.parse::<i64>().map_or_else(|_| json!(value), |n| json!(n));
    }
    for key in args.list("unset-metadata") {
        if let Some(map) = issue["metadata"].as_object_mut() {
            map.remove(&key);
        }
    }
    Ok(())
}

pub fn close(bd: &Bd, turn: &mut Turn) -> Said {
    let word = bd.args.words.first().map_or("", String::as_str);
    let id = match turn.resolve(word) {
        Ok(id) => id,
        Err(why) => return bd.error(&format!("resolving ID {word}: {why}")),
    };
    let refused = i32::from(!bd.is_classic());
    let issue = turn.get(&id).unwrap();
    let by = blockers(bd, turn, issue);
    if !by.is_empty() && issue["status"] != "closed" && !bd.args.has("force") {
        let by = by.join(" ");
        let why = format!("cannot close {id}: blocked by open issues [{by}] (use --force to override)\n");
        return Said::text(refused, "", &why);
    }
    let children =
        dependents(turn, &id).filter(|(c, kind)| *kind == "parent-child" && c["status"] != "closed").count();
    if !bd.is_classic() && issue["issue_type"] == "epic" && children > 0 && !bd.args.has("force") {
        let why = format!("cannot close epic {id}: {children} open child issue(s); close children first\n");
        return Said::text(1, "", &why);
    }
    let reason = bd.args.value("reason").filter(|r| !r.is_empty()).unwrap_or("Closed").to_owned();
    let now = moment(bd);
    // Closing a closed one exits 0 and replaces when and why.
    let issue = turn.get_mut(&id);
    issue["status"] = json!("closed");
    issue["closed_at"] = json!(now);
    issue["updated_at"] = json!(now);
    issue["close_reason"] = json!(reason);
    Said::json(&json!([plain(issue)]))
}

pub fn reopen(bd: &Bd, turn: &mut Turn) -> Said {
    let word = bd.args.words.first().map_or("", String::as_str);
    let id = match turn.resolve(word) {
        Ok(id) => id,
        Err(why) => return bd.error(&format!("resolving ID {word}: {why}")),
    };
    let now = moment(bd);
    let issue = turn.get_mut(&id);
    if issue["status"] == "open" && !bd.is_classic() {
        return Said::text(0, "", &format!("{id} is already open\n"));
    }
    issue["status"] = json!("open");
    issue["closed_at"] = Value::Null;
    issue["close_reason"] = Value::Null;
    issue["updated_at"] = json!(now);
    Said::json(&json!([plain(issue)]))
}

pub fn comment(bd: &Bd, turn: &mut Turn) -> Said {
    let [word, words] = bd.args.words.as_slice() else { return bd.error("usage: comments add ID TEXT") };
    let id = match turn.resolve(word) {
        Ok(id) => id,
        Err(why) => return bd.error(&format!("resolving issue ID {word}: {why}")),
    };
    let n = turn.next();
    let number = if bd.is_classic() { json!(n) } else { json!(format!("019ca97b-0000-7000-8000-{n:012}")) };
    let author = bd.args.value("author").unwrap_or(&bd.actor);
    let comment =
        json!({ "id": number, "issue_id": id, "author": author, "text": words, "created_at": moment(bd) });
    match turn.get_mut(&id)["comments"].as_array_mut() {
        Some(all) => all.push(comment.clone()),
        None => turn.get_mut(&id)["comments"] = json!([comment]),
    }
    bd.object(comment)
}

pub fn label(bd: &Bd, turn: &mut Turn) -> Said {
    let [word, label] = bd.args.words.as_slice() else { return bd.error("usage: label add ID LABEL") };
    let Ok(id) = turn.resolve(word) else {
        return Said::text(0, if bd.is_classic() { "" } else { "[]\n" }, "no issue found\n");
    };
    let issue = turn.get_mut(&id);
    let mut labels = issue["labels"].as_array().cloned().unwrap_or_default();
    labels.retain(|l| l != label);
    let is_add = bd.args.command == "label add";
    if is_add {
        labels.push(json!(label));
        labels.sort_by_key(ToString::to_string);
    }
    issue["labels"] = json!(labels);
    let status = if is_add { "added" } else { "removed" };
    Said::json(&json!([{ "issue_id": id, "label": label, "status": status }]))
}

pub fn dep_add(bd: &Bd, turn: &mut Turn) -> Said {
    let [from, to] = bd.args.words.as_slice() else { return bd.error("usage: dep add A B") };
    let kind = bd.args.value("type").unwrap_or("blocks").to_owned();
    let from = match turn.resolve(from) {
        Ok(id) => id,
        Err(why) => return bd.error(&format!("resolving issue ID {from}: {why}")),
    };
    let to = match turn.resolve(to) {
        Ok(id) => id,
        Err(why) => return bd.error(&format!("resolving dependency ID {to}: {why}")),
    };
    let pair: Vec<String> = edges(turn.get(&from).unwrap())
        .filter(|edge| edge["depends_on_id"] == to.as_str())
        .map(|edge| text(edge, "type").to_owned())
        .collect();
    if bd.is_classic() && pair.contains(&kind) {
        return bd.error(
            "failed to add dependency: sqlite3: constraint failed: UNIQUE constraint failed: dependencies",
        );
    }
    if bd.is_classic() && kind == "waits-for" {
        return bd.error("failed to add dependency: malformed JSON");
    }
    if !bd.is_classic() && !pair.is_empty() && !pair.contains(&kind) {
        return bd.error(&format!("dependency already exists with type {}", pair[0]));
    }
    if kind == "blocks" && (from == to || reaches(turn, &to, &from, 0)) {
        return bd.error(&if bd.is_classic() {
            format!("cannot add dependency: would create a cycle ({from} → {to} → ... → {from})")
        } else {
            "adding dependency would create a cycle".to_owned()
        });
    }
    let is_epic = |id: &str| turn.get(id).unwrap()["issue_type"] == "epic";
    if !bd.is_classic() && kind == "blocks" && is_epic(&from) != is_epic(&to) {
        return bd.error("epics can only block other epics, not tasks");
    }
    if pair.is_empty() || bd.is_classic() {
        add(bd, turn, &from, &to, &kind, "{}");
    }
    bd.object(json!({ "status": "added", "issue_id": from, "depends_on_id": to, "type": kind }))
}

fn reaches(turn: &Turn, from: &str, to: &str, depth: usize) -> bool {
    from == to
        || (depth < 100
            && edges(turn.get(from).unwrap()).filter(|edge| edge["type"] == "blocks").any(|edge| {
                turn.get(text(edge, "depends_on_id")).is_some()
                    && reaches(turn, text(edge, "depends_on_id"), to, depth + 1)
            }))
}

pub fn dep_remove(bd: &Bd, turn: &mut Turn) -> Said {
    let [from, to] = bd.args.words.as_slice() else { return bd.error("usage: dep remove A B") };
    let (Ok(from), Ok(to)) = (turn.resolve(from), turn.resolve(to)) else {
        return bd.error("no issue found");
    };
    if let Some(edges) = turn.get_mut(&from)["dependencies"].as_array_mut() {
        edges.retain(|edge| edge["depends_on_id"] != to.as_str());
    }
    bd.object(json!({ "status": "removed", "issue_id": from, "depends_on_id": to }))
}

pub fn delete(bd: &Bd, turn: &mut Turn) -> Said {
    let word = bd.args.words.first().map_or("", String::as_str);
    let id = match turn.resolve(word) {
        Ok(id) => id,
        Err(why) => return bd.error(&format!("resolving ID {word}: {why}")),
    };
    if !bd.args.has("force") {
        return Said::text(0, &format!("\n⚠️  DELETE PREVIEW\n\nIssue to delete:\n  {id}\n"), "");
    }
    turn.data["issues"].as_object_mut().unwrap().remove(&id);
    let mut removed = 0;
    for issue in turn.data["issues"].as_object_mut().unwrap().values_mut() {
        if let Some(edges) = issue["dependencies"].as_array_mut() {
            let before = edges.len();
            edges.retain(|edge| edge["depends_on_id"] != id.as_str());
            removed += before - edges.len();
        }
    }
    bd.object(json!({ "deleted": id, "dependencies_removed": removed, "references_updated": 0 }))
}

//! Commands that only read.

use serde_json::{Value, json};

use crate::shapes::{edges, listed, moment, nested, plain, shown, text};
use crate::store::Turn;
use crate::{Bd, Said};

pub fn show(bd: &Bd, turn: &Turn) -> Said {
    let (mut found, mut err) = (Vec::new(), String::new());
    for word in &bd.args.words {
        match turn.resolve(word) {
            Ok(id) => found.push(shown(bd, turn, turn.get(&id).unwrap())),
            Err(why) => err.push_str(&format!("Error fetching {word}: {why}\n")),
        }
    }
    if !found.is_empty() {
        return Said { err, ..Said::json(&json!(found)) };
    }
    if bd.is_classic() {
        return Said::text(0, "", &err);
    }
    Said { err, ..bd.error("no issues found matching the provided IDs") }
}

pub fn list(bd: &Bd, turn: &Turn) -> Said {
    let args = &bd.args;
    let mut issues: Vec<&Value> = turn
        .issues()
        .values()
        .filter(|issue| match args.value("status") {
            Some(status) => issue["status"] == status,
            None => args.has("all") || issue["status"] != "closed",
        })
        .filter(|issue| issue["issue_type"] != "gate" || args.has("include-gates"))
        .filter(|issue| args.has("all") || bd.is_classic() || issue["pinned"] != true)
        .collect();
    issues.sort_by_key(|issue| (issue["priority"].as_i64(), text(issue, "id").to_owned()));
    limit(bd, &mut issues, 50);
    Said::json(&json!(issues.iter().map(|issue| listed(bd, turn, issue, false)).collect::<Vec<_>>()))
}

fn limit(bd: &Bd, issues: &mut Vec<&Value>, default: usize) -> usize {
    let all = issues.len();
    match bd.args.value("limit").map_or(default, |n| n.parse().unwrap_or(default)) {
        0 => {}
        n => issues.truncate(n),
    }
    all
}

pub fn ready(bd: &Bd, turn: &mut Turn) -> Said {
    let args = &bd.args;
    let labels = args.list("label");
    let mut issues: Vec<&Value> = turn
        .issues()
        .values()
        .filter(|issue| is_ready(bd, turn, issue))
        .filter(|issue| !args.has("unassigned") || text(issue, "assignee").is_empty())
        .filter(|issue| {
            labels.iter().all(|label| issue["labels"].as_array().is_some_and(|l| l.contains(&json!(label))))
        })
        .collect();
    issues.sort_by_key(|issue| (issue["priority"].as_i64(), text(issue, "created_at").to_owned()));
    if args.has("claim") {
        let Some(id) = issues.first().map(|issue| text(issue, "id").to_owned()) else {
            return Said::json(&json!([]));
        };
        crate::changes::take(bd, turn, &id);
        let taken = listed(bd, turn, turn.get(&id).unwrap(), true);
        return Said::json(&json!([taken]));
    }
    let all = limit(bd, &mut issues, if bd.is_classic() { 10 } else { 100 });
    let err = if !bd.is_classic() && all > issues.len() {
        format!(
            "Showing {} of {all} ready issues. Use --limit 0 for all, or --limit N to raise the cap.\n",
            issues.len()
        )
    } else {
        String::new()
    };
    let shown: Vec<Value> = issues.iter().map(|issue| listed(bd, turn, issue, true)).collect();
    Said { err, ..Said::json(&json!(shown)) }
}

fn is_ready(bd: &Bd, turn: &Turn, issue: &Value) -> bool {
    let is_open = issue["status"] == "open" || (bd.is("0.47.1") && issue["status"] == "in_progress");
    let is_hidden = issue["pinned"] == true || issue["ephemeral"] == true || issue["issue_type"] == "gate";
    let now = moment(bd);
    let deferred = |issue: &Value| text(issue, "defer_until") > now.as_str();
    let parent = || {
        edges(issue).find(|e| e["type"] == "parent-child").and_then(|e| turn.get(text(e, "depends_on_id")))
    };
    let by_parent = !bd.is_classic() && parent().is_some_and(deferred);
    is_open && !is_hidden && !deferred(issue) && !by_parent && !is_blocked(bd, turn, issue, 0)
}

fn is_blocked(bd: &Bd, turn: &Turn, issue: &Value, depth: usize) -> bool {
    !blockers(bd, turn, issue).is_empty()
        || (depth < 50
            && edges(issue)
                .filter(|edge| edge["type"] == "parent-child")
                .filter_map(|edge| turn.get(text(edge, "depends_on_id")))
                .any(|parent| is_blocked(bd, turn, parent, depth + 1)))
}

/// Open targets of edges that block.
pub fn blockers(bd: &Bd, turn: &Turn, issue: &Value) -> Vec<String> {
    let holds = |status: &str| {
        if bd.is_classic() {
            matches!(status, "open" | "in_progress" | "blocked" | "deferred" | "hooked")
        } else {
            !matches!(status, "closed" | "pinned")
        }
    };
    edges(issue)
        .filter(|edge| matches!(text(edge, "type"), "blocks" | "conditional-blocks"))
        .filter_map(|edge| turn.get(text(edge, "depends_on_id")))
        .filter(|target| holds(text(target, "status")))
        .map(|target| text(target, "id").to_owned())
        .collect()
}

pub fn blocked(bd: &Bd, turn: &Turn) -> Said {
    let found = turn.issues().values().filter(|issue| issue["status"] != "closed").filter_map(|issue| {
        let by = blockers(bd, turn, issue);
        let inherited = !bd.is_classic() && by.is_empty() && is_blocked(bd, turn, issue, 0);
        if by.is_empty() && !inherited {
            return None;
        }
        let mut shown = plain(issue);
        if bd.is_classic() {
            shown.as_object_mut().unwrap().remove("owner");
        }
        shown["blocked_by_count"] = json!(by.len());
        shown["blocked_by"] = json!(by);
        Some(shown)
    });
    Said::json(&json!(found.collect::<Vec<_>>()))
}

pub fn comments(bd: &Bd, turn: &Turn) -> Said {
    match turn.resolve(bd.args.words.first().map_or("", String::as_str)) {
        Ok(id) => {
            Said::json(&json!(turn.get(&id).unwrap()["comments"].as_array().cloned().unwrap_or_default()))
        }
        Err(why) => bd.error(&format!("resolving issue ID: {why}")),
    }
}

pub fn labels(bd: &Bd, turn: &Turn) -> Said {
    match turn.resolve(bd.args.words.first().map_or("", String::as_str)) {
        Ok(id) => {
            Said::json(&json!(turn.get(&id).unwrap()["labels"].as_array().cloned().unwrap_or_default()))
        }
        Err(why) => bd.error(&format!("resolving issue ID: {why}")),
    }
}

pub fn dep_list(bd: &Bd, turn: &Turn) -> Said {
    match turn.resolve(bd.args.words.first().map_or("", String::as_str)) {
        Ok(id) => {
            let issue = turn.get(&id).unwrap();
            let to = edges(issue).filter_map(|edge| {
                Some(nested(bd, turn.get(text(edge, "depends_on_id"))?, text(edge, "type")))
            });
            Said::json(&json!(to.collect::<Vec<_>>()))
        }
        Err(why) => bd.error(&format!("resolving issue ID: {why}")),
    }
}

pub fn stats(bd: &Bd, turn: &Turn) -> Said {
    let count = |status: &str| turn.issues().values().filter(|issue| issue["status"] == status).count();
    let mut summary = json!({
        "total_issues": turn.issues().len(), "open_issues": count("open"), "in_progress_issues": count("in_progress"),
        "closed_issues": count("closed"), "blocked_issues": 0, "deferred_issues": count("deferred"), "ready_issues": 0,
        "pinned_issues": 0, "epics_eligible_for_closure": 0, "average_lead_time_hours": 0,
    });
    if bd.is_classic() {
        summary["tombstone_issues"] = json!(0);
    }
    let mut all = json!({ "summary": summary });
    if bd.is("0.47.1") {
        all["recent_activity"] = json!({ "hours_tracked": 24, "commit_count": 0, "issues_created": 0,
            "issues_closed": 0, "issues_updated": 0, "issues_reopened": 0, "total_changes": 0 });
    }
    bd.object(all)
}

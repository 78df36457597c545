//! The file between clones: export, import, and what classic versions do with a file that was edited outside.

use serde_json::{Value, json};

use crate::creating::kept;
use crate::shapes::listed;
use crate::store::{Store, Turn};
use crate::{Bd, Said};

fn lines(turn: &Turn, bd: &Bd) -> String {
    let line = |issue: &Value| {
        let mut issue = issue.clone();
        if bd.is("0.47.1") {
            // Its flush writes no comments.
            issue.as_object_mut().unwrap().remove("comments");
        }
        issue.as_object_mut().unwrap().retain(|_, v| !v.is_null() && *v != json!("") && *v != json!([]));
        issue.to_string()
    };
    turn.issues().values().map(|issue| line(issue) + "\n").collect()
}

/// Written whole; what only the file had is lost, as it is with the real ones after an outside edit.
pub fn flush(bd: &Bd, store: &Store, turn: &mut Turn) {
    let text = lines(turn, bd);
    let temporary = store.dir.join(format!("issues.jsonl.tmp.{}", std::process::id()));
    std::fs::write(&temporary, &text).unwrap();
    std::fs::rename(&temporary, store.jsonl()).unwrap();
    turn.data["file"] = json!(text);
    store.save(turn);
}

fn file(store: &Store) -> Option<String> {
    std::fs::read(store.jsonl()).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A database that never imported ignores the file.
fn is_stale(store: &Store, turn: &Turn) -> bool {
    let known = turn.data["file"].as_str();
    known.is_some() && file(store).is_some_and(|now| Some(now.as_str()) != known)
}

/// Reading commands of 0.49.6 refuse a database that is behind its file.
pub fn refuse_stale(bd: &Bd, store: &Store) -> Option<Said> {
    let is_read = matches!(bd.args.command.as_str(), "list" | "ready" | "show" | "blocked" | "stats");
    if !bd.is("0.49.6") || !is_read || bd.args.has("allow-stale") {
        return None;
    }
    let turn = store.open(bd).ok()?;
    is_stale(store, &turn)
        .then(|| bd.error("Database out of sync with JSONL. Run 'bd sync --import-only' to fix."))
}

/// Those of 0.47.1 warn and answer from the old one.
pub fn warning(store: &Store, turn: &Turn) -> String {
    if is_stale(store, turn) {
        "Warning: Database out of sync with JSONL\n".to_owned()
    } else {
        String::new()
    }
}

/// Writing commands import a changed file; where that fails they go on.
pub fn auto_import(turn: &mut Turn, store: &Store) {
    if let Some(text) = file(store).filter(|_| is_stale(store, turn)) {
        let _ = take_in(turn, &text, None);
    }
}

fn take_in(turn: &mut Turn, text: &str, bd: Option<&Bd>) -> Result<(usize, usize), String> {
    let mut records = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)) {
            return Err("git conflict markers detected in JSONL file".to_owned());
        }
        let record: Value =
            serde_json::from_str(line).map_err(|e| format!("parsing line {}: {e}", at + 1))?;
        records.push(record);
    }
    let (mut made, mut changed) = (0, 0);
    for record in records {
        let record = bd.map_or(record.clone(), |bd| kept(bd, record));
        let id = text_of(&record, "id");
        match turn.get(&id) {
            None => {
                made += 1;
                turn.put(record);
            }
            // Only what is strictly newer, and not all of it.
            Some(old) if text_of(&record, "updated_at") > text_of(old, "updated_at") => {
                changed += 1;
                let mut new = old.clone();
                for key in [
                    "title",
                    "description",
                    "status",
                    "priority",
                    "issue_type",
                    "notes",
                    "assignee",
                    "closed_at",
                ] {
                    new[key] = record[key].clone();
                }
                turn.put(new);
            }
            Some(_) => {}
        }
    }
    Ok((made, changed))
}

fn text_of(record: &Value, key: &str) -> String {
    record[key].as_str().unwrap_or_default().to_owned()
}

pub fn export(bd: &Bd, turn: &Turn) -> Said {
    let err = "Warning: failed to clear dirty issues: sqlite3: attempt to write a readonly database\n";
    if bd.is_classic() {
        return Said::text(0, &lines(turn, bd), if bd.is("0.47.1") { err } else { "" });
    }
    let line = |issue: &Value| {
        let mut shown = listed(bd, turn, issue, false);
        shown["_type"] = json!("issue");
        shown.to_string() + "\n"
    };
    Said::text(0, &turn.issues().values().map(line).collect::<String>(), "")
}

pub fn import(bd: &Bd, turn: &mut Turn) -> Said {
    let name = bd.args.value("input").map(str::to_owned).or_else(|| bd.args.words.first().cloned());
    let Some(text) = name.as_ref().and_then(|name| std::fs::read_to_string(name).ok()) else {
        return Said::text(1, "", "Error: no such file\n");
    };
    let ids: Vec<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|record| text_of(&record, "id"))
        .collect();
    match take_in(turn, &text, Some(bd)) {
        Err(why) => Said::text(1, "", &format!("Error: {why}\n")),
        Ok((made, changed)) if bd.is_classic() => {
            Said::text(0, "", &format!("Import complete: {made} created, {changed} updated\n"))
        }
        Ok((made, changed)) => {
            bd.object(json!({ "created": made + changed, "ids": ids, "skipped": 0, "source": name }))
        }
    }
}

pub fn sync(bd: &Bd, turn: &mut Turn, store: &Store) -> Said {
    if bd.args.has("flush-only") {
        return Said::text(0, "", "");
    }
    if !bd.args.has("import-only") {
        if bd.is("0.47.1") {
            // It exports without these dates and then reads its own export in again.
            for issue in turn.data["issues"].as_object_mut().unwrap().values_mut() {
                issue.as_object_mut().unwrap().remove("defer_until");
            }
        }
        return Said::text(0, "Exporting beads to JSONL...\n", "");
    }
    let text = file(store).unwrap_or_default();
    match take_in(turn, &text, Some(bd)) {
        Err(why) => {
            // The run ends here: nothing is flushed over a file that could not be read.
            eprintln!("Error: import failed: {why}");
            std::process::exit(1);
        }
        Ok((made, changed)) => {
            turn.data["file"] = json!(text);
            let err = format!("Import complete: {made} created, {changed} updated, 0 unchanged\n");
            Said::text(0, "→ Importing from JSONL...\n✓ Import complete\n", &err)
        }
    }
}

//! What `bd` holds, as a snapshot: all beads with raw edges, comments of the one that is looked at closely.
//!
//! Owns which commands read (`list`, `show`, `ready`), what a version leaves out of them, and the import that a
//! classic database needs after its file was edited outside. It changes no bead. Start with [`BdTracker::list`].

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::asking::{Question, named};
use super::version::Store;
use super::{BdError, BdTracker};
use crate::beads::jsonl::record::Record;
use crate::beads::jsonl::text;
use crate::beads::{Snapshot, TrackerError};
use crate::domain::bead::Status;
use crate::domain::ids::BeadId;

/// Ids in one `show`.
const AT_ONCE: usize = 100;

/// A file as it stood: device, inode, bytes, and when it changed to the nanosecond.
pub(crate) type Stamp = (u64, u64, u64, i64, i64);

/// What an import makes way for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Reading,
    Writing,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    id: String,
    #[serde(default)]
    dependency_type: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    dependency_count: u64,
}

impl BdTracker {
    /// All beads; of `close` also its comments, which lists leave out.
    pub(crate) async fn list(&self, close: Option<&BeadId>) -> Result<Snapshot, TrackerError> {
        let mut question =
            Question::new("list", "beadwork").flag("all").set("limit", "0").flag("include-gates");
        question = question.flag("include-templates");
        if self.dialect.store == Store::Dolt {
            question = question.flag("include-infra");
        }
        let mut lines = self.must(&question).await?;
        self.add_edges(&mut lines).await?;
        if let Some(id) = close
            && let Some(line) = lines.iter_mut().find(|line| named(line) == id.as_str())
            && let Some(seen) = self.find(id).await?
        {
            add_comments(line, &seen.text);
        }
        let is_empty = lines.is_empty();
        let mut bytes = lines.join("\n").into_bytes();
        bytes.push(b'\n');
        let mut snapshot = Snapshot::read(bytes).counted_by_its_tracker();
        snapshot.notes = self.notes.clone();
        if is_empty {
            snapshot.notes.extend(self.unread_export());
        }
        snapshot.notes.extend(self.sleepers(&snapshot));
        Ok(snapshot)
    }

    /// The ids of `bd ready`, unlimited. None where asking would change beads: from 1.2.1 on it opens deferred ones
    /// whose date has passed.
    pub(crate) async fn listed_as_ready(
        &self,
        snapshot: &Snapshot,
    ) -> Result<Option<Vec<BeadId>>, TrackerError> {
        if self.sleepers(snapshot).is_some() {
            return Ok(None);
        }
        let question = Question::new("ready", "beadwork").set("sort", "priority").set("limit", "0");
        let values = self.must(&question).await?;
        let ids = values.iter().map(|value| BeadId::new(named(value)));
        // Up to 0.49.3 the list has beads in progress too: somebody works on those.
        let is_open = |id: &BeadId| snapshot.get(id).is_some_and(|bead| bead.status == Status::Open);
        Ok(Some(ids.filter(is_open).collect()))
    }

    /// Deferred beads that this `bd` would open by a mere look at what is ready.
    fn sleepers(&self, snapshot: &Snapshot) -> Option<String> {
        if !self.dialect.ready_wakes {
            return None;
        }
        let now = self.clock.now();
        let due = snapshot
            .beads
            .iter()
            .filter(|bead| bead.status == Status::Deferred && bead.defer_until.is_some_and(|t| t <= now));
        let names: Vec<_> = due.map(|bead| format!("`{}`", bead.id)).collect();
        let all = names.join(", ");
        (!names.is_empty()).then(|| {
            format!("deferred until a moment that has passed: {all}; `bd ready` would open them, so only our own rules were asked")
        })
    }

    /// Dolt: a file that was never read in looks like an empty tracker until the first write.
    fn unread_export(&self) -> Option<String> {
        let file = self.dir.join("issues.jsonl");
        let has_lines = std::fs::metadata(&file).is_ok_and(|meta| meta.len() > 1);
        (self.dialect.store == Store::Dolt && has_lines).then(|| {
            "`bd` lists no bead, but `issues.jsonl` is not empty: it reads that file in at its first write; \
             run `bd import` or `bd bootstrap` first"
                .to_owned()
        })
    }

    /// Lists of 0.47 count edges but leave them out; `show` has them.
    async fn add_edges(&self, lines: &mut [String]) -> Result<(), TrackerError> {
        let lacking = |line: &String| {
            let counted = serde_json::from_str::<Counted>(line).is_ok_and(|c| c.dependency_count > 0);
            counted && Record::parse(line).is_some_and(|record| record.get("dependencies").is_none())
        };
        let ids: Vec<String> = lines.iter().filter(|line| lacking(line)).map(|line| named(line)).collect();
        let mut edges: HashMap<String, String> = HashMap::new();
        for some in ids.chunks(AT_ONCE) {
            let mut question = Question::new("show", "beadwork");
            for id in some {
                question = question.about(id);
            }
            for value in self.must(&question).await? {
                let id = named(&value);
                let raw = with_raw_edges(&value, &BeadId::new(id.as_str()));
                let found = Record::parse(&raw).and_then(|r| r.get("dependencies").map(str::to_owned));
                edges.extend(found.map(|found| (id, found)));
            }
        }
        for line in lines {
            if let Some(found) = edges.get(&named(line))
                && let Some(mut record) = Record::parse(line)
            {
                record.set("dependencies", found.clone());
                *line = record.render();
            }
        }
        Ok(())
    }

    /// Has classic `bd` import its file where that changed since we looked last: reading commands never do, and a
    /// writing one would go on over what it cannot read and then rewrite the file without it.
    pub(crate) async fn freshen(&self, before: Before) -> Result<(), TrackerError> {
        let Some(file) = self.file.as_deref() else { return Ok(()) };
        let stamp = stamp(file);
        if stamp.is_none() || stamp == *self.imported.lock().expect("no holder of this lock panics") {
            return Ok(());
        }
        if before == Before::Writing {
            check_whole(file)?;
        }
        let question = Question::new("sync", "beadwork").flag("import-only");
        let ran = self.run(&question).await?;
        if ran.code == 0 {
            // As it was before: a change that came meanwhile is imported the next time.
            *self.imported.lock().expect("no holder of this lock panics") = stamp;
            return Ok(());
        }
        // A line over 64 KiB stops this import and no other; what `bd` itself then says of the file stands.
        check_whole(file)
    }
}

/// Whether everything in the file is a bead, so that a rewrite by `bd` loses none.
fn check_whole(file: &Path) -> Result<(), TrackerError> {
    let failed = |source| TrackerError::Io { doing: "read", path: file.to_path_buf(), source };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    match Snapshot::read(bytes).problems.first() {
        None => Ok(()),
        Some(problem) => {
            Err(BdError::BrokenFile { path: file.to_path_buf(), flaw: problem.to_string() }.into())
        }
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// `show` spells the other bead out where a file has an edge; this makes the edges of it again.
pub(crate) fn with_raw_edges(value: &str, id: &BeadId) -> String {
    let Some(mut record) = Record::parse(value) else { return value.to_owned() };
    record.remove("dependents");
    let Some(old) = record.get("dependencies") else { return record.render() };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(old) else { return record.render() };
    let edges: Vec<String> = items.iter().map(|item| raw_edge(item.get(), id)).collect();
    record.set("dependencies", format!("[{}]", edges.join(",")));
    record.render()
}

fn raw_edge(item: &str, id: &BeadId) -> String {
    match serde_json::from_str::<Whole>(item) {
        Ok(Whole { id: to, dependency_type: Some(kind) }) if !to.is_empty() => format!(
            "{{\"issue_id\":{},\"depends_on_id\":{},\"type\":{}}}",
            text::string(id.as_str()),
            text::string(&to),
            text::string(&kind)
        ),
        _ => item.to_owned(),
    }
}

fn add_comments(line: &mut String, shown: &str) {
    let comments = Record::parse(shown).and_then(|record| record.get("comments").map(str::to_owned));
    if let (Some(comments), Some(mut record)) = (comments, Record::parse(line)) {
        record.set("comments", comments);
        *line = record.render();
    }
}

//! Beads as `bd ready|list|show --json` prints them, so that scripts written for `bd` go on working.
//!
//! Owns the derived keys (`dependency_count`, `dependent_count`, `comment_count`, `parent`) and the edges
//! spelt out in `show`. The rest is the tracker's own line, unknown keys and odd numbers included. Start
//! with [`Snapshot::json`] and [`Snapshot::shown`].

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::Snapshot;
use super::jsonl::record::Record;
use super::jsonl::text;
use crate::domain::bead::Dependency;
use crate::domain::ids::BeadId;

/// For each bead that others point at: (the other's index, the edge's index).
pub(super) type Dependents = HashMap<BeadId, Vec<(usize, usize)>>;

impl Snapshot {
    /// An element of `ready` and `list`: the tracker's line with the counts at its end. As in `bd` 1.0, the
    /// two dependency counts count `blocks` edges. `None` where no bead has the id.
    pub fn json(&self, id: &BeadId) -> Option<Box<RawValue>> {
        let at = self.position(id)?;
        let mut record = self.record(at);
        self.add_counts(&mut record, at);
        Some(raw(&record))
    }

    /// An element of `show`: as [`Snapshot::json`], with `dependencies` and `dependents` as whole issues,
    /// each with its `dependency_type`. Edges to beads that are not here keep their raw form.
    pub fn shown(&self, id: &BeadId) -> Option<Box<RawValue>> {
        let at = self.position(id)?;
        let mut record = self.record(at);
        let dependencies: Vec<_> = self.beads[at].dependencies.iter().map(|edge| self.target(edge)).collect();
        if !dependencies.is_empty() {
            record.set("dependencies", array(&dependencies));
        }
        let dependents: Vec<_> = self.dependents_of(id).map(|(at, kind)| self.nested(at, kind)).collect();
        if !dependents.is_empty() {
            record.set("dependents", array(&dependents));
        }
        self.add_counts(&mut record, at);
        Some(raw(&record))
    }

    /// (the other bead's index, type of its edge).
    fn dependents_of(&self, id: &BeadId) -> impl Iterator<Item = (usize, &str)> {
        let all = self.dependents.get_or_init(|| {
            let mut all = Dependents::new();
            for (at, bead) in self.beads.iter().enumerate() {
                for (nth, edge) in bead.dependencies.iter().enumerate() {
                    all.entry(edge.depends_on_id.clone()).or_default().push((at, nth));
                }
            }
            all
        });
        let found = all.get(id).map(Vec::as_slice).unwrap_or_default();
        found.iter().map(|&(at, nth)| (at, self.beads[at].dependencies[nth].kind.as_str()))
    }

    fn target(&self, edge: &Dependency) -> String {
        match self.position(&edge.depends_on_id) {
            Some(at) => self.nested(at, &edge.kind),
            None => serde_json::to_string(edge).expect("an edge is strings and times"),
        }
    }

    /// An issue within another: without edges and comments of its own.
    fn nested(&self, at: usize, kind: &str) -> String {
        let mut record = self.record(at);
        for key in ["dependencies", "dependents", "comments"] {
            record.remove(key);
        }
        record.set_last("dependency_type", text::string(kind));
        record.render().trim().to_owned()
    }

    /// The tracker's line, with what `bd` fills in where a file leaves it out.
    fn record(&self, at: usize) -> Record<'_> {
        let bead = &self.beads[at];
        let line = self.line(at).trim_start_matches('\u{feff}');
        let mut record = Record::parse(line).expect("a line that is a bead is a JSON object");
        let defaults = [
            ("status", text::string(bead.status.as_str())),
            ("priority", bead.priority.to_string()),
            ("issue_type", text::string(&bead.issue_type)),
        ];
        for (key, value) in defaults {
            if record.get(key).is_none_or(|v| v == "null" || v == "\"\"") {
                record.set(key, value);
            }
        }
        record
    }

    pub(super) fn add_counts(&self, record: &mut Record<'_>, at: usize) {
        let bead = &self.beads[at];
        let dependencies = bead.dependencies.iter().filter(|d| d.kind == "blocks").count();
        let dependents = self.dependents_of(&bead.id).filter(|(_, kind)| *kind == "blocks").count();
        record.set_last("dependency_count", dependencies.to_string());
        record.set_last("dependent_count", dependents.to_string());
        let is_counted = self.has_counts && bead.comments.is_empty() && record.get("comment_count").is_some();
        if !is_counted {
            record.set_last("comment_count", bead.comments.len().to_string());
        }
        if let Some(edge) = bead.dependencies.iter().find(|d| d.kind == "parent-child") {
            record.set_last("parent", text::string(edge.depends_on_id.as_str()));
        }
    }
}

fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

fn raw(record: &Record<'_>) -> Box<RawValue> {
    RawValue::from_string(record.render().trim().to_owned()).expect("members of a JSON object are JSON")
}

#[cfg(test)]
mod tests;

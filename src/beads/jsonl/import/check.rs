//! What an imported bead must be, before anything is written.
//!
//! Owns the rules that `bd` checks when it writes (title, priority, type, edges) and the search for beads that
//! would wait for themselves. It changes nothing. Start with [`check`].

use std::collections::{HashMap, HashSet};

use super::Objection;
use crate::beads::jsonl::Document;
use crate::domain::bead::Bead;
use crate::domain::ids::BeadId;

const TITLE_LIMIT: usize = 500;
const ID_LIMIT: usize = 255;
const KIND_LIMIT: usize = 50;

pub(super) fn check(bead: &Bead, in_circles: &HashSet<BeadId>) -> Result<(), Objection> {
    let invalid = |what, expected, found: &str| {
        Err(Objection::Invalid { what, expected, found: found.chars().take(60).collect() })
    };
    let id = bead.id.as_str();
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if id.len() > ID_LIMIT || id.starts_with(['-', '.']) || !id.chars().all(is_safe) {
        return invalid("id", "letters, digits, `-`, `_`, `.` and `:`", id);
    }
    if bead.title.trim().is_empty() || bead.title.len() > TITLE_LIMIT {
        return invalid("title", "1 to 500 bytes", &bead.title);
    }
    if !(0..=4).contains(&bead.priority) {
        return invalid("priority", "0 (highest) to 4", &bead.priority.to_string());
    }
    if bead.issue_type.contains(char::is_whitespace) {
        return invalid("type", "one word such as `task`", &bead.issue_type);
    }
    for edge in &bead.dependencies {
        if edge.issue_id != bead.id {
            return invalid("edge", "one that begins at this bead", edge.issue_id.as_str());
        }
        if edge.kind.is_empty() || edge.kind.len() > KIND_LIMIT {
            return invalid("type of an edge", "1 to 50 bytes", &edge.kind);
        }
        if edge.depends_on_id == bead.id {
            return Err(Objection::Circle { id: bead.id.clone() });
        }
    }
    if in_circles.contains(&bead.id) {
        return Err(Objection::Circle { id: bead.id.clone() });
    }
    Ok(())
}

/// Incoming beads that wait for themselves, over the beads of both files.
pub(super) fn circles(doc: &Document, incoming: &Document) -> HashSet<BeadId> {
    let mut waits: HashMap<&BeadId, HashSet<&BeadId>> = HashMap::new();
    for bead in doc.beads.iter().chain(&incoming.beads) {
        let edges =
            bead.dependencies.iter().filter(|d| matches!(d.kind.as_str(), "blocks" | "conditional-blocks"));
        let targets = edges.map(|d| &d.depends_on_id).filter(|to| **to != bead.id);
        waits.entry(&bead.id).or_default().extend(targets);
    }
    let mut waited_by: HashMap<&BeadId, Vec<&BeadId>> = HashMap::new();
    for (from, targets) in &waits {
        for to in targets {
            waited_by.entry(to).or_default().push(from);
        }
    }
    let no_one = HashSet::new();
    let targets = |id: &BeadId| waits.get(id).unwrap_or(&no_one);
    // Beads that wait for nothing are taken away until only circles, and what hangs between them, are left.
    let forwards = peel(
        &waits,
        |id| targets(id).iter().copied().collect(),
        |id| waited_by.get(id).cloned().unwrap_or_default(),
    );
    let backwards = peel(
        &waits,
        |id| waited_by.get(id).cloned().unwrap_or_default(),
        |id| targets(id).iter().copied().collect(),
    );
    incoming
        .beads
        .iter()
        .map(|b| &b.id)
        .filter(|id| forwards.contains(id) && backwards.contains(id))
        .cloned()
        .collect()
}

/// What is left when everything without `open` neighbours is taken away, again and again.
fn peel<'a>(
    all: &HashMap<&'a BeadId, HashSet<&'a BeadId>>,
    open: impl Fn(&BeadId) -> Vec<&'a BeadId>,
    freed: impl Fn(&BeadId) -> Vec<&'a BeadId>,
) -> HashSet<&'a BeadId> {
    let known = |ids: Vec<&'a BeadId>| ids.into_iter().filter(|id| all.contains_key(id)).count();
    let mut degree: HashMap<&BeadId, usize> = all.keys().map(|id| (*id, known(open(id)))).collect();
    let mut queue: Vec<&BeadId> = degree.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
    while let Some(id) = queue.pop() {
        degree.remove(id);
        for other in freed(id) {
            if let Some(left) = degree.get_mut(other) {
                *left -= 1;
                if *left == 0 {
                    queue.push(other);
                }
            }
        }
    }
    degree.into_keys().collect()
}

/// Edges to beads that are in neither file: they are kept and hold nothing back.
pub(super) fn dangling(doc: &Document, incoming: &Document) -> Vec<String> {
    let is_known = |id: &BeadId| doc.get(id).is_some() || incoming.get(id).is_some();
    let edges = incoming.beads.iter().flat_map(|bead| bead.dependencies.iter().map(move |edge| (bead, edge)));
    edges
        .filter(|(_, edge)| {
            !edge.depends_on_id.as_str().starts_with("external:") && !is_known(&edge.depends_on_id)
        })
        .map(|(bead, edge)| {
            format!("`{}` points at `{}`, which is in neither tracker", bead.id, edge.depends_on_id)
        })
        .collect()
}

//! A new bead's line, its id, and the edges that others get to it.
//!
//! Owns what `bd create` would check (title, priority, targets, circles) and the shape of a new record. It
//! reads and writes no file. Start with [`create`].

use std::collections::HashSet;

use super::change::{Change, Edited, edge};
use super::document::{Document, Draft};
use super::text;
use crate::beads::TrackerError;
use crate::beads::ids::{Recipe, fresh_id};
use crate::beads::snapshot::unknown;
use crate::domain::bead::NewBead;
use crate::domain::ids::BeadId;

const TITLE_LIMIT: usize = 500;
const KIND_LIMIT: usize = 50;

/// The file with a new bead in it, and the bead's id.
pub(crate) fn create(
    doc: &Document,
    new: &NewBead,
    prefix: &str,
    change: Change,
) -> Result<(Vec<u8>, BeadId), TrackerError> {
    check(new)?;
    let known: HashSet<&str> = known_ids(doc);
    let recipe = Recipe {
        prefix,
        title: &new.title,
        description: &new.description,
        creator: &new.actor,
        created_at: change.now,
    };
    let top_level = doc.beads.iter().map(|b| b.id.as_str());
    let id = fresh_id(&recipe, top_level, |id| known.contains(id) || doc.is_in_bad_line(id))?;
    for (kind, target) in &new.edges {
        check_edge(doc, kind, target, &id)?;
    }
    let mut draft = Draft::new(doc);
    for waiting in &new.blocks {
        let (bead, line) = doc.find(waiting)?;
        if let Some((_, to)) =
            new.edges.iter().find(|(kind, to)| orders(kind) && (to == waiting || reaches(doc, to, waiting)))
        {
            return Err(TrackerError::Cycle { from: waiting.clone(), to: to.clone() });
        }
        let mut edited = Edited::new(doc, bead, line, change);
        edited.edge("blocks", &id, &new.actor);
        let (line, text) = edited.into_line();
        draft.replace(line, text);
    }
    draft.insert(&id, line(new, &id, change));
    Ok((draft.render(), id))
}

/// Whether an edge may be stored: known target, not itself, a type that `bd` accepts.
pub(crate) fn check_edge(
    doc: &Document,
    kind: &str,
    target: &BeadId,
    from: &BeadId,
) -> Result<(), TrackerError> {
    if kind.is_empty() || kind.len() > KIND_LIMIT {
        return Err(TrackerError::invalid("type of an edge", "1 to 50 bytes", kind));
    }
    if target == from {
        return Err(TrackerError::Cycle { from: from.clone(), to: target.clone() });
    }
    if !target.as_str().starts_with("external:") && doc.get(target).is_none() {
        return Err(unknown(target, &doc.beads));
    }
    Ok(())
}

/// Whether `from` waiting for `to` would make a bead wait for itself.
pub(crate) fn closes_cycle(doc: &Document, kind: &str, from: &BeadId, to: &BeadId) -> bool {
    orders(kind) && reaches(doc, to, from)
}

fn orders(kind: &str) -> bool {
    matches!(kind, "blocks" | "conditional-blocks")
}

fn reaches(doc: &Document, from: &BeadId, to: &BeadId) -> bool {
    let mut seen = HashSet::from([from]);
    let mut queue = vec![from];
    while let Some(at) = queue.pop() {
        if at == to {
            return true;
        }
        let edges = doc.get(at).into_iter().flat_map(|bead| &bead.dependencies);
        queue
            .extend(edges.filter(|d| orders(&d.kind)).map(|d| &d.depends_on_id).filter(|id| seen.insert(id)));
    }
    false
}

fn check(new: &NewBead) -> Result<(), TrackerError> {
    if new.title.trim().is_empty() || new.title.len() > TITLE_LIMIT {
        return Err(TrackerError::invalid("title", "1 to 500 bytes", &new.title));
    }
    if !(0..=4).contains(&new.priority) {
        return Err(TrackerError::invalid("priority", "0 (highest) to 4", new.priority.to_string()));
    }
    if new.issue_type.is_empty() || new.issue_type.contains(char::is_whitespace) {
        return Err(TrackerError::invalid("type", "one word such as `task`", &new.issue_type));
    }
    Ok(())
}

/// Ids that must not be given again: those of beads and those that an edge points at, dangling ones too.
fn known_ids(doc: &Document) -> HashSet<&str> {
    let own = doc.beads.iter().map(|b| b.id.as_str());
    let targets = doc.beads.iter().flat_map(|b| &b.dependencies).map(|d| d.depends_on_id.as_str());
    own.chain(targets).collect()
}

fn line(new: &NewBead, id: &BeadId, change: Change) -> String {
    let at = text::string(&text::time(change.now));
    let mut members = vec![("id", text::string(id.as_str())), ("title", text::string(&new.title))];
    if !new.description.is_empty() {
        members.push(("description", text::string(&new.description)));
    }
    members.push(("status", text::string(new.status().as_str())));
    members.push(("priority", new.priority.to_string()));
    members.push(("issue_type", text::string(&new.issue_type)));
    members.push(("created_at", at.clone()));
    members.push(("created_by", text::string(&new.actor)));
    members.push(("updated_at", at));
    let mut labels = new.labels.clone();
    labels.sort();
    labels.dedup();
    if !labels.is_empty() {
        members.push(("labels", text::strings(&labels)));
    }
    let mut seen = HashSet::new();
    let edges: Vec<_> = new
        .edges
        .iter()
        .filter(|edge| seen.insert(*edge))
        .map(|(kind, to)| edge(id, kind, to, &new.actor, change.now))
        .collect();
    if !edges.is_empty() {
        members.push(("dependencies", format!("[{}]", edges.join(","))));
    }
    let members: Vec<_> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

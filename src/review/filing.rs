//! What becomes a bead: a plan, made before anything is written.
//!
//! Owns the match against beads that are there, open or closed, the caps and the depth that keep reviews from
//! breeding (T31), and what waits as *proposed* because outside text had a part in it (T19). It writes nothing:
//! `daemon::filing` does. Start with [`plan`] and [`match_blocker`].

mod known;

use super::same::sameness;
use super::similar::{Similarity, normalised};
use crate::domain::bead::{Bead, NewBead, PROPOSED, Status};
use crate::domain::clean::clean;
use crate::domain::finding::{Origin, Severity};
use crate::domain::ids::BeadId;
use crate::domain::text::{clip, one_line, visible};
use crate::domain::verdict::Entry;
use known::Index;

/// The label of what a review found.
pub const LABEL: &str = "review";
/// The edge from a new bead to the one whose work brought it up.
pub const DISCOVERED_FROM: &str = "discovered-from";
/// Who files.
pub const ACTOR: &str = "beadwork";

/// So alike must a bead's title and a blocker's words be.
const BLOCKER_NEEDED: f64 = 0.70;
const TITLE_CHARS: usize = 200;
const TITLE_BYTES: usize = 500;
const REMARK_BYTES: usize = 2 << 10;
const OTHER_PLACES_BYTES: usize = 2 << 10;

/// How many beads may come of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    pub review: usize,
    /// What is left of tonight's.
    pub night: usize,
    /// How many `discovered-from` edges may lead from a new bead to the first one.
    pub depth: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { review: 10, night: 30, depth: 2 }
    }
}

/// What shall become of each entry, in the ledger's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub items: Vec<Item>,
    /// Beyond the caps: counted, not listed.
    pub left_out: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub fingerprint: String,
    pub title: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    File {
        bead: Box<NewBead>,
        /// Waits for a person's approval.
        proposed: bool,
    },
    /// A bead that says the same is there.
    Known {
        bead: BeadId,
        /// Its work is done, or somebody decided against it: it is not filed again.
        closed: bool,
        /// What to add to it, where it says so in other words: nothing of the finding is lost, should it be another.
        remark: Option<String>,
    },
    /// The same as an earlier item of this plan, whose bead names this place too.
    Twin {
        of: String,
    },
    LeftOut {
        why: String,
    },
}

/// Plans what becomes of these entries, whose standing is not looked at.
pub fn plan(
    entries: &[Entry],
    source: &Bead,
    existing: &[Bead],
    caps: &Caps,
    similar: &dyn Similarity,
) -> Plan {
    let index = Index::new(existing);
    let depth = index.depth(source, caps.depth);
    let proposed = source.is_imported() || index.ancestors(source, ANCESTORS).any(Bead::is_imported);
    let mut plan = Plan::default();
    let mut room = caps.review.min(caps.night);
    // Position in `entries` of what is filed, and in the plan.
    let mut filed: Vec<(usize, usize)> = Vec::new();
    // The heaviest first, should there be more than may be filed.
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|at| (entries[*at].finding.severity, *at));
    let mut places = Vec::new();
    for at in order {
        let entry = &entries[at];
        let what = if entry.finding.severity == Severity::Note {
            What::LeftOut { why: "a note, nothing to be done".to_owned() }
        } else if let Some(bead) = index.known(entry, &source.id, similar) {
            let closed = bead.status == Status::Closed;
            What::Known { bead: bead.id.clone(), closed, remark: remark(bead, entry, source) }
        } else if let Some((first, item)) = filed
            .iter()
            .find(|(first, _)| sameness(&entries[*first].finding, &entry.finding, similar).is_some())
        {
            also(&mut plan.items[*item].what, entry);
            What::Twin { of: entries[*first].fingerprint.clone() }
        } else if depth >= caps.depth {
            let why = format!(
                "{} was itself found while working on another bead, and that one too: the chain ends after {}",
                source.id, caps.depth
            );
            What::LeftOut { why }
        } else if room == 0 {
            plan.left_out += 1;
            continue;
        } else {
            room -= 1;
            filed.push((at, plan.items.len()));
            What::File { bead: Box::new(new_bead(entry, source, proposed)), proposed }
        };
        let item = Item { fingerprint: entry.fingerprint.clone(), title: entry.finding.title.clone(), what };
        plan.items.push(item);
        places.push(at);
    }
    let mut items: Vec<(usize, Item)> = places.into_iter().zip(plan.items).collect();
    items.sort_by_key(|(at, _)| *at);
    Plan { items: items.into_iter().map(|(_, item)| item).collect(), left_out: plan.left_out }
}

/// How far back the origin of a text is followed.
const ANCESTORS: u32 = 50;

fn new_bead(entry: &Entry, source: &Bead, proposed: bool) -> NewBead {
    let finding = &entry.finding;
    let mut labels = vec![LABEL.to_owned()];
    labels.extend(proposed.then(|| PROPOSED.to_owned()));
    let detail = finding.detail.trim();
    let gap = if detail.is_empty() { "" } else { "\n\n" };
    let place = place_of(entry);
    let severity = finding.severity.as_str();
    let origin = match entry.origin {
        Origin::PreExisting => "it was there before".to_owned(),
        Origin::ThisChange => format!("the work on {} brought it", source.id),
        Origin::Fix(n) => format!("fix {n} in the work on {} caused it", source.id),
    };
    let description = format!(
        "{detail}{gap}Place: {place}\nSeverity: {severity}; {origin}\nFound by: a review of {}, round {}\n{}{}",
        source.id,
        entry.first,
        known::FINGERPRINT,
        entry.fingerprint
    );
    NewBead {
        title: title(&finding.title),
        description,
        priority: i64::from(entry.priority.min(4)),
        issue_type: entry.kind.clone(),
        labels,
        edges: vec![(DISCOVERED_FROM.to_owned(), source.id.clone())],
        blocks: Vec::new(),
        actor: ACTOR.to_owned(),
    }
}

/// One line that every tracker takes: 500 bytes at most.
fn title(text: &str) -> String {
    let mut chars = TITLE_CHARS;
    loop {
        let title = one_line(text, chars);
        if title.len() <= TITLE_BYTES {
            return title;
        }
        chars /= 2;
    }
}

/// What an open bead is told of a finding that is not word for word its own.
fn remark(bead: &Bead, entry: &Entry, source: &Bead) -> Option<String> {
    let title = &entry.finding.title;
    if normalised(title) == normalised(&bead.title) || bead.status == Status::Closed {
        return None;
    }
    let detail = clip(entry.finding.detail.trim(), REMARK_BYTES);
    let place = place_of(entry);
    let severity = entry.finding.severity.as_str();
    let text = format!("A review of {} found again: {title} ({place}, {severity})\n\n{detail}", source.id);
    let is_told = bead.comments.iter().any(|comment| comment.text.contains(title.as_str()));
    (!is_told && !bead.description.contains(title.as_str())).then(|| text.trim_end().to_owned())
}

fn place_of(entry: &Entry) -> String {
    let Some(file) = &entry.finding.file else { return "no file in particular".to_owned() };
    entry.finding.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
}

/// The bead of the first says where it was found again.
fn also(what: &mut What, entry: &Entry) {
    if let What::File { bead, .. } = what {
        let line = format!("Also: {} ({})\n", entry.finding.title, place_of(entry));
        let at = bead.description.rfind("Place: ").unwrap_or(0);
        if bead.description.matches("\nAlso: ").count() * line.len() < OTHER_PLACES_BYTES {
            bead.description.insert_str(at, &line);
        }
    }
}

/// A bead of an agent's own words: what its work waits for.
pub fn new_blocker(reason: &str, source: &Bead, existing: &[Bead], caps: &Caps) -> Result<NewBead, TooDeep> {
    let index = Index::new(existing);
    if index.depth(source, caps.depth) >= caps.depth {
        return Err(TooDeep { bead: source.id.clone(), depth: caps.depth });
    }
    let proposed = source.is_imported() || index.ancestors(source, ANCESTORS).any(Bead::is_imported);
    let words = visible(&clean(reason));
    let mut labels = vec![BLOCKER.to_owned()];
    labels.extend(proposed.then(|| PROPOSED.to_owned()));
    Ok(NewBead {
        title: title(&words),
        description: format!(
            "{}\n\nThe agent that worked on {} ended with these words, and {} waits for this bead.",
            clip(words.trim(), 4 << 10),
            source.id,
            source.id
        ),
        priority: 1,
        issue_type: "bug".to_owned(),
        labels,
        edges: vec![(DISCOVERED_FROM.to_owned(), source.id.clone())],
        blocks: vec![source.id.clone()],
        actor: ACTOR.to_owned(),
    })
}

/// The label of what an agent could not go on without.
pub const BLOCKER: &str = "blocker";

/// A chain of beads that were found while working on each other came to its end (T31).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{bead}` is already {depth} discoveries away from a bead that a person wrote")]
pub struct TooDeep {
    pub bead: BeadId,
    pub depth: u32,
}

/// The open bead that the words of a `BLOCKED:` line speak of. One that was made of long words bears only their
/// beginning.
pub fn match_blocker(reason: &str, existing: &[Bead], similar: &dyn Similarity) -> Option<BeadId> {
    let short = title(&visible(&clean(reason)));
    let open = existing.iter().filter(|bead| !matches!(bead.status, Status::Closed | Status::Tombstone));
    let alike = open
        .map(|bead| (similar.of(&bead.title, reason).max(similar.of(&bead.title, &short)), bead))
        .filter(|(alike, _)| *alike >= BLOCKER_NEEDED);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, bead)| bead.id.clone())
}

#[cfg(test)]
pub(crate) mod tests;

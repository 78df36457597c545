//! The ledger of a claim after another reply.
//!
//! Owns which finding is which entry, what an entry learns when it is reported again, and when silence means that it
//! is fixed. It decides nothing about the work. Start with [`after`].

use sha2::{Digest, Sha256};

use super::Round;
use crate::domain::finding::{Finding, Origin};
use crate::domain::text::clip;
use crate::domain::verdict::{Entry, Standing};
use crate::review::reply::{Reply, Reported};
use crate::review::same::{has_same_title, sameness};
use crate::review::similar::{Similarity, normalised};

/// Entries of one claim, over all its rounds.
const ENTRIES: usize = 500;
const DETAIL_BYTES: usize = 8 << 10;
/// Within one reply, what is so many lines apart was meant to be two.
const ONE_PLACE: u32 = 2;
/// And what is alike to this degree was meant to be one.
const ONE_WORDING: f64 = 0.75;

pub(super) struct Kept {
    pub entries: Vec<Entry>,
    /// New ones that found no room.
    pub left_out: usize,
}

pub(super) fn after(reply: &Reply, round: &Round<'_>, similar: &dyn Similarity) -> Kept {
    let mut entries = round.earlier.to_vec();
    let known = entries.len();
    let mut left_out = 0;
    let matches = matched(&reply.findings, round.earlier, similar);
    let mut seen = vec![false; known];
    for at in matches.iter().flatten() {
        seen[*at] = true;
    }
    for (reported, at) in reply.findings.iter().zip(&matches) {
        match at {
            Some(at) => again(&mut entries[*at], reported, round),
            None => {
                let twin = entries[known..].iter().position(|entry| is_twin(entry, reported, similar));
                match twin {
                    Some(at) => merge(&mut entries[known + at], reported),
                    None if entries.len() >= ENTRIES => left_out += 1,
                    None => {
                        let entry = new(reported, round, &entries);
                        entries.push(entry);
                    }
                }
            }
        }
    }
    if reply.readable {
        let silent = entries[..known].iter_mut().zip(&seen).filter(|(_, seen)| !**seen);
        for (entry, _) in silent {
            // Only what its author was asked to fix: of the rest nobody who changed anything had heard.
            if entry.holds() && came_a_fix(entry, round) {
                entry.standing = Standing::Fixed;
            }
        }
    }
    Kept { entries, left_out }
}

/// Each finding's earlier entry: the surest pairs first. A second finding may mean an entry that is taken, when its
/// place and words are those of the entry and not only near it.
fn matched(findings: &[Reported], earlier: &[Entry], similar: &dyn Similarity) -> Vec<Option<usize>> {
    let mut pairs = Vec::new();
    for (n, reported) in findings.iter().enumerate() {
        for (at, entry) in earlier.iter().enumerate() {
            if let Some(sure) = sameness(&reported.finding, &entry.finding, similar) {
                pairs.push((sure, n, at));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut matches = vec![None; findings.len()];
    let mut taken = vec![false; earlier.len()];
    for (_, n, at) in &pairs {
        if matches[*n].is_none() && !taken[*at] {
            matches[*n] = Some(*at);
            taken[*at] = true;
        }
    }
    for (_, n, at) in pairs {
        if matches[n].is_none() && is_twin(&earlier[at], &findings[n], similar) {
            matches[n] = Some(at);
        }
    }
    matches
}

/// Whether a reply meant the same thing twice. What differs in place or words may be another defect, and the author
/// hears of both.
fn is_twin(entry: &Entry, reported: &Reported, similar: &dyn Similarity) -> bool {
    let (a, b) = (&entry.finding, &reported.finding);
    let one_place = match (a.line, b.line) {
        (Some(one), Some(other)) => one.abs_diff(other) <= ONE_PLACE,
        (None, None) => true,
        _ => false,
    };
    let one_file = match (&a.file, &b.file) {
        (Some(one), Some(other)) => crate::review::origin::is_same_file(one, other),
        (None, None) => true,
        _ => false,
    };
    one_place && one_file && (has_same_title(a, b) || similar.of(&a.title, &b.title) >= ONE_WORDING)
}

/// The work changed after the last round that reported it.
fn came_a_fix(entry: &Entry, round: &Round<'_>) -> bool {
    entry.last < round.number && round.changed.since(entry.last)
}

/// An entry that was reported again, perhaps elsewhere or in other words: it keeps fingerprint and title.
fn again(entry: &mut Entry, reported: &Reported, round: &Round<'_>) {
    let was_material = entry.finding.severity.is_material();
    let came_a_fix = came_a_fix(entry, round);
    if entry.last == round.number {
        return merge(entry, reported);
    }
    let found = &reported.finding;
    // After a fix the newer weight counts; without one nothing got lighter.
    if came_a_fix || found.severity < entry.finding.severity {
        entry.finding.severity = found.severity;
        entry.priority = reported.priority;
    }
    if found.file.is_some() {
        entry.finding.file.clone_from(&found.file);
        entry.finding.line = found.line.or(entry.finding.line);
    }
    let told = if has_same_title(&entry.finding, found) { "" } else { found.title.as_str() };
    entry.finding.detail = match (told, found.detail.as_str()) {
        ("", "") => std::mem::take(&mut entry.finding.detail),
        ("", detail) => detail.to_owned(),
        (title, detail) if detail.contains(title) => detail.to_owned(),
        (title, detail) => clip(format!("Told again as: {title}\n\n{detail}").trim_end(), DETAIL_BYTES),
    };
    // Once the author's, always the author's; what seemed to be older may turn out to be of this change.
    if entry.origin == Origin::PreExisting {
        entry.origin = round.changed.origin(found);
    }
    entry.last = round.number;
    let grew = !was_material && entry.finding.severity.is_material() && entry.origin != Origin::PreExisting;
    match entry.standing {
        Standing::Open => {}
        Standing::Fixed => entry.standing = Standing::Open,
        // What was put aside as small and is not small must hold the landing.
        Standing::Filed { .. } | Standing::Waived { .. } if grew => entry.standing = Standing::Open,
        Standing::Filed { .. } | Standing::Waived { .. } => {}
    }
}

/// The same thing a second time in one reply: nothing of it is lost.
fn merge(entry: &mut Entry, reported: &Reported) {
    let (own, other) = (&mut entry.finding, &reported.finding);
    if other.severity < own.severity {
        own.severity = other.severity;
        entry.priority = entry.priority.min(reported.priority);
    }
    let new_title = !own.detail.contains(&other.title) && !has_same_title(own, other);
    let new_detail = !other.detail.is_empty() && !own.detail.contains(&other.detail);
    if new_title || new_detail {
        let title = if new_title { format!("Also: {}\n", other.title) } else { String::new() };
        let detail = if new_detail { other.detail.as_str() } else { "" };
        let gap = if own.detail.is_empty() { "" } else { "\n\n" };
        own.detail = clip(&format!("{}{gap}{title}{detail}", own.detail), DETAIL_BYTES);
    }
}

fn new(reported: &Reported, round: &Round<'_>, others: &[Entry]) -> Entry {
    let mut fingerprint = fingerprint(&reported.finding);
    // Two entries never share one: a person names them by it.
    let mut n = 2;
    while others.iter().any(|entry| entry.fingerprint == fingerprint) {
        fingerprint = format!("{}-{n}", fingerprint.split('-').next().unwrap_or_default());
        n += 1;
    }
    Entry {
        fingerprint,
        origin: round.changed.origin(&reported.finding),
        finding: reported.finding.clone(),
        standing: Standing::Open,
        first: round.number,
        last: round.number,
        priority: reported.priority,
        kind: reported.kind.clone(),
    }
}

/// Of the place and the normalised title, as they were first told.
fn fingerprint(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    hash.update(finding.file.as_deref().unwrap_or_default());
    hash.update([0]);
    hash.update(finding.line.unwrap_or(0).to_le_bytes());
    hash.update(normalised(&finding.title));
    hash.finalize().iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

//! The beads that are there, as findings are compared with them.
//!
//! Owns how a bead is recognised as a finding's (fingerprint, place and title, other words), and how long its chain
//! of discoveries is. It changes nothing. Start with [`Index`].

use std::collections::{BTreeSet, HashMap, HashSet};

use super::DISCOVERED_FROM;
use crate::domain::bead::{Bead, Status};
use crate::domain::finding::Finding;
use crate::domain::ids::BeadId;
use crate::domain::verdict::Entry;
use crate::review::same::{has_same_title, sameness};
use crate::review::similar::{Similarity, normalised};

/// The last line of what was filed.
pub(super) const FINGERPRINT: &str = "Fingerprint: ";
const PLACE: &str = "Place: ";

/// So alike must the titles be where a bead is closed.
const CLOSED_NEEDED: f64 = 0.75;
/// A word that so many titles have says nothing about any of them.
const FREQUENT: usize = 2_000;

pub(super) struct Index<'a> {
    beads: HashMap<&'a BeadId, &'a Bead>,
    /// In the tracker's order, deleted ones left out.
    live: Vec<&'a Bead>,
    by_fingerprint: HashMap<&'a str, usize>,
    by_word: HashMap<String, Vec<usize>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(existing: &'a [Bead]) -> Self {
        let live: Vec<&Bead> = existing.iter().filter(|bead| bead.status != Status::Tombstone).collect();
        let mut by_word: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, bead) in live.iter().enumerate() {
            for word in words(&bead.title) {
                by_word.entry(word).or_default().push(at);
            }
        }
        let filed = live.iter().enumerate().filter_map(|(at, bead)| Some((fingerprint(bead)?, at)));
        Self {
            by_fingerprint: filed.collect(),
            beads: live.iter().map(|bead| (&bead.id, *bead)).collect(),
            live,
            by_word,
        }
    }

    /// The bead that says the same: an open one before a closed one, then the surest. Never `source`, whose work it
    /// was found in: that bead is being closed, and may well speak of the same place.
    pub(super) fn known(&self, entry: &Entry, source: &BeadId, similar: &dyn Similarity) -> Option<&'a Bead> {
        let told = self.by_fingerprint.get(entry.fingerprint.as_str()).map(|at| self.live[*at]);
        if let Some(bead) = told.filter(|bead| bead.id != *source) {
            return Some(bead);
        }
        let finding = &entry.finding;
        let mut near: BTreeSet<usize> = words(&finding.title)
            .filter_map(|word| self.by_word.get(&word))
            .filter(|list| list.len() <= FREQUENT)
            .flatten()
            .copied()
            .collect();
        if let Some(file) = &finding.file {
            let names = |bead: &Bead| bead.description.contains(file) || bead.title.contains(file);
            near.extend((0..self.live.len()).filter(|at| names(self.live[*at])));
        }
        let others = near.into_iter().map(|at| self.live[at]).filter(|bead| bead.id != *source);
        let says = others.filter_map(|bead| {
            let told = as_finding(bead, finding);
            let sure = sameness(&told, finding, similar)?;
            // What is closed is told nothing: there it must say so itself.
            let is_sure =
                || has_same_title(&told, finding) || similar.of(&told.title, &finding.title) >= CLOSED_NEEDED;
            if bead.status == Status::Closed && !is_sure() {
                return None;
            }
            Some((bead.status != Status::Closed, sure, bead))
        });
        says.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))).map(|(_, _, bead)| bead)
    }

    /// How many `discovered-from` edges lead away from a bead, at most `most`. Who is found from themselves is as
    /// deep as can be.
    pub(super) fn depth(&self, bead: &'a Bead, most: u32) -> u32 {
        let mut level = HashSet::from([&bead.id]);
        for depth in 0..most {
            let next: HashSet<&BeadId> = level.iter().flat_map(|id| self.sources(id, bead)).collect();
            if next.is_empty() {
                return depth;
            }
            level = next;
        }
        most
    }

    /// What a bead was found from, what that was found from, and so on.
    pub(super) fn ancestors(&self, bead: &'a Bead, most: u32) -> impl Iterator<Item = &'a Bead> {
        let (mut seen, mut found) = (HashSet::from([&bead.id]), Vec::new());
        let mut level = vec![&bead.id];
        for _ in 0..most {
            let next: Vec<&BeadId> = level.iter().flat_map(|id| self.sources(id, bead)).collect();
            level = next.into_iter().filter(|id| seen.insert(id)).collect();
            found.extend(level.iter().filter_map(|id| self.beads.get(*id).copied()));
        }
        found.into_iter()
    }

    fn sources(&self, id: &BeadId, own: &'a Bead) -> impl Iterator<Item = &'a BeadId> + use<'a> {
        let bead = if own.id == *id { Some(own) } else { self.beads.get(id).copied() };
        let edges = bead.into_iter().flat_map(|bead| &bead.dependencies);
        edges.filter(|edge| edge.kind == DISCOVERED_FROM).map(|edge| &edge.depends_on_id)
    }
}

/// Of what we filed: in the last such line, because text of others comes before ours.
fn fingerprint(bead: &Bead) -> Option<&str> {
    bead.description.lines().rev().find_map(|line| line.strip_prefix(FINGERPRINT)).map(str::trim)
}

fn words(title: &str) -> impl Iterator<Item = String> {
    let title = normalised(title);
    title.split(' ').filter(|word| word.len() > 2).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// A bead as a finding, in the file that it names, or in that of `other` where it speaks of it.
fn as_finding(bead: &Bead, other: &Finding) -> Finding {
    let told = bead.description.lines().rev().find_map(|line| line.strip_prefix(PLACE)).map(str::trim);
    let (file, line) = match (told, &other.file) {
        (Some(place), _) if fingerprint(bead).is_some() => place_of(place),
        (_, Some(file)) => {
            // A person's bead speaks of the file somewhere, perhaps with a line.
            let text = [&bead.title, &bead.description];
            let after = text.iter().find_map(|text| text.split_once(file.as_str())).map(|(_, after)| after);
            let line = after.and_then(|after| after.strip_prefix(':')).and_then(number);
            (after.map(|_| file.clone()), line)
        }
        (_, None) => (None, None),
    };
    let detail = bead.description.chars().take(1000).collect();
    Finding { title: bead.title.clone(), detail, file, line, ..Finding::default() }
}

fn place_of(place: &str) -> (Option<String>, Option<u32>) {
    match place.rsplit_once(':') {
        Some((file, line)) if number(line).is_some() => (Some(file.to_owned()), number(line)),
        _ if place.contains(' ') => (None, None),
        _ => (Some(place.to_owned()), None),
    }
}

fn number(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(10).collect();
    digits.parse().ok()
}

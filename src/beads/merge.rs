//! Two changed copies of a tracker file made one again, bead by bead and key by key.
//!
//! Owns the three-way merge that `bead merge-driver` gives to git: lines are matched by id, a line that one
//! side left alone is the other's byte for byte, and a line that both changed is merged key by key
//! ([`record`]). What no rule can decide stands between conflict markers with both versions, so nothing is
//! lost; what a rule decided against one side is told. It reads no file and no clock. Start with [`merge`].

mod lists;
mod note;
mod record;
mod values;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::jsonl::Document;
use super::snapshot::Flaw;
use crate::domain::ids::BeadId;
pub use note::{Note, Side};
use record::{Joined, Moment, Versions};

/// The three versions of a file. `base` is empty where the two have no common ancestor.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    pub base: &'a [u8],
    pub ours: &'a [u8],
    pub theirs: &'a [u8],
}

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub bytes: Vec<u8>,
    /// What a person should know, conflicts first.
    pub notes: Vec<Note>,
}

impl Merged {
    /// No conflict marker had to be written.
    pub fn is_clean(&self) -> bool {
        !self.notes.iter().any(Note::is_conflict)
    }
}

/// Merges two versions of a tracker file. `now` decides only whether a tombstone has expired.
pub fn merge(sides: &Sides<'_>, now: DateTime<Utc>) -> Merged {
    let taken = |bytes: &[u8]| Merged { bytes: bytes.to_vec(), notes: Vec::new() };
    if sides.ours == sides.theirs || sides.base == sides.theirs {
        return taken(sides.ours);
    }
    if sides.base == sides.ours {
        return taken(sides.theirs);
    }
    let (ours, theirs) = (Version::read(sides.ours), Version::read(sides.theirs));
    let markers: Vec<Note> = [(Side::Ours, &ours), (Side::Theirs, &theirs)]
        .into_iter()
        .filter_map(|(side, version)| version.doc.marker().map(|line| Note::Markers { side, line }))
        .collect();
    if !markers.is_empty() {
        let bytes = hunk(&[sides.ours], &[sides.theirs]);
        return Merged { bytes, notes: markers };
    }
    let base = Version::read(sides.base);
    Work { moment: Moment::new(now, [&ours.doc, &theirs.doc]), base, ours, theirs, notes: Vec::new() }.run()
}

/// A bead's line joined with a later version from elsewhere: the later values, the lists of both, and every
/// key that only one of them has.
pub(crate) fn newer(here: &str, later: &str, now: DateTime<Utc>) -> String {
    record::newer(here, later, now)
}

/// What a line is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Bead(BeadId),
    /// A header or a memory: one of each name.
    Named(String),
    /// Anything else is only itself.
    Other(Vec<u8>),
}

/// One file, its lines found by what they are.
struct Version {
    doc: Document,
    /// The key of each line.
    keys: Vec<Key>,
    groups: HashMap<Key, Vec<usize>>,
}

impl Version {
    fn read(bytes: &[u8]) -> Self {
        let doc = Document::read(bytes.to_vec());
        let mut keys: Vec<Key> = (0..doc.lines.len()).map(|at| name(doc.bytes(at))).collect();
        for (bead, line) in doc.bead_lines() {
            keys[line] = Key::Bead(bead.clone());
        }
        let mut groups: HashMap<Key, Vec<usize>> = HashMap::new();
        for (at, key) in keys.iter().enumerate() {
            groups.entry(key.clone()).or_default().push(at);
        }
        Self { doc, keys, groups }
    }

    fn lines(&self, key: &Key) -> Vec<&[u8]> {
        self.groups.get(key).into_iter().flatten().map(|&at| self.doc.bytes(at)).collect()
    }

    fn is_sorted(&self) -> bool {
        self.doc.beads.windows(2).all(|pair| pair[0].id < pair[1].id)
    }
}

/// Headers and memories have a name; of everything else the bytes are the name.
fn name(line: &[u8]) -> Key {
    let other = || Key::Other(line.to_vec());
    let Ok(serde_json::Value::Object(map)) = serde_json::from_slice(line) else { return other() };
    if map.contains_key("_schema") {
        return Key::Named("the `_schema` line".to_owned());
    }
    match (map.get("_type").and_then(|t| t.as_str()), map.get("key").and_then(|k| k.as_str())) {
        (Some("memory"), Some(key)) => Key::Named(format!("the memory `{key}`")),
        _ => other(),
    }
}

/// The text that stands for a key in the merged file: no line, lines, or a conflict.
type Piece = Vec<Vec<u8>>;

struct Work {
    moment: Moment,
    base: Version,
    ours: Version,
    theirs: Version,
    notes: Vec<Note>,
}

impl Work {
    fn run(mut self) -> Merged {
        self.tell_unreadable();
        let keys = std::mem::take(&mut self.ours.keys);
        let mut pieces: Vec<(Key, Piece)> = Vec::with_capacity(keys.len());
        let mut seen = HashSet::new();
        for (at, key) in keys.iter().enumerate() {
            if matches!(key, Key::Other(_)) {
                // Equal lines keep their places: the first of them stay, as many as the merge leaves.
                let nth = self.ours.groups[key].iter().position(|&line| line == at).unwrap_or_default();
                if nth < self.count(key) {
                    pieces.push((key.clone(), vec![self.ours.doc.bytes(at).to_vec()]));
                }
            } else if seen.insert(key.clone()) {
                let piece = self.piece(key);
                pieces.push((key.clone(), piece));
            }
        }
        let new = self.new_in_theirs();
        let bytes = self.assemble(pieces, new);
        self.notes.sort();
        self.notes.dedup();
        Merged { bytes, notes: self.notes }
    }

    fn tell_unreadable(&mut self) {
        for (side, version) in [(Side::Ours, &self.ours), (Side::Theirs, &self.theirs)] {
            for problem in &version.doc.problems {
                let Flaw::Duplicate { .. } = problem.what else {
                    let why = problem.what.to_string();
                    self.notes.push(Note::Unreadable { side, line: problem.line, why });
                    continue;
                };
            }
        }
    }

    /// How many lines with these very bytes the merged file has.
    fn count(&self, key: &Key) -> usize {
        let count = |version: &Version| version.groups.get(key).map_or(0, Vec::len);
        let (base, ours, theirs) = (count(&self.base), count(&self.ours), count(&self.theirs));
        match (ours == base, theirs == base) {
            (true, _) => theirs,
            (_, true) => ours,
            _ => ours.max(theirs),
        }
    }

    fn piece(&mut self, key: &Key) -> Piece {
        let (base, ours, theirs) = (self.base.lines(key), self.ours.lines(key), self.theirs.lines(key));
        let owned = |lines: &[&[u8]]| lines.iter().map(|line| line.to_vec()).collect();
        if ours == theirs || base == theirs {
            return owned(&ours);
        }
        if base == ours {
            return owned(&theirs);
        }
        let (note, decided) = match (key, &base[..], &ours[..], &theirs[..]) {
            (Key::Bead(id), [_], [kept], []) | (Key::Bead(id), [_], [], [kept]) => {
                let deleted_by = if ours.is_empty() { Side::Ours } else { Side::Theirs };
                (Note::KeptChanged { id: id.clone(), deleted_by }, Some(kept.to_vec()))
            }
            (Key::Bead(id), [] | [_], [a], [b]) => {
                let line = |bytes: &&[u8]| String::from_utf8(bytes.to_vec()).expect("a bead's line is UTF-8");
                let versions = Versions { base: base.first().map(line), ours: line(a), theirs: line(b) };
                match record::join(&versions, &mut self.moment) {
                    Joined::Line { text, overruled } if overruled.is_empty() => {
                        return vec![text.into_bytes()];
                    }
                    Joined::Line { text, overruled } => {
                        let note = Note::Overruled { id: id.clone(), keys: overruled };
                        (note, Some(text.into_bytes()))
                    }
                    Joined::TwoBeads => (Note::TwoBeads { id: id.clone() }, None),
                }
            }
            (Key::Bead(id), ..) => {
                (Note::Undecided { what: format!("`{id}`, which has several lines,") }, None)
            }
            (Key::Named(name), ..) => (Note::Undecided { what: name.clone() }, None),
            (Key::Other(_), ..) => unreachable!("lines that are only themselves are counted"),
        };
        let conflict = || {
            let mut lines = hunk(&ours, &theirs);
            lines.pop();
            vec![lines]
        };
        let piece = decided.map_or_else(conflict, |line| vec![line]);
        self.notes.push(note);
        piece
    }

    /// What only the other side has, in its order, each with what stands for it.
    fn new_in_theirs(&mut self) -> Vec<(Key, Piece)> {
        let keys = std::mem::take(&mut self.theirs.keys);
        let mut new = Vec::new();
        let mut seen: HashMap<Key, usize> = HashMap::new();
        for key in keys {
            let nth = seen.entry(key.clone()).or_default();
            *nth += 1;
            let had = self.ours.groups.get(&key).map_or(0, Vec::len);
            if let Key::Other(bytes) = &key {
                if *nth > had && *nth <= self.count(&key) {
                    let piece = vec![bytes.clone()];
                    new.push((key, piece));
                }
            } else if had == 0 && *nth == 1 {
                let piece = self.piece(&key);
                new.push((key, piece));
            }
        }
        new
    }

    /// Ours in its order; what is new goes by id where both files are sorted, else to the end.
    fn assemble(&self, pieces: Vec<(Key, Piece)>, new: Vec<(Key, Piece)>) -> Vec<u8> {
        let is_sorted = self.ours.is_sorted() && self.theirs.is_sorted();
        let mut beads: BTreeMap<BeadId, Piece> = BTreeMap::new();
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for (key, piece) in new {
            match key {
                Key::Bead(id) if is_sorted => drop(beads.insert(id, piece)),
                Key::Named(name) if name.contains("_schema") => first.extend(piece),
                _ => last.extend(piece),
            }
        }
        let mut lines: Vec<Vec<u8>> = first;
        for (key, piece) in pieces {
            if let Key::Bead(id) = &key {
                let after = beads.split_off(id);
                lines.extend(std::mem::replace(&mut beads, after).into_values().flatten());
            }
            lines.extend(piece);
        }
        lines.extend(beads.into_values().flatten());
        lines.extend(last);
        let mut out = lines.join(&b'\n');
        if !out.is_empty() {
            out.push(b'\n');
        }
        out
    }
}

/// Both versions between conflict markers.
fn hunk(ours: &[&[u8]], theirs: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for (marker, lines) in [(&b"<<<<<<< ours\n"[..], ours), (&b"=======\n"[..], theirs)] {
        out.extend_from_slice(marker);
        for line in lines {
            out.extend_from_slice(line);
            if !line.is_empty() && !line.ends_with(b"\n") {
                out.push(b'\n');
            }
        }
    }
    out.extend_from_slice(b">>>>>>> theirs\n");
    out
}

#[cfg(test)]
mod tests;

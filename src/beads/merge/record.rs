//! One bead that both sides changed, merged key by key.
//!
//! Owns which version of a key stands: what one side left alone is the other's; of two changes the later
//! one by `updated_at` (ours at the same moment), but closed wins over open, a tombstone that has not expired
//! over a live bead, lists are joined, notes are put one below the other. It keeps the line of our side where
//! it can, unknown keys and their place included. Start with [`join`].

use chrono::{DateTime, TimeDelta, Utc};

use super::values::Values;
use super::{Side, lists};
use crate::beads::jsonl::Document;
use crate::beads::jsonl::record::Record;
use crate::beads::jsonl::text;
use crate::domain::bead::CLAIM_KEY;

/// As long as classic `bd` keeps a tombstone: 30 days and an hour.
const TOMBSTONE_LIFE: TimeDelta = TimeDelta::hours(30 * 24 + 1);

/// The versions of one line.
pub(super) struct Versions {
    pub(super) base: Option<String>,
    pub(super) ours: String,
    pub(super) theirs: String,
}

/// What came of a line.
pub(super) enum Joined {
    Line {
        text: String,
        /// Keys that both changed and of which one version was dropped.
        overruled: Vec<String>,
    },
    /// Made on both sides at different moments: two beads that happen to share an id.
    TwoBeads,
}

/// What a merge needs beside the lines.
pub(super) struct Moment {
    now: DateTime<Utc>,
    /// The highest number of a comment on either side.
    last_comment: u64,
}

impl Moment {
    pub(super) fn new(now: DateTime<Utc>, docs: [&Document; 2]) -> Self {
        let comments = docs.into_iter().flat_map(|doc| &doc.beads).flat_map(|bead| &bead.comments);
        let last_comment = comments.filter_map(|c| c.id.as_u64()).max().unwrap_or_default();
        Self { now, last_comment }
    }

    pub(super) fn next_comment(&mut self) -> u64 {
        self.last_comment = self.last_comment.saturating_add(1);
        self.last_comment
    }
}

/// Merges one bead's line.
pub(super) fn join(versions: &Versions, moment: &mut Moment) -> Joined {
    let parse = |line: &str| Record::parse(line).map(Record::into_owned);
    let base = versions.base.as_deref().and_then(parse);
    let (Some(ours), Some(theirs)) = (parse(&versions.ours), parse(&versions.theirs)) else {
        unreachable!("a line that is a bead is a JSON object")
    };
    if base.is_none() && different_beads(&ours, &theirs) {
        return Joined::TwoBeads;
    }
    let later =
        if time(&theirs, "updated_at") > time(&ours, "updated_at") { Side::Theirs } else { Side::Ours };
    let mut out = ours.clone();
    let mut overruled = Vec::new();
    for key in keys(&ours, &theirs) {
        let values = Values::of(&key, base.as_ref(), &ours, &theirs);
        if let Some(value) = values.undisputed() {
            put(&mut out, &key, value.map(str::to_owned));
            continue;
        }
        let decided = dispute(&key, values, Conflict { ours: &ours, theirs: &theirs, later }, moment);
        if decided.drops {
            overruled.push(key.clone());
        }
        put(&mut out, &key, decided.value);
    }
    repair(&mut out, &ours, &theirs);
    overruled.sort();
    Joined::Line { text: out.render(), overruled }
}

/// As [`super::newer`]: what the later version says anything about counts as unchanged here.
pub(super) fn newer(here: &str, later: &str, now: DateTime<Utc>) -> String {
    const JOINED: [&str; 5] = ["labels", "dependencies", "comments", "notes", "metadata"];
    let parse = |line: &str| Record::parse(line).map(Record::into_owned);
    let (Some(mut base), Some(incoming)) = (parse(here), parse(later)) else {
        unreachable!("a line that is a bead is a JSON object")
    };
    let keys: Vec<String> = base.keys().map(str::to_owned).collect();
    for key in keys.iter().filter(|key| incoming.get(key).is_none() || JOINED.contains(&key.as_str())) {
        base.remove(key);
    }
    let docs = [here, later].map(|line| Document::read(line.as_bytes().to_vec()));
    let mut moment = Moment::new(now, [&docs[0], &docs[1]]);
    let versions = Versions { base: Some(base.render()), ours: here.to_owned(), theirs: later.to_owned() };
    match join(&versions, &mut moment) {
        Joined::Line { text, .. } => text,
        Joined::TwoBeads => later.to_owned(),
    }
}

struct Conflict<'a> {
    ours: &'a Record<'a>,
    theirs: &'a Record<'a>,
    later: Side,
}

/// A key that both sides changed, decided.
struct Decided {
    value: Option<String>,
    /// A version was dropped that a person may want.
    drops: bool,
}

fn dispute(key: &str, values: Values<'_>, conflict: Conflict<'_>, moment: &mut Moment) -> Decided {
    let quiet = |value: Option<String>| Decided { value, drops: false };
    let take = |side: Side| values.of_side(side).map(str::to_owned);
    match key {
        "labels" => quiet(lists::labels(values)),
        "dependencies" => quiet(lists::dependencies(values, conflict.later)),
        "comments" => quiet(lists::comments(values, conflict.later, moment)),
        "notes" => quiet(notes(values)),
        "updated_at" => quiet(take(conflict.later)),
        "closed_at" | "deleted_at" | "due_at" | "defer_until" => {
            let is_theirs = time(conflict.theirs, key) > time(conflict.ours, key);
            let side = if is_theirs { Side::Theirs } else { Side::Ours };
            Decided { value: take(side), drops: matches!(key, "due_at" | "defer_until") }
        }
        "close_reason" | "closed_by_session" => {
            let is_theirs = time(conflict.theirs, "closed_at") > time(conflict.ours, "closed_at");
            let side = if is_theirs { Side::Theirs } else { Side::Ours };
            Decided { value: take(side), drops: true }
        }
        "status" => {
            let side = status(&conflict, moment.now).unwrap_or(conflict.later);
            Decided { value: take(side), drops: true }
        }
        "metadata" => metadata(values, conflict.later),
        // Counts that `bd` derives; stale on both sides alike.
        "dependency_count" | "dependent_count" | "comment_count" => quiet(take(conflict.later)),
        _ => Decided { value: take(conflict.later), drops: true },
    }
}

/// Closed wins, then a tombstone that is still kept, then nobody in particular.
fn status(conflict: &Conflict<'_>, now: DateTime<Utc>) -> Option<Side> {
    let is = |record: &Record<'_>, wanted: &str| {
        record.get("status").and_then(string).is_some_and(|status| status == wanted)
    };
    let wins = |record: &Record<'_>| {
        let expires = time(record, "deleted_at").and_then(|at| at.checked_add_signed(TOMBSTONE_LIFE));
        is(record, "tombstone") && expires.is_none_or(|end| now < end)
    };
    for test in [&(|record: &Record<'_>| is(record, "closed")) as &dyn Fn(&Record<'_>) -> bool, &wins] {
        match (test(conflict.ours), test(conflict.theirs)) {
            (true, false) => return Some(Side::Ours),
            (false, true) => return Some(Side::Theirs),
            _ => {}
        }
    }
    // What is left of an expired tombstone yields to a live bead.
    match (is(conflict.ours, "tombstone"), is(conflict.theirs, "tombstone")) {
        (true, false) => Some(Side::Theirs),
        (false, true) => Some(Side::Ours),
        _ => None,
    }
}

/// Both texts, unless one already holds the other.
fn notes(values: Values<'_>) -> Option<String> {
    let texts: Vec<String> = [values.ours, values.theirs].into_iter().flatten().filter_map(string).collect();
    match &texts[..] {
        [ours, theirs] if ours.contains(theirs.as_str()) => Some(text::string(ours)),
        [ours, theirs] if theirs.contains(ours.as_str()) => Some(text::string(theirs)),
        [ours, theirs] => Some(text::string(&format!("{ours}\n\n---\n\n{theirs}"))),
        // Cleared by one side and changed by the other: the text stays.
        [only] => Some(text::string(only)),
        _ => values.ours.or(values.theirs).map(str::to_owned),
    }
}

/// Objects are merged key by key; anything else is one value.
fn metadata(values: Values<'_>, later: Side) -> Decided {
    let parse = |text: Option<&str>| match text {
        None => Record::parse("{}").map(Record::into_owned),
        Some(text) => Record::parse(text).map(Record::into_owned),
    };
    let whole = || Decided { value: values.of_side(later).map(str::to_owned), drops: true };
    let (Some(ours), Some(theirs)) = (parse(values.ours), parse(values.theirs)) else { return whole() };
    let base = values.base.and_then(|text| parse(Some(text)));
    let mut out = ours.clone();
    let mut drops = false;
    for key in keys(&ours, &theirs) {
        let inner = Values::of(&key, base.as_ref(), &ours, &theirs);
        let value = inner.undisputed().unwrap_or_else(|| {
            // A claim's token stands and falls with the assignee, which is told.
            drops |= key != CLAIM_KEY;
            inner.of_side(later)
        });
        match value.map(str::to_owned) {
            Some(value) => out.set_last(&key, value),
            None => out.remove(&key),
        }
    }
    let value = (!out.is_empty()).then(|| out.render());
    Decided { value, drops }
}

/// `closed_at` is there exactly while the bead is closed, and a closed bead has no claim.
fn repair(out: &mut Record<'_>, ours: &Record<'_>, theirs: &Record<'_>) {
    let status = out.get("status").and_then(string).unwrap_or_default();
    if status != "closed" {
        if status != "tombstone" {
            for key in ["closed_at", "close_reason", "closed_by_session"] {
                out.remove(key);
            }
        }
        return;
    }
    if out.get("closed_at").is_none_or(|at| at == "null") {
        let places =
            [(theirs, "closed_at"), (ours, "closed_at"), (&*out, "updated_at"), (&*out, "created_at")];
        let at = places.into_iter().filter_map(|(record, key)| record.get(key)).find(|at| *at != "null");
        if let Some(at) = at.map(str::to_owned) {
            out.set("closed_at", at);
        }
    }
    for key in ["close_reason", "closed_by_session"] {
        if out.get(key).is_none()
            && let Some(value) = [ours, theirs].into_iter().find_map(|side| {
                let is_closed = side.get("status").and_then(string).is_some_and(|status| status == "closed");
                side.get(key).filter(|_| is_closed)
            })
        {
            out.set(key, value.to_owned());
        }
    }
    let metadata = out.get("metadata").unwrap_or_default().to_owned();
    if let Some(mut metadata) = Record::parse(&metadata)
        && metadata.get(CLAIM_KEY).is_some()
    {
        metadata.remove(CLAIM_KEY);
        out.remove("assignee");
        put(out, "metadata", (!metadata.is_empty()).then(|| metadata.render()));
    }
}

/// Different moments of birth; a bead that does not say counts as the same one.
fn different_beads(ours: &Record<'_>, theirs: &Record<'_>) -> bool {
    match (time(ours, "created_at"), time(theirs, "created_at")) {
        (Some(a), Some(b)) => a != b,
        _ => ours.get("title") != theirs.get("title"),
    }
}

/// The keys of ours in its order, then those that only theirs has.
fn keys(ours: &Record<'_>, theirs: &Record<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for key in ours.keys().chain(theirs.keys()) {
        if seen.insert(key.to_owned()) {
            all.push(key.to_owned());
        }
    }
    all
}

fn put(out: &mut Record<'_>, key: &str, value: Option<String>) {
    match value {
        Some(value) if out.get(key) == Some(value.as_str()) => {}
        Some(value) => out.set(key, value),
        None if out.get(key) == Some("null") => {}
        None => out.remove(key),
    }
}

pub(super) fn string(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

fn time(record: &Record<'_>, key: &str) -> Option<DateTime<Utc>> {
    let text = record.get(key).and_then(string)?;
    DateTime::parse_from_rfc3339(&text).ok().map(|at| at.to_utc())
}

//! One tracker line as text that can be changed key by key.
//!
//! Owns the splicing: a changed key gets a new value, a new key stands where `bd`'s struct order puts it,
//! and every other byte of the line (unknown keys, odd numbers, white space, escapes) stays. It knows
//! nothing of what the keys mean. Start with [`Record::parse`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The keys of a record in the order `bd` writes them.
const ORDER: &[&str] = &[
    "_type",
    "id",
    "content_hash",
    "title",
    "description",
    "design",
    "acceptance_criteria",
    "notes",
    "spec_id",
    "status",
    "priority",
    "issue_type",
    "assignee",
    "owner",
    "estimated_minutes",
    "created_at",
    "created_by",
    "updated_at",
    "started_at",
    "closed_at",
    "close_reason",
    "closed_by_session",
    "lease_expires_at",
    "heartbeat_at",
    "due_at",
    "defer_until",
    "external_ref",
    "source_system",
    "metadata",
    "compaction_level",
    "compacted_at",
    "compacted_at_commit",
    "original_size",
    "source_repo",
    "labels",
    "dependencies",
    "comments",
    "deleted_at",
    "deleted_by",
    "delete_reason",
    "original_type",
    "sender",
    "ephemeral",
    "pinned",
    "is_template",
    "dependency_count",
    "dependent_count",
    "comment_count",
    "parent",
];

/// A JSON object as a list of members that keep their text.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    head: Cow<'a, str>,
    members: Vec<Member<'a>>,
    tail: Cow<'a, str>,
}

#[derive(Debug, Clone)]
struct Member<'a> {
    key: String,
    /// What stands between the value before and this key: a comma and white space.
    lead: Cow<'a, str>,
    /// The key as written, with its colon.
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Record<'a> {
    /// `None` unless the line is one JSON object (white space and a byte order mark around it are kept).
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let start = line.find('{')?;
        let (before, body) = line.split_at(start);
        if !before.trim_start_matches('\u{feff}').trim().is_empty() {
            return None;
        }
        let parsed: Members<'_> = serde_json::from_str(body).ok()?;
        let mut members = Vec::with_capacity(parsed.0.len() + 4);
        let mut end = 1;
        for (key, raw) in parsed.0 {
            let value = offset(body, raw.get());
            let gap = &body[end..value];
            let (lead, name) = gap.split_at(gap.find('"')?);
            members.push(Member { key, lead: lead.into(), name: name.into(), value: raw.get().into() });
            end = value + raw.get().len();
        }
        Some(Self { head: line[..=start].into(), members, tail: body[end..].into() })
    }

    /// The same, free of the line it was read from.
    pub(crate) fn into_owned(self) -> Record<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let member =
            |m: Member<'_>| Member { key: m.key, lead: own(m.lead), name: own(m.name), value: own(m.value) };
        Record {
            head: own(self.head),
            members: self.members.into_iter().map(member).collect(),
            tail: own(self.tail),
        }
    }

    /// The keys in the order of the line.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|m| m.key.as_str())
    }

    /// The text of a key's value. Of a repeated key the last counts, as in Go.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.members.iter().rev().find(|m| m.key == key).map(|m| m.value.as_ref())
    }

    #[cfg(test)]
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.members.iter().map(|m| (m.name.to_string(), m.value.to_string())).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Gives a key a new value, at its old place or where `bd` would write it.
    pub(crate) fn set(&mut self, key: &str, value: String) {
        if let Some(member) = self.members.iter_mut().rev().find(|m| m.key == key) {
            member.value = value.into();
        } else {
            let at = self.place_of(key);
            self.insert(at, key, value);
        }
    }

    /// Gives a key a new value, at its old place or at the end.
    pub(crate) fn set_last(&mut self, key: &str, value: String) {
        if self.get(key).is_some() {
            self.set(key, value)
        } else {
            self.insert(self.members.len(), key, value)
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        while let Some(at) = self.members.iter().position(|m| m.key == key) {
            let gone = self.members.remove(at);
            if at == 0
                && let Some(first) = self.members.first_mut()
            {
                first.lead = gone.lead;
            }
        }
    }

    /// The line with its changes.
    pub(crate) fn render(&self) -> String {
        let parts = self.members.iter().map(|m| m.lead.len() + m.name.len() + m.value.len()).sum::<usize>();
        let mut out = String::with_capacity(self.head.len() + parts + self.tail.len());
        out.push_str(&self.head);
        for member in &self.members {
            out.push_str(&member.lead);
            out.push_str(&member.name);
            out.push_str(&member.value);
        }
        out.push_str(&self.tail);
        out
    }

    fn insert(&mut self, at: usize, key: &str, value: String) {
        let lead = if at == 0 { "" } else { "," };
        if at == 0
            && let Some(first) = self.members.first_mut()
        {
            first.lead = ",".into();
        }
        let name = format!("{}:", super::text::string(key)).into();
        self.members.insert(at, Member { key: key.to_owned(), lead: lead.into(), name, value: value.into() });
    }

    /// After the last key that comes before it, so that unknown keys at the end stay there.
    fn place_of(&self, key: &str) -> usize {
        let Some(rank) = rank_of(key) else { return self.members.len() };
        if let Some(before) = self.members.iter().rposition(|m| rank_of(&m.key).is_some_and(|r| r < rank)) {
            return before + 1;
        }
        self.members.iter().position(|m| rank_of(&m.key).is_some()).unwrap_or(self.members.len())
    }
}

fn rank_of(key: &str) -> Option<usize> {
    ORDER.iter().position(|k| *k == key)
}

/// Where `part` begins in `whole`; it must be a slice of it.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    out.push(entry);
                }
                Ok(Members(out))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests;

//! A bead as every room but its tracker sees it: the typed part of one tracker record.
//!
//! Owns the fields the house reads and their names in `bd`'s JSON. It keeps no unknown keys: what a tracker
//! file holds beyond this stays with `beads::jsonl`, byte for byte. Start with [`Bead`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::BeadId;

/// One issue of the tracker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bead {
    pub id: BeadId,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub design: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acceptance_criteria: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    #[serde(default)]
    pub status: Status,
    /// 0 is the most urgent; a record without the key is 0 (facts/beads.md section 0).
    #[serde(default)]
    pub priority: i64,
    #[serde(default = "task", skip_serializing_if = "String::is_empty")]
    pub issue_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defer_until: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_system: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<serde_json::Value>,
}

fn task() -> String {
    "task".to_owned()
}

impl Bead {
    /// The claim of a Beadwork run, when the tracker kept our metadata.
    pub fn claim_token(&self) -> Option<&str> {
        self.metadata.as_ref()?.get(CLAIM_KEY)?.as_str()
    }

    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l == label)
    }

    /// Text that came from outside this project: its instructions deserve less trust (T19).
    pub fn is_imported(&self) -> bool {
        self.external_ref.as_ref().is_some_and(|r| !r.is_empty())
            || self.source_system.as_ref().is_some_and(|s| !s.is_empty())
            || self.metadata.as_ref().is_some_and(|m| m.get(IMPORT_KEY).is_some())
    }
}

/// The key under `metadata` that holds the fencing token of a claim.
pub const CLAIM_KEY: &str = "beadwork_claim";

/// The label of a bead that nobody works on before a person approved it (rules 12).
pub const PROPOSED: &str = "proposed";

/// The key under `metadata` that says when a bead came by import.
pub const IMPORT_KEY: &str = "beadwork_imported";

/// Where a bead stands. Custom statuses of a tracker are kept as they are spelt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    #[default]
    Open,
    InProgress,
    Blocked,
    Deferred,
    Closed,
    Pinned,
    Hooked,
    Tombstone,
    Other(String),
}

impl Status {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Blocked => "blocked",
            Self::Deferred => "deferred",
            Self::Closed => "closed",
            Self::Pinned => "pinned",
            Self::Hooked => "hooked",
            Self::Tombstone => "tombstone",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for Status {
    fn from(text: String) -> Self {
        match text.as_str() {
            "" | "open" => Self::Open,
            "in_progress" => Self::InProgress,
            "blocked" => Self::Blocked,
            "deferred" => Self::Deferred,
            "closed" => Self::Closed,
            "pinned" => Self::Pinned,
            "hooked" => Self::Hooked,
            "tombstone" => Self::Tombstone,
            _ => Self::Other(text),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        status.as_str().to_owned()
    }
}

/// An edge, stored on the bead that waits (or, for `parent-child`, on the child).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub issue_id: BeadId,
    pub depends_on_id: BeadId,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// A JSON text, as `bd` stores it: `{"gate":"any-children"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// A remark on a bead. The id is a number in classic trackers and text later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    #[serde(default)]
    pub id: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_id: Option<BeadId>,
    #[serde(default)]
    pub author: String,
    #[serde(default)]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
}

/// What `bead add` (or a finding) asks a tracker to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBead {
    pub title: String,
    pub description: String,
    pub priority: i64,
    pub issue_type: String,
    /// With [`PROPOSED`] among them the bead begins as deferred, without a date.
    pub labels: Vec<String>,
    /// Edges from the new bead: (type, target).
    pub edges: Vec<(String, BeadId)>,
    /// Beads that shall wait for the new one.
    pub blocks: Vec<BeadId>,
    pub actor: String,
}

impl NewBead {
    /// The status it begins with.
    pub fn status(&self) -> Status {
        if self.labels.iter().any(|label| label == PROPOSED) { Status::Deferred } else { Status::Open }
    }
}

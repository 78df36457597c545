//! One defect with its place and weight, from a gate or a reviewer.
//!
//! Owns the shape that goes back to the author as the next round's task, and the words a review has for weight
//! and origin. How findings are read and matched is for `gate` and `review`. Start with [`Finding`].

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Finding {
    /// Who found it: `gate:test`, `review`, for example.
    pub source: String,
    pub title: String,
    /// What the author needs to see; at most a few kilobytes, already cleaned of control bytes.
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Severity::is_major")]
    pub severity: Severity,
}

/// How much a finding weighs, heaviest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    /// What a gate finds, and a finding whose weight nobody told.
    #[default]
    Major,
    Minor,
    Note,
}

impl Severity {
    /// Only material findings keep work from landing (rules 16.2).
    pub const fn is_material(self) -> bool {
        matches!(self, Self::Critical | Self::Major)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Note => "note",
        }
    }

    fn is_major(&self) -> bool {
        *self == Self::Major
    }
}

/// Which change a finding is in (rules 16.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It was there before the work began, and is never the author's task.
    PreExisting,
    /// In what the bead's work changed.
    ThisChange,
    /// In what fix `n` changed; 1 answers the first review.
    Fix(u32),
}

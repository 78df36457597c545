//! One defect with its place and weight, from a gate or a reviewer.
//!
//! Owns the shape that goes back to the author as the next attempt's task. How findings are read and
//! matched is for `gate` and (later) `review`. Start with [`Finding`].

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Who found it: `gate:test`, for example.
    pub source: String,
    pub title: String,
    /// What the author needs to see; at most a few kilobytes, already cleaned of control bytes.
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

//! How people write an edge of a new bead: `ID` or `TYPE:ID`.
//!
//! Owns that grammar and the edge types that `bd` has words for. It knows no bead. Start with [`Edge::parse`].

use super::ids::BeadId;

/// The edge types that `bd` has words for; it takes any other as a link that holds nothing back.
pub const KINDS: [&str; 19] = [
    "blocks",
    "parent-child",
    "conditional-blocks",
    "waits-for",
    "related",
    "discovered-from",
    "replies-to",
    "relates-to",
    "duplicates",
    "supersedes",
    "authored-by",
    "assigned-to",
    "approved-by",
    "attests",
    "tracks",
    "until",
    "caused-by",
    "validates",
    "delegated-from",
];

/// From the new bead to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub kind: String,
    pub to: BeadId,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEdge {
    /// `bd` changed the direction of this one in 1.0.4.
    #[error("`blocks:{0}` is ambiguous")]
    Ambiguous(String),
    #[error("`{0}`: expected ID or TYPE:ID")]
    Shape(String),
}

impl Edge {
    pub fn parse(text: &str) -> Result<Self, BadEdge> {
        let edge = |kind: &str, to: &str| Self { kind: kind.to_owned(), to: BeadId::new(to) };
        match text.split_once(':') {
            None if text.trim().is_empty() => Err(BadEdge::Shape(text.to_owned())),
            None => Ok(edge("blocks", text)),
            Some(("blocks", id)) => Err(BadEdge::Ambiguous(id.to_owned())),
            Some(("external", _)) => Ok(edge("blocks", text)),
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(edge(kind, id)),
            Some(_) => Err(BadEdge::Shape(text.to_owned())),
        }
    }
}

//! What a merge has to say to a person.
//!
//! Owns the words for what was decided against one side and for what no rule could decide. It decides nothing
//! itself. Start with [`Note`].

use std::fmt;

use crate::domain::ids::BeadId;

/// One of the two changed versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Ours,
    Theirs,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        })
    }
}

/// Something that a merge decided, or could not decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A side has conflict markers already: both files stand whole between markers.
    Markers { side: Side, line: usize },
    /// Both sides made a bead with the same id; they are different beads.
    TwoBeads { id: BeadId },
    /// Several lines of one id, or a line that is no bead, were changed in both.
    Undecided { what: String },
    /// Deleted by one side, changed by the other: the changed one stays.
    KeptChanged { id: BeadId, deleted_by: Side },
    /// Both sides changed these keys, and one version was dropped by the rules.
    Overruled { id: BeadId, keys: Vec<String> },
    /// A line that cannot be read was kept as it is.
    Unreadable { side: Side, line: usize, why: String },
}

impl Note {
    /// Both versions stand in the file, and a person has to choose.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Markers { .. } | Self::TwoBeads { .. } | Self::Undecided { .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Markers { side, line } => {
                write!(f, "{side} has a merge conflict marker in line {line}: both files are kept whole")
            }
            Self::TwoBeads { id } => {
                write!(f, "`{id}` is a different bead on each side: give one of them another id")
            }
            Self::Undecided { what } => write!(f, "{what} was changed on both sides: keep one"),
            Self::KeptChanged { id, deleted_by } => {
                write!(f, "`{id}` was deleted in {deleted_by} and changed in the other: it stays")
            }
            Self::Overruled { id, keys } => {
                let keys = keys.join("`, `");
                write!(f, "`{id}`: both sides changed `{keys}`; the later change stands, closed before open")
            }
            Self::Unreadable { side, line, why } => {
                write!(f, "line {line} of {side} cannot be read ({why}): it is kept as it is")
            }
        }
    }
}

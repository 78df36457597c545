//! Which ready beads the night may take (rules 14.2).
//!
//! Owns one closed list of reasons, each naming its rule. Readiness itself is the tracker's, and a bead that a
//! person names is worked on without asking here. Start with [`judge`].

use crate::config::night::NightFilter;
use crate::domain::bead::Bead;
use crate::domain::text::one_line;

/// Labels that keep a bead for people, whatever a project says.
const FOR_PEOPLE: &[&str] = &["human", "parked", "proposed"];
/// Kinds of beads that hold no work of their own.
const NO_WORK: &[&str] = &["epic", "gate"];

/// Why the night leaves a ready bead alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excluded {
    Assigned {
        to: String,
    },
    /// An epic or a gate.
    NoWork {
        kind: String,
    },
    /// `human`, `parked` or `proposed`.
    ForPeople {
        label: String,
    },
    /// One of `night.exclude_labels`.
    Label {
        label: String,
    },
    /// None of `night.labels`.
    NoLabel {
        wanted: Vec<String>,
    },
    /// Not in `night.types`.
    Type {
        kind: String,
        wanted: Vec<String>,
    },
    /// Above `night.max_priority`.
    Priority {
        priority: i64,
        most: u32,
    },
}

/// `None`: the night may take it.
pub fn judge(bead: &Bead, filter: &NightFilter) -> Option<Excluded> {
    let kind = bead.issue_type.as_str();
    if let Some(to) = bead.assignee.as_ref().filter(|who| !who.trim().is_empty()) {
        return Some(Excluded::Assigned { to: one_line(to, 60) });
    }
    if NO_WORK.contains(&kind) {
        return Some(Excluded::NoWork { kind: kind.to_owned() });
    }
    if let Some(label) = FOR_PEOPLE.iter().find(|label| bead.has_label(label)) {
        return Some(Excluded::ForPeople { label: (*label).to_owned() });
    }
    if let Some(label) = filter.exclude_labels.iter().find(|label| bead.has_label(label)) {
        return Some(Excluded::Label { label: label.clone() });
    }
    if !filter.labels.is_empty() && !filter.labels.iter().any(|label| bead.has_label(label)) {
        return Some(Excluded::NoLabel { wanted: filter.labels.clone() });
    }
    if !filter.types.is_empty() && !filter.types.iter().any(|t| t == kind) {
        return Some(Excluded::Type { kind: one_line(kind, 60), wanted: filter.types.clone() });
    }
    let most = filter.max_priority.filter(|most| bead.priority > i64::from(*most))?;
    Some(Excluded::Priority { priority: bead.priority, most })
}

impl Excluded {
    pub fn sentence(&self) -> String {
        let list = |words: &[String]| format!("`{}`", words.join("`, `"));
        match self {
            Self::Assigned { to } => {
                format!("it is assigned to `{to}`, and the night takes unassigned beads only")
            }
            Self::NoWork { kind } => format!("it is of type `{kind}`, which holds no work of its own"),
            Self::ForPeople { label } => {
                format!("it is excluded by the label `{label}`, which keeps it for a person")
            }
            Self::Label { label } => {
                format!("it is excluded by the label `{label}` (`night.exclude_labels` in bead.yaml)")
            }
            Self::NoLabel { wanted } => {
                format!("it has none of the labels {} (`night.labels` in bead.yaml)", list(wanted))
            }
            Self::Type { kind, wanted } => {
                format!("its type is `{kind}`, and `night.types` in bead.yaml names {}", list(wanted))
            }
            Self::Priority { priority, most } => {
                format!("its priority is {priority}, and `night.max_priority` in bead.yaml is {most}")
            }
        }
    }
}

#[cfg(test)]
mod tests;

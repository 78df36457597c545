//! What a person may do with a bead that did not land, by how it ended.
//!
//! Owns the one list that the bead's comment and the command's hints share. What each command then does is for
//! `hand`. Start with [`steps`].

use crate::domain::ids::BeadId;
use crate::domain::run::{Cause, Outcome};

/// Things to do, the likeliest first, each a phrase with its command.
pub(super) fn steps(bead: &BeadId, outcome: Outcome, cause: Option<&Cause>) -> Vec<String> {
    let again = format!("try again: `bead retry {bead}`, then `bead work {bead}`");
    match (outcome, cause.map(Cause::as_str)) {
        (Outcome::Landed | Outcome::Suspended, _) => Vec::new(),
        (Outcome::NoChange, _) => vec![
            format!("if that is right: `bead approve {bead}` closes it as nothing to do"),
            format!("if not: say more in the bead, then `bead retry {bead}`"),
        ],
        (Outcome::Blocked, _) => vec![format!("it goes on by itself when that is closed: `bead why {bead}`")],
        (Outcome::Parked, Some("question")) => vec![format!("answer it: `bead answer {bead} TEXT`")],
        (Outcome::Parked, Some("protected" | "tampering")) => {
            vec![
                format!("if it is fine as it is: `bead approve {bead}`, then `bead work {bead}`"),
                format!("if not: `bead retry {bead} --fresh`, then `bead work {bead}`"),
            ]
        }
        (Outcome::Parked, Some("review")) => vec![
            format!("what was found: `bead findings {bead}`"),
            format!("if it is fine as it is: `bead approve {bead}`, then `bead work {bead}`"),
            again,
        ],
        (Outcome::Parked, _) => vec![again],
        _ => vec![format!("try again: `bead work {bead}`")],
    }
}

#[cfg(test)]
mod tests;

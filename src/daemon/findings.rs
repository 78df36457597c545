//! Every finding of a project's reviews and where it stands, from the journal.
//!
//! Owns the fold of verdicts and of what was filed since. It files nothing (`filing` does) and knows no format of
//! output. Start with [`all`].

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::domain::verdict::{Entry, Filed, Standing};
use crate::journal::{Journal, JournalError};

/// A finding with where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The bead whose work was reviewed.
    pub bead: BeadId,
    /// The review's run that told of it last.
    pub run: Option<RunId>,
    pub at: DateTime<Utc>,
    pub entry: Entry,
}

/// All findings of a project, or of one of its beads, as they stand now: oldest first, each once.
pub fn all(
    journal: &Journal,
    project: &ProjectId,
    bead: Option<&BeadId>,
) -> Result<Vec<Found>, JournalError> {
    let since = DateTime::<Utc>::MIN_UTC;
    let mut events = journal.events_of("reviewed", since)?;
    events.extend(journal.events_of("findings_filed", since)?);
    events.sort_by_key(|event| event.seq);
    let ours = |event: &Event| {
        event.project.as_ref() == Some(project) && bead.is_none_or(|bead| event.bead.as_ref() == Some(bead))
    };
    let mut all = Vec::new();
    let mut at = HashMap::new();
    for event in events.into_iter().filter(ours) {
        let Some(bead) = event.bead else { continue };
        match event.body {
            Body::Reviewed { review, .. } => {
                for entry in review.ledger {
                    let key = (bead.clone(), entry.fingerprint.clone());
                    let found = Found { bead: bead.clone(), run: event.run.clone(), at: event.at, entry };
                    let place = *at.entry(key).or_insert_with(|| {
                        all.push(found.clone());
                        all.len() - 1
                    });
                    all[place] = found;
                }
            }
            Body::FindingsFiled { filed, .. } => {
                for one in filed {
                    if let Some(place) = at.get(&(bead.clone(), one.fingerprint.clone())) {
                        let found: &mut Found = &mut all[*place];
                        found.entry.standing = standing(&one);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(all)
}

/// Where a finding stands after it was filed.
pub fn standing(filed: &Filed) -> Standing {
    match (&filed.bead, &filed.why) {
        (Some(bead), _) => Standing::Filed { bead: bead.clone() },
        (None, why) => Standing::Waived { reason: why.clone().unwrap_or_default() },
    }
}

#[cfg(test)]
mod tests;

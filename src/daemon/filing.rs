//! Findings and blockers as beads of the project's tracker.
//!
//! Owns the order of reading, planning, creating and telling, so that a crash anywhere files nothing twice: what was
//! made is found among the beads that are there. What becomes a bead is planned in `review::filing`. Start
//! with [`file`] and [`blocker`].

mod blocker;
mod tonight;

use std::collections::HashMap;

use super::error::EngineError;
use super::house::{House, Site};
use crate::config::review::CreateBeads;
use crate::domain::bead::PROPOSED;
use crate::domain::event::Body;
use crate::domain::ids::{BeadId, RunId};
use crate::domain::verdict::{Entry, Filed, Standing};
use crate::journal;
use crate::review::filing::{ACTOR, Caps, Item, Plan, What, plan};
use crate::review::similar::Words;

pub use blocker::{Blocker, BlockerError, blocker};

/// Who is asked before findings become beads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Said yes at a terminal.
    Agreed,
    /// Said no.
    Declined,
    /// Nobody was there to ask.
    Absent,
}

/// Findings that shall become beads.
pub struct Filing<'a> {
    pub house: &'a House,
    pub site: &'a Site,
    /// The bead whose work was reviewed.
    pub source: &'a BeadId,
    /// The review's own run.
    pub run: Option<&'a RunId>,
    pub attempt: Option<u32>,
    pub create: CreateBeads,
    pub person: Person,
}

/// What was filed, as the event that was written has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub filed: Vec<Filed>,
    pub left_out: u32,
}

/// Files the open entries of a ledger, and writes [`Body::FindingsFiled`] where there were some. Call it when nothing
/// of them is the author's task any more. Nothing is filed twice.
pub async fn file(filing: &Filing<'_>, entries: &[Entry]) -> Result<Outcome, EngineError> {
    let open: Vec<Entry> = entries.iter().filter(|entry| entry.standing == Standing::Open).cloned().collect();
    if open.is_empty() {
        return Ok(Outcome::default());
    }
    let outcome = match declined(filing) {
        Some(why) => Outcome { filed: open.iter().map(|entry| waived(entry, why)).collect(), left_out: 0 },
        None => create(filing, &open).await?,
    };
    tell(filing, &outcome)?;
    Ok(outcome)
}

/// Writes down that these entries become no beads, and why.
pub fn waive(filing: &Filing<'_>, entries: &[Entry], why: &str) -> Result<(), EngineError> {
    if entries.is_empty() {
        return Ok(());
    }
    tell(filing, &Outcome { filed: entries.iter().map(|entry| waived(entry, why)).collect(), left_out: 0 })
}

fn tell(filing: &Filing<'_>, outcome: &Outcome) -> Result<(), EngineError> {
    filing.house.journal.tell(journal::Entry {
        project: Some(filing.site.id.clone()),
        bead: Some(filing.source.clone()),
        run: filing.run.cloned(),
        attempt: filing.attempt,
        body: Body::FindingsFiled { filed: outcome.filed.clone(), left_out: outcome.left_out },
    })?;
    Ok(())
}

/// Why none of them becomes a bead.
fn declined(filing: &Filing<'_>) -> Option<&'static str> {
    match (filing.create, filing.person) {
        (CreateBeads::Never, Person::Absent) => Some("`review.create_beads` is `never`"),
        (_, Person::Declined) => Some("a person said no"),
        _ => None,
    }
}

fn waived(entry: &Entry, why: &str) -> Filed {
    Filed {
        fingerprint: entry.fingerprint.clone(),
        title: entry.finding.title.clone(),
        bead: None,
        created: false,
        proposed: false,
        why: Some(why.to_owned()),
    }
}

async fn create(filing: &Filing<'_>, open: &[Entry]) -> Result<Outcome, EngineError> {
    let tracker = &filing.site.tracker;
    let snapshot = tracker.snapshot().await?;
    let source = snapshot.find(filing.source)?.clone();
    let caps =
        Caps { night: tonight::left(&filing.house.journal, filing.house.clock.now())?, ..Caps::default() };
    let Plan { items, left_out } = plan(open, &source, &snapshot.beads, &caps, &Words);
    // Where nobody could be asked, what was found waits for somebody who can (rules 16.3).
    let unasked = filing.create == CreateBeads::Ask && filing.person == Person::Absent;
    let mut made: HashMap<String, (BeadId, bool)> = HashMap::new();
    let mut filed = Vec::with_capacity(items.len());
    let mut remarks = 0;
    for Item { fingerprint, title, what } in items {
        let mut one = Filed { fingerprint, title, bead: None, created: false, proposed: false, why: None };
        match what {
            What::File { mut bead, proposed } => {
                one.proposed = proposed || unasked;
                if one.proposed && !proposed {
                    bead.labels.push(PROPOSED.to_owned());
                }
                if let Some(run) = filing.run {
                    bead.description = with_run(&bead.description, run);
                }
                let bead = tracker.create(&bead).await?;
                made.insert(one.fingerprint.clone(), (bead.id.clone(), one.proposed));
                one.created = true;
                one.bead = Some(bead.id);
            }
            What::Known { bead, closed, remark } => {
                if let Some(text) = remark.filter(|_| remarks < Caps::default().review) {
                    remarks += 1;
                    tracker.comment(&bead, ACTOR, &text).await?;
                }
                let is_closed = if closed { ", which is closed" } else { "" };
                one.why = Some(format!("{bead}{is_closed} says the same"));
                one.proposed = snapshot.get(&bead).is_some_and(|bead| bead.has_label(PROPOSED));
                one.bead = Some(bead);
            }
            What::Twin { of } => one.why = Some(of),
            What::LeftOut { why } => one.why = Some(why),
        }
        filed.push(one);
    }
    for one in filed.iter_mut().filter(|one| one.bead.is_none()) {
        // Of a twin, `why` is the fingerprint of the first one, whose bead names this place too.
        if let Some((bead, proposed)) = one.why.as_ref().and_then(|of| made.get(of)) {
            one.why = Some(format!("{bead} says the same"));
            (one.bead, one.proposed) = (Some(bead.clone()), *proposed);
        }
    }
    Ok(Outcome { filed, left_out })
}

/// The run's name stands before the fingerprint, which is the last line.
fn with_run(description: &str, run: &RunId) -> String {
    match description.rsplit_once('\n') {
        Some((before, last)) => format!("{before}\nRun: {run}\n{last}"),
        None => description.to_owned(),
    }
}

#[cfg(test)]
mod tests;

//! How many beads tonight's reviews and blockers may still make (T31).
//!
//! Owns the count, which is read from the journal: a new process begins where the last one stopped. Start
//! with [`left`].

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::event::Body;
use crate::journal::{Journal, JournalError};
use crate::review::filing::Caps;

/// Outside of a night the last day counts.
const DAY: TimeDelta = TimeDelta::hours(24);

pub(super) fn left(journal: &Journal, now: DateTime<Utc>) -> Result<usize, JournalError> {
    let opened = journal.last_of("night_opened")?;
    let ended = journal.last_of("night_ended")?.map_or(0, |event| event.seq);
    let opened = opened.filter(|event| event.seq > ended);
    let (since, after) = opened.map_or((now - DAY, 0), |event| (event.at, event.seq));
    let mut made = 0;
    for kind in ["findings_filed", "blocked"] {
        for event in journal.events_of(kind, since)?.into_iter().filter(|event| event.seq > after) {
            made += match event.body {
                Body::FindingsFiled { filed, .. } => filed.iter().filter(|one| one.created).count(),
                Body::Blocked { created, .. } => usize::from(created),
                _ => 0,
            };
        }
    }
    Ok(Caps::default().night.saturating_sub(made))
}

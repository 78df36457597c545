//! The whole brief of a night, for the mail that tells its end.
//!
//! Owns finding the night of a summary and taking out of the brief's lines whatever a mail program would make a link of
//! (T39). What the brief says is `feed::brief`'s. Start with [`of`].

use chrono::{DateTime, Utc};

use super::texts::defang;
use crate::config::zone::Zone;
use crate::feed::brief::{self, Brief, MailBody, Which};
use crate::journal::{Journal, JournalError};

/// A longer text is cut: no mail grows with what agents wrote.
const MOST: usize = 400 << 10;

/// The name by which the brief of a night is found; `opened` is the number of the event that opened it.
pub(super) fn name(
    journal: &Journal,
    opened: u64,
    now: DateTime<Utc>,
) -> Result<Option<String>, JournalError> {
    let rows = brief::nights(journal, now)?;
    Ok(rows.into_iter().find(|row| row.first == opened).map(|row| row.id))
}

/// The brief of that night as a page; none where the journal does not know it or it grew beyond all bounds. It reads and
/// draws for a while: not for a thread on which others wait.
pub(super) fn of(
    journal: &Journal,
    opened: u64,
    base: Option<&str>,
    (now, zone): (DateTime<Utc>, Zone),
) -> Result<Option<MailBody>, JournalError> {
    let Some(name) = name(journal, opened, now)? else { return Ok(None) };
    let Some(mut brief) = brief::of(journal, &Which::Named(name), now, zone)? else { return Ok(None) };
    without_links(&mut brief);
    brief.base = base.map(str::to_owned);
    let body = brief::mail(&brief);
    Ok(Some(body).filter(|body| body.text.len() + body.html.len() <= MOST))
}

fn without_links(brief: &mut Brief) {
    let clean = |text: &mut String| *text = defang(text);
    clean(&mut brief.headline.text);
    for item in brief.sections.iter_mut().flat_map(|section| &mut section.items) {
        let lines = std::iter::once(&mut item.line).chain(&mut item.more).chain(item.settled.as_mut());
        lines.for_each(|line| clean(&mut line.text));
        if let Some(bead) = &mut item.bead {
            clean(&mut bead.title);
        }
    }
}

#[cfg(test)]
mod tests;

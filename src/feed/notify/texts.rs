//! The words of an alert: fixed templates into which cleaned, cut text is put.
//!
//! Owns what a person reads on a locked screen, in a mail and in a chat (T39): no text of a bead or an agent may
//! become a link, a second line of a title, or long. The only addresses are our own, by id. Start with [`message`].

mod defang;

use serde::Serialize;

use super::alert::{Alert, BeadEnd, Item, Kind, Summary, What};
use super::links::Link;
use crate::domain::clean::ellipsis;
use crate::domain::run::Outcome;
use crate::feed::brief::MailBody;
pub use defang::defang;

/// An alert in words, as every channel gets it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    pub key: String,
    pub kind: Kind,
    /// One line.
    pub title: String,
    /// A few lines, each cut.
    pub body: String,
    /// Where more is to be seen: our own origin, or nothing.
    pub link: Option<String>,
    /// What may be answered, each by a link of its own.
    pub actions: Vec<Link>,
    #[serde(skip)]
    pub at: chrono::DateTime<chrono::Utc>,
    /// A mail's own body, where there is more to say than these lines.
    #[serde(skip)]
    pub page: Option<MailBody>,
}

const TITLE: usize = 90;
const LINE: usize = 160;
/// So many beads are named; the others are counted.
const LINES: usize = 8;

/// The alert in words, without links.
pub fn message(alert: &Alert) -> Message {
    let lines: Vec<String> = match alert.items.as_slice() {
        [one] => single(one),
        many => {
            let mut lines: Vec<String> = many.iter().take(LINES).map(|item| listed(&item.what)).collect();
            if many.len() > LINES {
                lines.push(format!("and {} more", many.len() - LINES));
            }
            lines
        }
    };
    Message {
        key: alert.key.clone(),
        kind: alert.kind,
        title: ellipsis(&title(alert), TITLE),
        body: lines.join("\n"),
        link: None,
        actions: Vec::new(),
        at: alert.at,
        page: None,
    }
}

fn title(alert: &Alert) -> String {
    match alert.items.as_slice() {
        [Item { what: What::Bead(end), .. }] => ended(end),
        [Item { what: What::Stopped { .. }, .. }] => "Nothing more is started tonight".to_owned(),
        [Item { what: What::Summary(summary), .. }] => summed(summary),
        [Item { what: What::Test, .. }] => "Beadwork can reach you".to_owned(),
        many => {
            let n = many.len();
            let kinds = |kind| many.iter().filter(|item| item.kind == kind).count();
            let (needs, failed) = (kinds(Kind::NeedsYou), kinds(Kind::Failure));
            match (needs, failed) {
                (needs, 0) if needs == n => format!("{n} beads need you"),
                (0, failed) if failed == n => format!("{n} beads failed"),
                (0, 0) => format!("{n} beads are done"),
                (0, failed) => format!("{n} beads ended, {failed} failed"),
                (needs, _) => {
                    format!("{n} beads ended, {needs} need{} you", if needs == 1 { "s" } else { "" })
                }
            }
        }
    }
}

/// How a bead ended, in a few words.
fn ended(end: &BeadEnd) -> String {
    let bead = name(end);
    let cause = end.cause.as_deref().unwrap_or_default();
    match end.outcome {
        Outcome::Landed => format!("{bead} landed"),
        Outcome::NoChange => format!("{bead} needs you: nothing was changed"),
        Outcome::Blocked => format!("{bead} waits for another bead"),
        Outcome::Parked if end.is_for_merging() => format!("{bead} is on its branch, for you to merge"),
        Outcome::Parked => format!("{bead} needs you: {}", asks(cause)),
        Outcome::Failed => format!("{bead} failed"),
        Outcome::Timeout => format!("{bead} ran out of time"),
        Outcome::Cancelled => format!("{bead} was cancelled"),
        Outcome::Suspended => format!("{bead} is suspended"),
    }
}

/// What a person is asked for, by the cause; an unknown one is said as it is.
fn asks(cause: &str) -> String {
    match cause {
        "" => "it is parked".to_owned(),
        "question" => "it has a question".to_owned(),
        "review" => "the review leaves it to you".to_owned(),
        "protected" => "it changes protected paths".to_owned(),
        "tampering" => "it touches what judges it".to_owned(),
        "landed_beside" => "it landed beside your checkout".to_owned(),
        "conflict" => "it conflicts with the target".to_owned(),
        "red_base" => "the target itself fails".to_owned(),
        "gate" => "its gates fail".to_owned(),
        other => clean(&other.replace('_', " "), 40),
    }
}

fn single(item: &Item) -> Vec<String> {
    match &item.what {
        What::Bead(end) => {
            let mut lines = vec![clean(&end.title, LINE), clean(&end.reason, LINE)];
            lines.retain(|line| !line.is_empty());
            let attempts = crate::feed::tell::count(end.attempts, "attempt");
            lines.push(format!("{attempts}, ${:.2}", end.cost_usd));
            lines
        }
        What::Stopped { why } => vec![clean(why, LINE)],
        What::Summary(summary) => summary_lines(summary),
        What::Test => vec!["This is what an alert looks like.".to_owned()],
    }
}

fn listed(what: &What) -> String {
    match what {
        What::Bead(end) => {
            let title = clean(&end.title, 60);
            let colon = if title.is_empty() { "" } else { ": " };
            clean(&format!("{}{colon}{title}", ended(end)), LINE)
        }
        What::Stopped { why } => clean(why, LINE),
        What::Summary(summary) => summed(summary),
        What::Test => "a test".to_owned(),
    }
}

fn summed(summary: &Summary) -> String {
    let counts = [
        (summary.landed, "landed"),
        (summary.needs_you, if summary.needs_you == 1 { "needs you" } else { "need you" }),
        (summary.failed, "failed"),
        (summary.waiting, if summary.waiting == 1 { "waits" } else { "wait" }),
        (summary.cancelled, "cancelled"),
        (summary.suspended, "suspended"),
    ];
    let parts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let parts = if parts.is_empty() { "nothing ended".to_owned() } else { parts.join(", ") };
    format!("Night {}: {parts}", clean(&summary.night, 40))
}

fn summary_lines(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> =
        summary.listed.iter().take(LINES).map(|end| listed(&What::Bead(end.clone()))).collect();
    let others = summary.needs_you + summary.failed + summary.waiting + summary.cancelled;
    let more = usize::try_from(others).unwrap_or(usize::MAX).saturating_sub(lines.len());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    if summary.held > 0 {
        let word = if summary.held == 1 { "was" } else { "were" };
        lines.push(format!("{} of the night's alerts {word} held back until now", summary.held));
    }
    let why = clean(&summary.why, 80);
    let why = if why.is_empty() { String::new() } else { format!("; it ended because {why}") };
    lines.push(format!("${:.2} spent{why}", summary.cost_usd));
    lines
}

fn name(end: &BeadEnd) -> String {
    clean(end.bead.as_str(), 40)
}

/// One line of somebody else's text: clean, cut, and no link.
fn clean(text: &str, columns: usize) -> String {
    ellipsis(&defang(&ellipsis(text, 4 * columns)), columns)
}

#[cfg(test)]
mod tests;

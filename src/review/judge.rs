//! One round's verdict, and the ledger after it (rules 16.2).
//!
//! Owns when reviewing stops, and why. Stopping is not accepting: only a reply that was read whole, with no material
//! finding open that this work or one of its fixes has, is. The ledger itself is kept in `ledger`. It reads no reply
//! and files nothing. Start with [`judge`].

mod ledger;

use super::origin::Changed;
use super::reply::Reply;
use super::similar::{Similarity, Words};
use crate::domain::finding::Origin;
use crate::domain::verdict::{Entry, Review, Standing, Verdict};

/// What a judgement needs to know of the rounds so far.
#[derive(Debug, Clone, Copy)]
pub struct Round<'a> {
    /// Counts from 1; a repeated review has the same number.
    pub number: u32,
    /// How many there may be.
    pub rounds: u32,
    /// This round was already asked once more.
    pub repeated: bool,
    /// The ledger as the review before left it.
    pub earlier: &'a [Entry],
    pub changed: &'a Changed,
}

/// Judges a reply.
pub fn judge(reply: &Reply, round: &Round<'_>) -> Review {
    judge_by(reply, round, &Words)
}

/// The same, with another measure of likeness.
pub fn judge_by(reply: &Reply, round: &Round<'_>, similar: &dyn Similarity) -> Review {
    let ledger::Kept { entries, left_out } = ledger::after(reply, round, similar);
    let mut unread = reply.unread.clone();
    if left_out > 0 {
        unread.push(format!("{left_out} findings did not fit into the ledger"));
    }
    let (verdict, reason) = decide(reply, round, &entries, left_out > 0);
    Review {
        round: round.number,
        verdict,
        reason,
        summary: reply.summary.clone(),
        ready: reply.ready,
        ledger: entries,
        unread,
    }
}

/// Those entries that keep the work from landing.
pub fn holding(ledger: &[Entry]) -> impl Iterator<Item = &Entry> {
    ledger.iter().filter(|entry| entry.holds())
}

fn decide(reply: &Reply, round: &Round<'_>, ledger: &[Entry], overflowed: bool) -> (Verdict, String) {
    let holding: Vec<&Entry> = holding(ledger).collect();
    if holding.is_empty() {
        let why = if !reply.readable || overflowed {
            let why = reply.unread.first().map_or("nothing could be read of it", String::as_str);
            format!("the review could not be read: {why}")
        } else if reply.ready == Some(false) && reply.findings.is_empty() {
            "the reviewer says it is not ready, but not why".to_owned()
        } else {
            return (Verdict::Accept, accepted(ledger));
        };
        return match round.repeated {
            false => (Verdict::Again, why),
            true => (Verdict::Ask, format!("{why}, twice")),
        };
    }
    let open = count(&holding);
    // What holds the work was told before: a round with nothing new in it would only say so again.
    let is_told = round.earlier.iter().any(|entry| entry.holds() && entry.last < round.number);
    let of_fixes = holding.iter().all(|entry| matches!(entry.origin, Origin::Fix(_)));
    if is_told && !round.changed.since(round.number.saturating_sub(1)) {
        (Verdict::Ask, format!("nothing was changed in answer to the last review: {open}"))
    } else if of_fixes {
        (Verdict::Ask, format!("only what fixes caused is left: {open}"))
    } else if round.number >= round.rounds {
        (Verdict::Ask, format!("after {} of {} rounds there is still {open}", round.number, round.rounds))
    } else {
        (Verdict::Revise, open)
    }
}

fn accepted(ledger: &[Entry]) -> String {
    let open = ledger.iter().filter(|entry| entry.standing == Standing::Open).count();
    match open {
        0 => "the reviewer found nothing that is still there".to_owned(),
        1 => "nothing material is open in this change; one finding is left beside it".to_owned(),
        n => format!("nothing material is open in this change; {n} findings are left beside it"),
    }
}

/// `2 material findings: 1 in this change, 1 caused by a fix`.
fn count(holding: &[&Entry]) -> String {
    let of_fixes = holding.iter().filter(|entry| matches!(entry.origin, Origin::Fix(_))).count();
    let own = holding.len() - of_fixes;
    let findings = if holding.len() == 1 { "finding" } else { "findings" };
    let parts = match (own, of_fixes) {
        (own, 0) => format!("{own} in this change"),
        (0, fixes) => format!("{fixes} caused by a fix"),
        (own, fixes) => format!("{own} in this change, {fixes} caused by a fix"),
    };
    format!("{} material {findings}: {parts}", holding.len())
}

#[cfg(test)]
mod tests;

//! The rounds of review within a claim: which reviewer is due, and what follows from how it ended.
//!
//! Owns the count of rounds, fixes and failed reviewers, and when a review stands although the target moved.
//! What a reply is worth is judged by `review`; this follows the verdict. Pure. Start with [`Reviews`].

use serde::{Deserialize, Serialize};

use super::policy::{self, Rule};
use super::{Phase, Story, Work};
use crate::domain::event::{AgentEnd, Body, Ending, Event};
use crate::domain::finding::Finding;
use crate::domain::ids::Oid;
use crate::domain::run::{Cause, Outcome};
use crate::domain::verdict::{Entry, Review, Verdict};

/// What the reviews of a claim came to so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reviews {
    /// Rounds that gave a verdict.
    pub rounds: u32,
    /// The round that is due is a repetition: its first reply could not be used.
    pub repeated: bool,
    /// The last round with its ledger.
    pub last: Option<Review>,
    /// What an earlier claim's reviews left open in the work that this one took over.
    #[serde(default)]
    pub before: Vec<Entry>,
    /// The tip each round looked at, oldest first: fix `n` is what lies between two of them.
    pub tips: Vec<Oid>,
    /// The tip that was accepted, and what it was made on.
    pub accepted: Option<(Oid, Oid)>,
    /// Attempts that answered a review; they are not counted against the order's.
    pub fixes: u32,
    /// Reviewers in a row that ended without a reply.
    pub failed: u32,
    /// The reviewer's run that is under way, or whose reply is yet to be read.
    pub run: Option<Work>,
}

impl Reviews {
    /// What was found so far, and how it stands.
    pub fn ledger(&self) -> &[Entry] {
        self.last.as_ref().map_or(&self.before, |review| &review.ledger)
    }
}

impl Story {
    /// Gates are satisfied: a review is due, unless the very same work was accepted, or a person lifted its question.
    pub(super) fn proven(&mut self) {
        let stands = self.reviews.accepted.as_ref().is_some_and(|(tip, base)| {
            self.tip.as_ref().is_some_and(|kept| kept.tip == *tip) && self.base() == base
        });
        let due = self.order.rounds > 0 && !stands && !self.is_lifted(&["review"]);
        self.phase = if due { Phase::Reviewing } else { Phase::Landing { intent: false } };
    }

    /// A reviewer is at work, or its reply is yet to be read.
    pub fn is_read(&self) -> bool {
        self.phase == Phase::Reviewing && self.reviews.run.is_some()
    }

    /// The number of the round that is due or under way.
    pub fn round(&self) -> u32 {
        self.reviews.rounds + 1
    }

    /// How many attempts the claim may have: what a review asks for is bounded by its rounds, not by these.
    pub(super) fn attempts(&self) -> u32 {
        self.order.attempts.saturating_add(self.reviews.fixes)
    }

    /// What happens while a reviewer is at work.
    pub(super) fn reviewing(&mut self, event: &Event) -> bool {
        match &event.body {
            Body::ReviewStarted { sandbox, nonce, tip, .. } if self.reviews.run.is_none() => {
                let Some(run) = &event.run else { return false };
                self.runs.push(run.clone());
                self.reviews.run = Some(Work {
                    starts: 1,
                    sandbox: Some(sandbox.clone()),
                    nonce: nonce.clone(),
                    ..Work::begun(run.clone(), tip.clone(), event.at)
                });
            }
            Body::AgentStarted { container } => {
                let Some(run) = self.under_review(event) else { return false };
                run.container = Some(container.clone());
            }
            Body::TaskGiven => {
                let Some(run) = self.under_review(event) else { return false };
                run.tasked = true;
            }
            Body::AgentEnded(end) => {
                let Some(run) = self.under_review(event) else { return false };
                run.end = Some(end.clone());
                self.cost_usd += end.cost_usd;
                self.finish.cost_usd = self.cost_usd;
                if end.ending != Ending::Finished {
                    self.reviews.run = None;
                    self.without_reply(end);
                }
            }
            Body::Reviewed { review, .. } => return self.reviewed(review),
            _ => return false,
        }
        true
    }

    /// The reviewer's run that the event is about, while it has not ended.
    fn under_review(&mut self, event: &Event) -> Option<&mut Work> {
        let run = self.reviews.run.as_mut()?;
        (run.end.is_none() && event.run.as_ref() == Some(&run.run)).then_some(run)
    }

    fn reviewed(&mut self, review: &Review) -> bool {
        let Some(tip) = self.reviews.run.as_ref().filter(|run| run.end.is_some()).map(|run| run.from.clone())
        else {
            return false;
        };
        self.reviews.run = None;
        self.reviews.failed = 0;
        // Also of a reply that is asked for again: what could be read of it is not lost.
        self.reviews.last = Some(review.clone());
        if review.verdict == Verdict::Again && !self.reviews.repeated {
            self.reviews.repeated = true;
            return true;
        }
        self.reviews.repeated = false;
        self.reviews.rounds += 1;
        self.reviews.tips.push(tip.clone());
        match review.verdict {
            Verdict::Accept => {
                self.reviews.accepted = Some((tip, self.base().clone()));
                self.phase = Phase::Landing { intent: false };
            }
            Verdict::Revise if self.reviews.rounds < self.order.rounds => {
                self.reviews.fixes += 1;
                self.findings = for_the_author(&review.ledger);
                self.phase = Phase::Starting;
            }
            Verdict::Revise => {
                let reason = format!("not accepted after {} rounds: {}", self.reviews.rounds, review.reason);
                self.settle(Outcome::Parked, Some("review"), reason);
            }
            Verdict::Ask | Verdict::Again => {
                self.settle(Outcome::Parked, Some("review"), review.reason.clone());
            }
        }
        true
    }

    /// The reviewer ended without a reply. Its limits are those of a work run; a new one begins from nothing.
    fn without_reply(&mut self, end: &AgentEnd) {
        let (outcome, cause) = policy::words(end.ending);
        let rule = policy::class(end.ending).map(policy::rule);
        match (end.ending, rule) {
            (Ending::PutAside, _) => {
                let cause = end.cause.clone().unwrap_or_else(|| Cause::new("user"));
                self.suspend(cause.as_str(), end);
            }
            // Another reviewer would be as full; it counts as one that failed.
            (Ending::ContextFull, _) => self.reviewer_failed(end),
            (_, Some(Rule::Suspend)) => self.suspend(cause, end),
            (_, Some(Rule::SameAttempt { most })) => {
                self.infra_losses += 1;
                if self.infra_losses >= most {
                    let reason = format!("lost the container {} times: {}", self.infra_losses, end.reason);
                    self.settle(outcome, Some(cause), reason);
                }
            }
            // Stopped to be left to a person.
            (Ending::Interrupted, _) if end.cause.is_some() => {
                self.settle(Outcome::Parked, end.cause.as_ref().map(Cause::as_str), end.reason.clone());
            }
            (Ending::Interrupted | Ending::Budget | Ending::Billing, _) => {
                self.settle(outcome, Some(cause), end.reason.clone());
            }
            _ => self.reviewer_failed(end),
        }
    }

    fn reviewer_failed(&mut self, end: &AgentEnd) {
        self.reviews.failed += 1;
        if self.reviews.failed >= policy::MAX_FAILED_REVIEWERS {
            let reason = format!("{} reviewers ended without a reply: {}", self.reviews.failed, end.reason);
            self.settle(Outcome::Parked, Some("review"), reason);
        }
    }
}

/// What the author is to answer, the heaviest first: open and material, and not what was there before (rules 16.3).
pub fn for_the_author(ledger: &[Entry]) -> Vec<Finding> {
    let mut theirs: Vec<Finding> =
        ledger.iter().filter(|entry| entry.holds()).map(|entry| entry.finding.clone()).collect();
    theirs.sort_by_key(|finding| finding.severity);
    theirs
}

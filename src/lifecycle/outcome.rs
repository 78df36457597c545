//! What follows from an ending: another attempt, the same one again, a suspension, a person, the end.
//!
//! Owns the application of `policy`'s rules to a story, for agents, gates, conflicts and crashes. Which event
//! may follow which stands in `decide`. Pure. Start with `Story::after_work`.

use super::policy::{self, Rule};
use super::{Back, Phase, Story};
use crate::domain::event::{AgainstBase, AgentEnd, Asked, Ending};
use crate::domain::finding::Finding;
use crate::domain::run::{Cause, Outcome};
use crate::domain::signature::Recurrence;

/// More failures than this of one claim are not told apart any more.
const MAX_FAILURES: usize = 100;

impl Story {
    /// The export is in: what follows from how the agent ended, and (where nothing was changed) what it said.
    pub(super) fn after_work(&mut self, unchanged: Option<String>) {
        let Some(end) = self.work.as_ref().and_then(|w| w.end.clone()) else {
            self.settle(Outcome::Failed, Some("infrastructure"), "the run has no recorded end".to_owned());
            return;
        };
        if self.crash_looped {
            self.settle(Outcome::Parked, Some("crash_loop"), end.reason);
            return;
        }
        if self.near_limit(&end) {
            if let Some(work) = &mut self.work {
                work.confirm = true;
            }
            self.suspend("usage_limit", &end);
            return;
        }
        if end.ending == Ending::Finished && end.starved && self.order.no_gates {
            let reason = "a process ran out of memory and no gate proves that the work is whole".to_owned();
            self.settle(Outcome::Failed, Some("oom"), reason);
            return;
        }
        match end.ending {
            Ending::Finished => match &end.asked {
                Some(Asked::Question(text)) => {
                    self.settle(Outcome::Parked, Some("question"), text.clone());
                }
                Some(Asked::Blocked(_)) => self.phase = Phase::Blocking,
                None => self.after_finished(unchanged),
            },
            // Stopped to be left to a person.
            Ending::Interrupted if end.cause.is_some() => {
                self.settle(Outcome::Parked, end.cause.as_ref().map(Cause::as_str), end.reason);
            }
            Ending::Interrupted => self.settle(Outcome::Cancelled, Some("interrupted"), end.reason),
            Ending::PutAside => {
                let cause = end.cause.clone().unwrap_or_else(|| Cause::new("user"));
                self.suspend(cause.as_str(), &end);
            }
            failed => {
                let class = policy::class(failed).unwrap_or(crate::domain::failure::FailureClass::Agent);
                self.after_failure(policy::rule(class), &end);
            }
        }
    }

    fn after_finished(&mut self, unchanged: Option<String>) {
        match unchanged {
            Some(_) if self.in_conflict_run() => {
                self.unresolved("nothing of the work is left after it".to_owned());
            }
            Some(said) => {
                let words = if said.is_empty() { "the agent gave no reason".to_owned() } else { said };
                self.settle(Outcome::NoChange, None, format!("nothing was changed: {words}"));
            }
            None => self.phase = Phase::Merging,
        }
    }

    fn after_failure(&mut self, rule: Rule, end: &AgentEnd) {
        let (outcome, cause) = policy::words(end.ending);
        let free = matches!(rule, Rule::SameAttempt { .. } | Rule::Suspend)
            || matches!(end.ending, Ending::Budget | Ending::Billing);
        if self.in_conflict_run() && !free {
            self.unresolved(format!("the run that was to resolve it ended: {}", end.reason));
            return;
        }
        if self.repeated(end.recurrence.as_ref(), &end.reason) {
            return;
        }
        match rule {
            Rule::SameAttempt { most } => {
                self.infra_losses += 1;
                if self.infra_losses >= most {
                    let reason = format!("lost the container {} times: {}", self.infra_losses, end.reason);
                    self.settle(outcome, Some(cause), reason);
                } else {
                    self.phase = Phase::Resuming { why: end.reason.clone() };
                }
            }
            Rule::Suspend if end.ending == Ending::ContextFull => {
                let full = self.contexts + 1;
                if full >= policy::MAX_CONTEXTS {
                    let reason = format!("{full} conversations were filled without an end");
                    self.settle(outcome, Some(cause), reason);
                } else {
                    self.suspend(cause, end);
                }
            }
            Rule::Suspend => self.suspend(cause, end),
            Rule::NextAttempt => self.try_again(vec![ended_early(end)], outcome, cause, &end.reason),
            // Without a signature it comes from a time when every timeout ended its claim.
            Rule::OnceMore if end.recurrence.is_none() => {
                self.settle(outcome, Some(cause), end.reason.clone());
            }
            Rule::OnceMore => {
                self.timeouts += 1;
                if self.timeouts > 1 || self.attempt >= self.attempts() {
                    self.settle(outcome, Some(cause), end.reason.clone());
                } else {
                    self.try_again(vec![ended_early(end)], outcome, cause, &end.reason);
                }
            }
            Rule::OneResolution | Rule::End => self.settle(outcome, Some(cause), end.reason.clone()),
        }
    }

    /// Gates failed: what counts is what the base does not have as well (rules 17.1).
    pub(super) fn after_gates(
        &mut self,
        findings: &[Finding],
        recurrence: Option<&Recurrence>,
        base: AgainstBase,
    ) {
        let first = findings.first().map_or_else(|| "a gate failed".to_owned(), |f| f.title.clone());
        // The bead may be about the very thing that is red, so its author hears of it once.
        let heard = self.red_told || self.attempt >= self.attempts();
        match base {
            AgainstBase::Same => return self.red_base(&first),
            AgainstBase::Red if heard => return self.red_base(&first),
            AgainstBase::Known if heard => return self.proven(),
            AgainstBase::Red | AgainstBase::Known => self.red_told = true,
            AgainstBase::New | AgainstBase::Unknown => {}
        }
        if !self.repeated(recurrence, &first) {
            self.try_again(findings.to_vec(), Outcome::Parked, "gate", &first);
        }
    }

    fn red_base(&mut self, first: &str) {
        let reason = format!("the base is red: without this work, {first}");
        self.settle(Outcome::Parked, Some("red_base"), reason);
    }

    /// A conflict is resolved once by a run of its own; the second one is a person's (rules 17.3).
    pub(super) fn unresolved(&mut self, why: String) {
        let paths = self.conflict.as_ref().map(|c| few(&c.paths)).unwrap_or_default();
        self.settle(Outcome::Parked, Some("conflict"), format!("conflict in {paths}: {why}"));
    }

    /// A process died in this phase and another took over.
    pub(super) fn crashed(&mut self) {
        self.crashes += 1;
        let run = match self.phase {
            Phase::Working => self.work.as_ref(),
            Phase::Reviewing => self.reviews.run.as_ref(),
            _ => None,
        };
        let alone = run.is_some_and(|w| w.container.is_some() && w.end.is_none());
        let most = if alone { policy::MAX_CRASHES_AT_WORK } else { policy::MAX_CRASHES };
        if self.crashes < most || !super::allowed::may_settle(&self.phase) {
            return;
        }
        let reason = format!("its process died {} times while {}", self.crashes, self.phase.name());
        match (&self.phase, &mut self.work) {
            // What the agent made so far is kept first.
            (Phase::Working, Some(work)) => {
                work.end = Some(AgentEnd::without_agent(Ending::Infrastructure, reason));
                self.crash_looped = true;
                self.phase = Phase::Exporting;
            }
            (Phase::Exporting, _) => {
                self.unexported = true;
                let reason = format!("{reason}; its clone is kept");
                self.settle(Outcome::Parked, Some("crash_loop"), reason);
            }
            (Phase::Suspended { .. }, _) => {}
            _ => self.settle(Outcome::Parked, Some("crash_loop"), reason),
        }
        self.crashes = 0;
    }

    /// Counts a failure; the same one too often parks the bead with the evidence.
    fn repeated(&mut self, recurrence: Option<&Recurrence>, evidence: &str) -> bool {
        let Some(Recurrence { signature, before }) = recurrence else { return false };
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(signature.clone());
        }
        let here = self.failures.iter().filter(|f| *f == signature).count();
        let times = u32::try_from(here).unwrap_or(u32::MAX).saturating_add(*before);
        if times < policy::MAX_SAME_FAILURE {
            return false;
        }
        let reason = format!("the same failure {times} times ({}): {evidence}", signature.as_str());
        self.settle(Outcome::Parked, Some("repeated_failure"), reason);
        true
    }

    /// A run that ended by itself so near to the limit is asked once to confirm; without a reset there is
    /// nothing to wait for (rules 15.2).
    pub fn near_limit(&self, end: &AgentEnd) -> bool {
        let asked = self.work.as_ref().is_some_and(|w| w.confirm);
        matches!(end.ending, Ending::Finished | Ending::Failed)
            && end.utilization.is_some_and(|u| u >= policy::NEAR_LIMIT)
            && end.resets_at.is_some()
            && end.conversed
            && !asked
    }

    fn try_again(&mut self, findings: Vec<Finding>, spent: Outcome, cause: &str, why: &str) {
        self.findings = findings;
        if self.attempt < self.attempts() {
            self.phase = Phase::Starting;
        } else {
            let tries =
                if self.attempt == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.attempt) };
            self.settle(spent, Some(cause), format!("not done after {tries}: {why}"));
        }
    }

    pub(super) fn settle(&mut self, outcome: Outcome, cause: Option<&str>, reason: String) {
        self.phase = Phase::Settling { outcome, cause: cause.map(Cause::new), reason, journalled: false };
    }

    /// Waits for what ended the run; then its author or reviewer, whoever it was, goes on.
    pub(super) fn suspend(&mut self, cause: &str, end: &AgentEnd) {
        let back = if self.phase == Phase::Reviewing { Back::Reviewing } else { Back::Working };
        let (cause, reason) = (Cause::new(cause), end.reason.clone());
        self.phase = Phase::Suspending { cause, reason, resets_at: end.resets_at, back };
    }
}

fn ended_early(end: &AgentEnd) -> Finding {
    Finding {
        source: "agent".to_owned(),
        title: "the last attempt ended before it was done".to_owned(),
        detail: end.reason.clone(),
        file: None,
        line: None,
        ..Finding::default()
    }
}

pub(super) fn few(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = paths.iter().take(SHOWN).map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - SHOWN));
    }
    text
}

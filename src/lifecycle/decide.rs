//! The transition table: what each event does to a story, and what follows from each ending.
//!
//! Owns the decisions of the life of a bead: when another attempt follows, when a bead is parked, suspended
//! or given back. It does not know how anything is done. Start with `Story::take`, then `after_work`.

use super::{Back, Candidate, Kept, Phase, Story, Work};
use crate::domain::event::{AgentEnd, Body, Ending, Event, Printed};
use crate::domain::finding::Finding;
use crate::domain::run::{Cause, Outcome};

/// How often a run may lose its container to the engine before we stop trying.
const MAX_INFRA_LOSSES: u32 = 3;
/// How often the target may move between gate and landing (rules 3.6).
const MAX_TARGET_MOVES: u32 = 3;

impl Story {
    /// Applies the event where it may follow; false where it may not.
    #[expect(clippy::too_many_lines, reason = "a flat match: one arm for each event")]
    pub(super) fn take(&mut self, event: &Event) -> bool {
        match (&self.phase, &event.body) {
            (
                _,
                Body::RunStarted { .. }
                | Body::RunEnded { .. }
                | Body::Recovered { .. }
                | Body::NightOpened { .. }
                | Body::NightStopped { .. }
                | Body::NightEnded { .. }
                | Body::Notice { .. },
            )
            | (
                _,
                Body::ByHand { .. }
                | Body::RefDropped { .. }
                | Body::GateStarted { .. }
                | Body::GateEnded { .. }
                | Body::GatesBroken { .. },
            ) => {}
            (Phase::Claiming, Body::Claimed) => {
                self.claimed = true;
                self.phase = Phase::Starting;
            }
            (Phase::Claiming, Body::ClaimLost { reason }) => {
                self.finish.reason.clone_from(reason);
                self.phase = Phase::Finished;
            }
            (Phase::Starting, Body::AttemptStarted { .. }) => return self.start_attempt(event),
            (Phase::Preparing, Body::WorkspaceReady) => self.phase = Phase::Working,
            (Phase::Working, Body::AgentStarting { sandbox, nonce, after }) => {
                let Some(work) = &mut self.work else { return false };
                work.sandbox = Some(sandbox.clone());
                work.nonce.clone_from(nonce);
                work.after = *after;
                work.container = None;
                work.tasked = false;
                work.starts += 1;
            }
            (Phase::Working, Body::AgentStarted { container }) => {
                let Some(work) = &mut self.work else { return false };
                work.container = Some(container.clone());
            }
            (Phase::Working, Body::TaskGiven) => {
                let Some(work) = &mut self.work else { return false };
                work.tasked = true;
            }
            (Phase::Working, Body::AgentEnded(end)) => {
                let Some(work) = &mut self.work else { return false };
                work.end = Some(end.clone());
                self.conversed |= end.conversed;
                self.cost_usd += end.cost_usd;
                self.finish.cost_usd = self.cost_usd;
                self.phase = Phase::Exporting;
            }
            (Phase::Exporting, Body::Exported { tip, .. }) => {
                let Some(work) = &self.work else { return false };
                self.tip = Some(Kept { run: work.run.clone(), tip: tip.clone(), at: event.at });
                self.candidate = None;
                self.after_work(None);
            }
            (Phase::Exporting, Body::NothingChanged { said }) => self.after_work(Some(said.clone())),
            (Phase::Exporting, Body::ExportRejected { reason }) => {
                self.settle(
                    Outcome::Parked,
                    Some("export_rejected"),
                    format!("the export was refused: {reason}"),
                );
            }
            (Phase::Merging, Body::Protected { paths }) => {
                let reason = format!("protected paths changed and need a person: {}", few(paths));
                self.settle(Outcome::Parked, Some("protected"), reason);
            }
            (Phase::Merging, Body::Conflicted { onto, paths }) => {
                let reason = format!("the work conflicts with {} in {}", onto.short(), few(paths));
                self.settle(Outcome::Parked, Some("conflict"), reason);
            }
            (Phase::Merging, Body::Merged { commit, tree, onto }) => {
                self.candidate =
                    Some(Candidate { commit: commit.clone(), tree: tree.clone(), onto: onto.clone() });
                self.phase = Phase::Gating;
            }
            (Phase::Gating, Body::GatesPassed { .. }) => self.phase = Phase::Landing { intent: false },
            (Phase::Gating, Body::GatesFailed { findings }) => {
                let first = findings.first().map_or_else(|| "a gate failed".to_owned(), |f| f.title.clone());
                self.try_again(findings.clone(), Outcome::Parked, "gate", &first);
            }
            (Phase::Landing { .. }, Body::Landing { .. }) => self.phase = Phase::Landing { intent: true },
            (Phase::Landing { intent: true }, Body::Landed { commit }) => {
                self.finish.commit = Some(commit.clone());
                self.phase = Phase::Closing;
            }
            (Phase::Landing { .. }, Body::TargetMoved { tip }) => {
                self.target_moves += 1;
                self.candidate = None;
                if self.target_moves > MAX_TARGET_MOVES {
                    let reason = format!(
                        "the target moved {} times while gating, now at {}",
                        self.target_moves,
                        tip.short()
                    );
                    self.settle(Outcome::Parked, Some("target_moved"), reason);
                } else {
                    self.phase = Phase::Merging;
                }
            }
            (Phase::Landing { .. }, Body::LandedBeside { branch, commit, why }) => {
                self.finish.commit = Some(commit.clone());
                self.finish.branch = Some(branch.clone());
                let reason = format!("landed beside, on branch {branch}: {why}");
                self.settle(Outcome::Parked, Some("landed_beside"), reason);
            }
            (Phase::Closing, Body::Closed { .. }) => {
                self.finish.outcome = Outcome::Landed;
                self.finish.reason = format!("landed on {}", self.order.target);
                self.claimed = false;
                self.phase = Phase::Cleaning;
            }
            (phase, Body::Settling { outcome, cause, reason }) if may_settle(phase) => {
                self.phase = Phase::Settling {
                    outcome: *outcome,
                    cause: cause.clone(),
                    reason: reason.clone(),
                    journalled: true,
                };
            }
            (Phase::Settling { outcome, cause, reason, journalled: true }, Body::Settled) => {
                self.finish.outcome = *outcome;
                self.finish.cause.clone_from(cause);
                self.finish.reason.clone_from(reason);
                self.claimed = false;
                self.phase = Phase::Cleaning;
            }
            (phase, Body::Suspended { cause, reason, until }) if may_suspend(phase) => {
                let back = match phase {
                    Phase::Starting => Back::Starting,
                    Phase::Preparing => Back::Preparing,
                    Phase::Suspended { back, .. } => *back,
                    _ => Back::Working,
                };
                self.phase =
                    Phase::Suspended { cause: cause.clone(), reason: reason.clone(), until: *until, back };
            }
            (Phase::Suspended { back: Back::Starting, .. }, Body::Resumed { .. }) => {
                self.phase = Phase::Starting;
            }
            (Phase::Suspended { back: Back::Preparing, .. }, Body::Resumed { .. }) => {
                self.phase = Phase::Preparing;
            }
            (Phase::Suspended { .. } | Phase::Resuming { .. }, Body::Resumed { why, session }) => {
                let Some(work) = &mut self.work else { return false };
                work.resume = self.conversed;
                work.session.clone_from(session);
                work.sandbox = None;
                work.container = None;
                work.tasked = false;
                work.end = None;
                work.resumed = Some(why.clone());
                self.phase = Phase::Working;
            }
            (Phase::Cleaning, Body::Finished(finish)) => {
                self.finish = finish.clone();
                self.phase = Phase::Finished;
            }
            _ => return false,
        }
        true
    }

    fn start_attempt(&mut self, event: &Event) -> bool {
        let (Body::AttemptStarted { from, session, resume }, Some(run), Some(number)) =
            (&event.body, &event.run, event.attempt)
        else {
            return false;
        };
        if number != self.attempt + 1 || number > self.order.attempts {
            return false;
        }
        self.attempt = number;
        self.finish.attempts = number;
        self.target_moves = 0;
        self.runs.push(run.clone());
        self.work = Some(Work {
            run: run.clone(),
            from: from.clone(),
            session: session.clone(),
            resume: *resume,
            starts: 0,
            sandbox: None,
            nonce: String::new(),
            after: Printed::default(),
            container: None,
            tasked: false,
            end: None,
            started: event.at,
            resumed: None,
        });
        self.phase = Phase::Preparing;
        true
    }

    /// The export is in: what follows from how the agent ended, and (where nothing was changed) what it said.
    fn after_work(&mut self, unchanged: Option<String>) {
        let Some(end) = self.work.as_ref().and_then(|w| w.end.clone()) else {
            self.settle(Outcome::Failed, Some("infrastructure"), "the run has no recorded end".to_owned());
            return;
        };
        match end.ending {
            Ending::Finished => match unchanged {
                None => self.phase = Phase::Merging,
                Some(said) => {
                    let words = if said.is_empty() { "the agent gave no reason".to_owned() } else { said };
                    self.settle(Outcome::NoChange, None, format!("nothing was changed: {words}"));
                }
            },
            Ending::Failed => {
                let finding = Finding {
                    source: "agent".to_owned(),
                    title: "the last attempt ended before it was done".to_owned(),
                    detail: end.reason.clone(),
                    file: None,
                    line: None,
                };
                self.try_again(vec![finding], Outcome::Failed, "agent", &end.reason);
            }
            Ending::Infrastructure => {
                self.infra_losses += 1;
                if self.infra_losses >= MAX_INFRA_LOSSES {
                    let reason = format!("lost the container {} times: {}", self.infra_losses, end.reason);
                    self.settle(Outcome::Failed, Some("infrastructure"), reason);
                } else {
                    self.phase = Phase::Resuming { why: end.reason };
                }
            }
            Ending::Interrupted => self.settle(Outcome::Cancelled, Some("interrupted"), end.reason),
            Ending::IdleLimit => self.settle(Outcome::Timeout, Some("idle"), end.reason),
            Ending::RunTimeLimit => self.settle(Outcome::Timeout, Some("run_time"), end.reason),
            Ending::ToolLimit => self.settle(Outcome::Timeout, Some("tool"), end.reason),
            Ending::Budget => self.settle(Outcome::Parked, Some("budget"), end.reason),
            Ending::OutOfMemory => self.settle(Outcome::Failed, Some("oom"), end.reason),
            Ending::Flood => self.settle(Outcome::Failed, Some("output"), end.reason),
            Ending::DiskQuota => self.settle(Outcome::Failed, Some("disk_quota"), end.reason),
            Ending::Billing => self.settle(Outcome::Failed, Some("billing"), end.reason),
            Ending::PutAside => {
                let cause = end.cause.clone().unwrap_or_else(|| Cause::new("user"));
                self.suspend(cause.as_str(), &end);
            }
            Ending::Credential => self.suspend("credential", &end),
            Ending::UsageLimit => self.suspend("usage_limit", &end),
            Ending::Outage => self.suspend("outage", &end),
            Ending::ContextFull => self.suspend("context", &end),
        }
    }

    fn try_again(&mut self, findings: Vec<Finding>, spent: Outcome, cause: &str, why: &str) {
        if self.attempt < self.order.attempts {
            self.findings = findings;
            self.phase = Phase::Starting;
        } else {
            let tries =
                if self.attempt == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.attempt) };
            self.findings = findings;
            self.settle(spent, Some(cause), format!("not done after {tries}: {why}"));
        }
    }

    fn settle(&mut self, outcome: Outcome, cause: Option<&str>, reason: String) {
        self.phase = Phase::Settling { outcome, cause: cause.map(Cause::new), reason, journalled: false };
    }

    fn suspend(&mut self, cause: &str, end: &AgentEnd) {
        self.phase = Phase::Suspending {
            cause: Cause::new(cause),
            reason: end.reason.clone(),
            resets_at: end.resets_at,
        };
    }
}

/// Where a person's stop may still turn the story aside: not once the target may have moved.
fn may_settle(phase: &Phase) -> bool {
    !matches!(
        phase,
        Phase::Landing { intent: true }
            | Phase::Closing
            | Phase::Cleaning
            | Phase::Finished
            | Phase::Settling { journalled: true, .. }
    )
}

/// Where a story may be put aside: an attempt that has not begun, or one whose agent has ended.
fn may_suspend(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::Starting
            | Phase::Preparing
            | Phase::Resuming { .. }
            | Phase::Suspending { .. }
            | Phase::Suspended { .. }
    )
}

fn few(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = paths.iter().take(SHOWN).map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - SHOWN));
    }
    text
}

//! The transition table: what each event does to a story, and what follows from each ending.
//!
//! Owns which event may follow which, and where each leads. What follows from a failure stands in `outcome`,
//! by the rules of `policy`. It does not know how anything is done. Start with `Story::take`.

use super::allowed::{may_settle, may_suspend, only_tells};
use super::outcome::few;
use super::policy::MAX_TARGET_MOVES;
use super::{Back, Candidate, Conflict, Kept, Phase, Story, Work};
use crate::domain::event::{Body, Ending, Event};
use crate::domain::ids::{Oid, RunId};
use crate::domain::run::Outcome;

impl Story {
    /// Applies the event where it may follow; false where it may not.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        if only_tells(&event.body) {
            match &event.body {
                // Written without a phase, it comes from a time that counted nothing.
                Body::Recovered { phase: Some(_), .. } => self.crashed(),
                Body::GateEnded { .. } => self.crashes = 0,
                _ => {}
            }
            return true;
        }
        let moved = self.step(event);
        if moved {
            self.crashes = 0;
        }
        moved
    }

    #[expect(clippy::too_many_lines, reason = "a flat match: one arm for each event")]
    fn step(&mut self, event: &Event) -> bool {
        match (&self.phase, &event.body) {
            (Phase::Claiming, Body::Claimed) => self.claimed(),
            (Phase::Uniting, Body::Merged { .. } | Body::Conflicted { .. }) => {
                return self.united(&event.body);
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
            (Phase::Exporting, Body::Exported { tip, unresolved, .. }) => {
                return self.exported(tip, unresolved, event);
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
            (Phase::Merging, Body::Conflicted { onto, paths, commit: Some(commit) })
                if self.conflict.is_none() =>
            {
                self.conflict = Some(Conflict {
                    onto: onto.clone(),
                    commit: commit.clone(),
                    paths: paths.clone(),
                    run: None,
                    early: false,
                });
                self.phase = Phase::Untangling;
            }
            (Phase::Merging, Body::Conflicted { onto, paths, .. }) => {
                let again = if self.conflict.is_some() { "once more " } else { "" };
                let reason = format!("the work conflicts {again}with {} in {}", onto.short(), few(paths));
                self.settle(Outcome::Parked, Some("conflict"), reason);
            }
            (Phase::Untangling, Body::ConflictRunStarted { session, resume }) => {
                let (Some(run), Some(conflict)) = (&event.run, &mut self.conflict) else { return false };
                conflict.run = Some(run.clone());
                let from = conflict.commit.clone();
                self.begin_run(event, run, (from, session), *resume);
            }
            (Phase::Merging, Body::Merged { commit, tree, onto }) => {
                self.candidate =
                    Some(Candidate { commit: commit.clone(), tree: tree.clone(), onto: onto.clone() });
                self.phase = Phase::Gating;
            }
            (Phase::Gating, Body::GatesPassed { .. }) => self.proven(),
            (Phase::Gating, Body::GatesFailed { findings, recurrence, base }) => {
                self.after_gates(findings, recurrence.as_ref(), *base);
            }
            (
                Phase::Reviewing,
                Body::ReviewStarted { .. }
                | Body::AgentStarted { .. }
                | Body::TaskGiven
                | Body::AgentEnded(_)
                | Body::Reviewed { .. },
            ) => return self.reviewing(event),
            (Phase::Blocking, Body::Blocked { blocker, reason, .. }) => {
                let reason = format!("waits for {blocker}: {reason}");
                self.settle(Outcome::Blocked, None, reason);
            }
            (Phase::Landing { .. }, Body::Landing { .. }) => self.phase = Phase::Landing { intent: true },
            (Phase::Landing { intent: true }, Body::Landed { commit }) => {
                self.finish.commit = Some(commit.clone());
                self.phase = Phase::Closing;
            }
            (Phase::Landing { .. }, Body::TargetMoved { tip, ours }) => {
                self.target_moves += u32::from(!ours);
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
            (Phase::Landing { .. }, Body::LeftOnBranch { branch, commit }) => {
                self.finish.commit = Some(commit.clone());
                self.finish.branch = Some(branch.clone());
                let reason = format!("on branch {branch}, for you to merge into {}", self.order.target);
                self.settle(Outcome::Parked, Some("branch"), reason);
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
            (phase, Body::Suspended { cause, reason, until }) if may_suspend(phase) && !self.is_read() => {
                let back = match phase {
                    Phase::Starting => Back::Starting,
                    Phase::Preparing => Back::Preparing,
                    Phase::Untangling => Back::Untangling,
                    Phase::Reviewing => Back::Reviewing,
                    Phase::Suspended { back, .. } | Phase::Suspending { back, .. } => *back,
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
            (Phase::Suspended { back: Back::Untangling, .. }, Body::Resumed { .. }) => {
                self.phase = Phase::Untangling;
            }
            (Phase::Suspended { back: Back::Reviewing, .. }, Body::Resumed { .. }) => {
                self.phase = Phase::Reviewing;
            }
            (Phase::Suspended { .. } | Phase::Resuming { .. }, Body::Resumed { why, session }) => {
                let Some(work) = &mut self.work else { return false };
                // Another session is another conversation, which has no answer in it yet.
                if self.conversed && work.session != *session {
                    self.contexts += 1;
                    self.conversed = false;
                }
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
        if number != self.attempt + 1 || number > self.attempts() {
            return false;
        }
        self.attempt = number;
        self.finish.attempts = number;
        self.target_moves = 0;
        self.begin_run(event, run, (from.clone(), session), *resume);
        true
    }

    fn begin_run(&mut self, event: &Event, run: &RunId, (from, session): (Oid, &str), resume: bool) {
        self.runs.push(run.clone());
        let session = session.to_owned();
        self.work = Some(Work { session, resume, ..Work::begun(run.clone(), from, event.at) });
        self.phase = Phase::Preparing;
    }

    /// The work is kept. What a conflict run left unresolved never takes the place of the work it began with.
    fn exported(&mut self, tip: &Oid, unresolved: &[String], event: &Event) -> bool {
        let Some(work) = &self.work else { return false };
        let kept = Kept { run: work.run.clone(), tip: tip.clone(), at: event.at };
        let finished = work.end.as_ref().is_some_and(|end| end.ending == Ending::Finished);
        if !self.in_conflict_run() {
            self.tip = Some(kept);
            self.united = None;
            self.candidate = None;
        } else if finished && unresolved.is_empty() {
            self.tip = Some(kept);
            self.candidate = None;
            self.rebased = self.conflict.as_ref().map(|c| c.onto.clone());
            self.united = None;
        }
        self.after_work(None);
        if self.phase == Phase::Merging && !unresolved.is_empty() {
            self.unresolved(format!("still unresolved in {}", few(unresolved)));
        } else if self.phase == Phase::Merging {
            self.untangled_early();
        }
        true
    }
}

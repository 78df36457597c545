//! Effects on the tracker: claim, close, and letting go of a bead with a comment.
//!
//! Owns the words a bead's comment has. The tracker room decides how a claim is kept; this only asks for it
//! and, after a crash, looks whether it was already given.

use crate::beads::{Claim, ClaimFrom, Release, TrackerError};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::next;
use crate::daemon::refusal::Refusal;
use crate::domain::event::Body;
use crate::domain::run::{Cause, Outcome};
use crate::journal::read::Filter;
use crate::lifecycle::Story;

impl Engine {
    pub(in crate::daemon) async fn claim(&self, story: &mut Story) -> Result<(), EngineError> {
        let claim = claim_of(story);
        // After a crash between the tracker's write and our event the claim is ours already.
        if self.site.tracker.holds(&story.bead, &claim).await? {
            self.record(story, Body::Claimed)?;
            return Ok(());
        }
        let from = if story.order.forced.is_empty() { ClaimFrom::Open } else { ClaimFrom::AnyLive };
        match self.site.tracker.claim(&story.bead, &claim, from).await {
            Ok(_) => {
                self.survive("done", "claim")?;
                self.record(story, Body::Claimed)?;
                Ok(())
            }
            Err(error @ (TrackerError::ClaimLost { .. } | TrackerError::NotClaimable { .. })) => {
                self.record(story, Body::ClaimLost { reason: error.to_string() })?;
                Err(Refusal::new(error.to_string())
                    .hint("`bead ready` lists what is free")
                    .hint(format!("`bead reopen {}` takes it back", story.bead))
                    .into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A second look before the target is touched: is the bead still ours to finish?
    pub(in crate::daemon) async fn still_ours(&self, story: &Story) -> Result<bool, EngineError> {
        match self.site.tracker.holds(&story.bead, &claim_of(story)).await {
            Ok(held) => Ok(held),
            // A bead that is gone is nobody's.
            Err(TrackerError::UnknownId { .. } | TrackerError::Deleted { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(in crate::daemon) async fn close(&self, story: &mut Story) -> Result<(), EngineError> {
        let commit = story.finish.commit.as_ref().map_or("", |c| c.as_str());
        let run = story.tip.as_ref().map_or("", |k| k.run.as_str());
        let mut reason = format!("landed on {} as {commit} by run {run}", story.order.target);
        if self.tracker_was_touched(story)? {
            reason.push_str(&format!("; {DROPPED}"));
        }
        let release = Release::Closed { reason: reason.clone() };
        match self.site.tracker.release(&story.bead, &claim_of(story), &release).await {
            Ok(_) => {}
            // The work landed; what somebody did to the bead meanwhile is theirs, and is told.
            Err(error) if error.is_refusal() => {
                self.record(
                    story,
                    Body::Notice { text: format!("landed, but the bead was not closed: {error}") },
                )?;
            }
            Err(error) => return Err(error.into()),
        }
        self.survive("done", "close")?;
        self.record(story, Body::Closed { reason })?;
        Ok(())
    }

    pub(in crate::daemon) async fn settle(
        &self,
        story: &mut Story,
        outcome: Outcome,
        cause: Option<Cause>,
        reason: String,
    ) -> Result<(), EngineError> {
        let claim = claim_of(story);
        // Asked of the tracker, not of the story: a crash may have come between the claim and its event. And
        // where the claim is no longer ours, somebody else decided; their word stands.
        if self.still_ours(story).await? {
            let mut text = comment(story, outcome, cause.as_ref(), &reason);
            if self.tracker_was_touched(story)? {
                text.push_str(&format!(" Mind: {DROPPED}."));
            }
            if matches!(outcome, Outcome::Parked | Outcome::NoChange) {
                self.site.tracker.release(&story.bead, &claim, &Release::Parked { comment: text }).await?;
            } else {
                self.comment_once(story, &text).await?;
                self.site.tracker.release(&story.bead, &claim, &Release::Open).await?;
            }
        }
        self.survive("done", "settle")?;
        self.record(story, Body::Settled)?;
        Ok(())
    }

    /// Whether agents of this claim changed the tracker's files, none of which lands (T30).
    fn tracker_was_touched(&self, story: &Story) -> Result<bool, EngineError> {
        let filter = Filter::of(&story.project, &story.bead);
        let events = self.house.journal.events(story.id, &filter, usize::MAX)?;
        let touched = |body: &Body| matches!(body, Body::Exported { tracker_touched, .. } if !tracker_touched.is_empty());
        Ok(events.iter().any(|event| touched(&event.body)))
    }

    /// A crash between comment and release must not say the same thing twice.
    async fn comment_once(&self, story: &Story, text: &str) -> Result<(), EngineError> {
        let bead = self.site.tracker.show(&story.bead).await?;
        if !bead.comments.iter().any(|c| c.text == text) {
            self.site.tracker.comment(&story.bead, ACTOR, text).await?;
        }
        Ok(())
    }
}

/// What is said of work that changed the tracker's files.
const DROPPED: &str = "the agent's changes to .beads/ were dropped";

/// Who signs our comments.
const ACTOR: &str = "beadwork";

pub(in crate::daemon) fn claim_of(story: &Story) -> Claim {
    Claim { token: story.order.token.clone(), actor: story.order.actor.clone() }
}

/// One short summary, with the run's id (rules 14.1).
fn comment(story: &Story, outcome: Outcome, cause: Option<&Cause>, reason: &str) -> String {
    let word = cause.map(|c| format!(" ({})", c.as_str())).unwrap_or_default();
    let mut text = format!("Beadwork: {}{word}: {reason}.", outcome.as_str());
    if let Some(kept) = &story.tip {
        text.push_str(&format!(" Work kept as {}.", kept.run.ref_name()));
    }
    if let Some(run) = story.run() {
        text.push_str(&format!(" Log: `bead logs {run}`."));
    }
    if let (Outcome::Parked, Some(branch)) = (outcome, &story.finish.branch) {
        text.push_str(&format!(" Merge it (`git merge {branch}`), and the bead is closed."));
    } else if matches!(outcome, Outcome::Parked | Outcome::NoChange) {
        for step in next::steps(&story.bead, outcome, cause) {
            let mut letters = step.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            text.push_str(&format!(" {first}{}.", letters.as_str()));
        }
    }
    text
}

//! What an agent would be told now, without telling anybody.
//!
//! Owns the step from where a bead stands to its next prompt, on a story that no journal holds: nothing is claimed,
//! started or written. The words are those of the real run, by the same function. Start with [`Engine::next_prompt`].

use super::engine::Engine;
use super::error::EngineError;
use super::hand::{again, messages};
use super::refusal::Refusal;
use super::work::WorkRequest;
use crate::config::effective::Flags;
use crate::context::project::Summary;
use crate::domain::event::{Body, Event, Order};
use crate::domain::ids::{BeadId, Oid, RunId};
use crate::lifecycle::{Effect, Phase, Story};

/// A prompt, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// `work`, `review`.
    pub kind: &'static str,
    /// In a conversation that is there already.
    pub resumed: bool,
    pub text: String,
    /// Files among the project's templates that are none, in words.
    pub notices: Vec<String>,
}

impl Engine {
    /// The prompt of the bead's next run, or of the one that is under way.
    pub async fn next_prompt(&self, bead: &BeadId) -> Result<Preview, EngineError> {
        let title = self.site.tracker.show(bead).await?.title;
        let mut story = match self.house.journal.open_story_of(&self.site.id, bead)? {
            Some(story) => story,
            None => self.imagined(bead, title).await?,
        };
        // A resume may lead to an attempt's start: few steps, and each once.
        for _ in 0..4 {
            match self.imagine(&mut story) {
                Some(body) => {
                    story.apply(&self.event(&story, body)).map_err(crate::journal::JournalError::from)?
                }
                None => break,
            }
        }
        let settings = self.settings(&story.order).await?;
        // Into our own copy, where prompts are read from.
        self.site.repo.fetch(&story.order.base).await?;
        let notices = self.stray_prompts(&story.order.base)?;
        match story.phase {
            Phase::Reviewing => {
                let text = self.review_task(&story).await?;
                Ok(Preview { kind: "review", resumed: false, text, notices })
            }
            Phase::Preparing | Phase::Working => {
                let text = self.task(&story, &settings).await?;
                // An agent at work reads what is said to it beside its task.
                let heard = story.work.as_ref().is_some_and(|work| work.tasked);
                let said = messages::pending(&self.house.journal, &story.project, &story.bead)?;
                let text = if heard { text } else { messages::preface(&said, text) };
                let resumed = story.work.as_ref().is_some_and(|work| work.resume);
                Ok(Preview { kind: "work", resumed, text, notices })
            }
            _ => Err(Refusal::new(format!(
                "no agent is next for bead `{bead}`: it is in phase {}",
                story.phase.name()
            ))
            .hint(format!("`bead why {bead}` says where it stands"))
            .into()),
        }
    }

    /// What a prompt would say of the project, and the commit it is read from.
    pub async fn project_summary(&self, bead: &BeadId) -> Result<(Oid, Summary), EngineError> {
        self.site.tracker.show(bead).await?;
        let base = match self.house.journal.open_story_of(&self.site.id, bead)? {
            Some(story) => story.order.base,
            None => self.begins_at(bead).await?.1,
        };
        self.site.repo.fetch(&base).await?;
        let summary = self.site.repo.summary(&base)?;
        Ok((base, summary))
    }

    /// The story of a bead as it would be if it were claimed now.
    async fn imagined(&self, bead: &BeadId, title: String) -> Result<Story, EngineError> {
        let (target, base) = self.begins_at(bead).await?;
        let flags = Flags { target: Some(target.clone()), model: None };
        let settings = self.settings_at(&base, &flags).await?;
        let order = Order {
            title,
            attempts: settings.limits.attempts.value,
            rounds: settings.review.value.rounds_in_force(),
            again: again::of(&self.house, &self.site, bead)?,
            ..Order::unclaimed(target, base)
        };
        let event = Event {
            seq: self.house.journal.last_seq()?,
            at: self.house.clock.now(),
            project: Some(self.site.id.clone()),
            bead: Some(bead.clone()),
            run: None,
            attempt: None,
            body: Body::Claiming { order },
        };
        Ok(Story::open(&event).expect("a claiming event with its ids opens a story"))
    }

    /// The commit that work on a bead would begin at now, and the branch it is of.
    pub(super) async fn begins_at(&self, bead: &BeadId) -> Result<(String, Oid), EngineError> {
        let target = self.target(&WorkRequest::unattended(bead.clone())).await?;
        match self.site.repo.branch_tip(&target).await? {
            Some(base) => Ok((target, base)),
            None => Err(Refusal::new(format!("there is no branch `{target}` to land on")).into()),
        }
    }

    /// What would be written next on the way to a prompt; `None` where it is reached, or not to be reached.
    fn imagine(&self, story: &mut Story) -> Option<Body> {
        if let Phase::Suspended { reason, .. } = &story.phase {
            let session = story.work.as_ref().map(|work| work.session.clone()).unwrap_or_default();
            return Some(Body::Resumed { why: reason.clone(), session });
        }
        match story.next() {
            Effect::Claim => Some(Body::Claimed),
            Effect::StartAttempt { from, resume, .. } => {
                Some(Body::AttemptStarted { from, session: String::new(), resume })
            }
            // The kept work would meet the target first. What comes of it is not known, so none is shown.
            Effect::Unite => {
                let onto = story.order.base.clone();
                Some(Body::Merged { commit: onto.clone(), tree: onto.clone(), onto })
            }
            _ => None,
        }
    }

    fn event(&self, story: &Story, body: Body) -> Event {
        let begins = matches!(body, Body::AttemptStarted { .. });
        Event {
            seq: story.id + 1,
            at: self.house.clock.now(),
            project: Some(story.project.clone()),
            bead: Some(story.bead.clone()),
            run: if begins { Some(RunId::from_bytes([0; 16])) } else { story.run().cloned() },
            attempt: Some(story.attempt + u32::from(begins)),
            body,
        }
    }
}

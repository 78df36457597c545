//! The push of what landed, with the user's own git, after everything that matters is done (rules 3.7).
//!
//! Owns the debt: a push is noted before it is tried and struck out when the remote has it, so that a crash, a
//! remote that is away or one that refuses costs a later try and nothing else. Start with
//! `Engine::push_finished` and [`Engine::push_owed`].

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::Body;
use crate::domain::run::Outcome;
use crate::journal::Entry;
use crate::journal::cache::Owed;
use crate::journal::read::Filter;
use crate::lifecycle::Story;
use crate::workspace::publish::Pushed;

impl Engine {
    /// Notes what the story's end owes to a remote, once, and tries it.
    pub(super) async fn push_finished(&self, story: &mut Story) -> Result<(), EngineError> {
        let finish = &story.finish;
        let branch = match (finish.outcome, finish.cause.as_ref().map(|c| c.as_str())) {
            (Outcome::Landed, _) => Some(story.order.target.clone()),
            (Outcome::Parked, Some("branch")) => finish.branch.clone(),
            _ => None,
        };
        let (Some(branch), Some(commit)) = (branch, finish.commit.clone()) else { return Ok(()) };
        let Some(remote) = self.settings(&story.order).await?.land.value.push else { return Ok(()) };
        let filter = Filter::of(&story.project, &story.bead);
        let since = self.house.journal.events(story.id, &filter, usize::MAX)?;
        if !since.iter().any(|event| matches!(event.body, Body::Pushing { .. })) {
            let owed = Owed {
                story: story.id,
                bead: story.bead.clone(),
                remote: remote.clone(),
                branch: branch.clone(),
                commit: commit.clone(),
                last: String::new(),
            };
            // The debt stands before its event: a debt without an event is noted again, the reverse is lost.
            self.house.journal.owe_push(&story.project, &owed)?;
            self.record(story, Body::Pushing { remote, branch, commit })?;
        }
        self.push_owed().await
    }

    /// Tries every push that this project still owes. A remote that says no is told once and asked again at
    /// the next call; only trouble of our own is an error.
    pub async fn push_owed(&self) -> Result<(), EngineError> {
        let mut owed = self.house.journal.owed_pushes(&self.site.id)?;
        // The newest commit of a branch brings the older ones along.
        while let Some(newest) = owed.pop() {
            let done = self.push_one(&newest).await?;
            if !done {
                continue;
            }
            let mut left = Vec::new();
            for older in owed {
                let along = older.remote == newest.remote
                    && older.branch == newest.branch
                    && self.site.repo.is_ancestor(&older.commit, &newest.commit)?;
                if along {
                    self.pushed(&older)?;
                } else {
                    left.push(older);
                }
            }
            owed = left;
        }
        Ok(())
    }

    async fn push_one(&self, owed: &Owed) -> Result<bool, EngineError> {
        self.survive("before", "push")?;
        let pushed = self.site.repo.push(&owed.remote, &owed.commit, &owed.branch).await?;
        self.survive("done", "push")?;
        match pushed {
            Pushed::Done => {
                self.pushed(owed)?;
                Ok(true)
            }
            Pushed::Refused(reason) if reason == owed.last => Ok(false),
            Pushed::Refused(reason) => {
                let Owed { remote, branch, commit, .. } = owed.clone();
                self.tell_push(owed, Body::PushFailed { remote, branch, commit, reason: reason.clone() })?;
                let owed = Owed { last: reason, ..owed.clone() };
                self.house.journal.owe_push(&self.site.id, &owed)?;
                Ok(false)
            }
        }
    }

    fn pushed(&self, owed: &Owed) -> Result<(), EngineError> {
        let Owed { remote, branch, commit, .. } = owed.clone();
        self.tell_push(owed, Body::Pushed { remote, branch, commit })?;
        Ok(self.house.journal.push_made(owed.story)?)
    }

    /// The story may have ended long ago: its events stand beside it.
    fn tell_push(&self, owed: &Owed, body: Body) -> Result<(), EngineError> {
        self.house.journal.tell(Entry {
            project: Some(self.site.id.clone()),
            bead: Some(owed.bead.clone()),
            run: None,
            attempt: None,
            body,
        })?;
        Ok(())
    }
}

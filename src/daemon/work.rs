//! `bead work` as one call: recover what was left, refuse what must be refused, then carry the bead to its end.
//!
//! Owns the way into a story: a new one, one that another process left, or a suspended one. The checks stand
//! in `preflight`, the loop in `engine`. Start with [`Engine::work`].

use std::sync::Arc;

use serde_json::json;

use super::engine::Engine;
use super::error::EngineError;
use super::locks::{self, Taken};
use super::refusal::Refusal;
use super::stop::Stop;
use crate::domain::event::{Body, Finish, Order};
use crate::domain::ids::{BeadId, base36};
use crate::domain::run::Outcome;
use crate::journal::Entry;
use crate::lifecycle::{Phase, Story};

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct WorkRequest {
    pub bead: BeadId,
    pub force: bool,
    pub no_gates: bool,
    pub target: Option<String>,
    pub model: Option<String>,
    /// The night asks: nobody could override a dirty checkout, so the work lands beside it (rules 3.5).
    pub unattended: bool,
}

impl WorkRequest {
    /// What the night asks for.
    pub fn unattended(bead: BeadId) -> Self {
        Self { bead, force: false, no_gates: false, target: None, model: None, unattended: true }
    }
}

/// How it ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub bead: BeadId,
    pub run: Option<String>,
    pub target: String,
    pub finish: Finish,
    pub until: Option<chrono::DateTime<chrono::Utc>>,
}

impl Ended {
    pub(super) fn of(story: &Story) -> Self {
        let mut finish = story.finish.clone();
        let mut until = None;
        if let Phase::Suspended { cause, reason, until: at, .. } = &story.phase {
            finish.outcome = Outcome::Suspended;
            finish.cause = Some(cause.clone());
            finish.reason.clone_from(reason);
            until = *at;
        }
        Self {
            bead: story.bead.clone(),
            run: story.run().map(ToString::to_string),
            target: story.order.target.clone(),
            finish,
            until,
        }
    }

    /// The last line of `bead work --json`.
    pub fn result_line(&self) -> serde_json::Value {
        json!({
            "type": "result",
            "bead": self.bead,
            "run": self.run,
            "outcome": self.finish.outcome,
            "cause": self.finish.cause,
            "commit": self.finish.commit,
            "branch": self.finish.branch.clone().unwrap_or_else(|| self.target.clone()),
            "attempts": self.finish.attempts,
            "cost_usd": self.finish.cost_usd,
            "reason": self.finish.reason,
        })
    }

    /// What a person may want to do next.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        let kept = self.run.as_ref().map(|run| format!("look at the work: `git log -p refs/bead/{run}`"));
        match self.finish.outcome {
            Outcome::Landed => {}
            Outcome::Suspended => {
                let when = self.until.map(|t| format!(" (possible from {})", t.format("%Y-%m-%d %H:%M UTC")));
                hints.push(format!("go on with `bead work {}`{}", self.bead, when.unwrap_or_default()));
            }
            Outcome::NoChange => {
                hints
                    .push(format!("if that is right: `bead close {} --reason \"nothing to do\"`", self.bead));
                hints.push(format!("if not: say more in the bead, then `bead reopen {}`", self.bead));
            }
            Outcome::Parked if self.finish.branch.is_some() => {
                let branch = self.finish.branch.as_deref().unwrap_or_default();
                hints.push(format!("merge it yourself: `git merge {branch}`; Beadwork then closes the bead"));
            }
            outcome => {
                hints.extend(kept);
                let id = &self.bead;
                hints.push(match outcome {
                    Outcome::Parked => format!("try again: `bead reopen {id}`, then `bead work {id}`"),
                    _ => format!("try again: `bead work {id}`"),
                });
            }
        }
        hints
    }
}

impl Engine {
    /// Takes one bead to its end. Recovers first what earlier processes of this project left (rules 6.2).
    pub async fn work(&self, request: WorkRequest) -> Result<Ended, EngineError> {
        self.recover_others(&request.bead).await?;
        self.close_merged_beside().await?;
        self.push_owed().await?;
        self.carry(request, "the user asked").await
    }

    /// The same without looking after other beads: a daemon does that for all at once.
    pub(super) async fn carry(&self, request: WorkRequest, why: &str) -> Result<Ended, EngineError> {
        let lock = locks::take(&self.house.places.locks(), &self.site.id, &request.bead)
            .map_err(|source| EngineError::Io { path: self.house.places.locks(), source })?;
        let _lock = match lock {
            Taken::Ours(lock) => lock,
            Taken::Theirs(pid) => {
                let who = pid.map_or_else(|| "another process".to_owned(), |p| format!("process {p}"));
                return Err(Refusal::new(format!("bead `{}` is being worked on by {who}", request.bead))
                    .hint("`bead runs` shows it; `bead events -f` follows it")
                    .into());
            }
        };
        let mut story = match self.house.journal.open_story_of(&self.site.id, &request.bead)? {
            Some(story) => self.take_up(story, why).await?,
            None => self.begin(&request).await?,
        };
        self.drive(&mut story).await?;
        Ok(Ended::of(&story))
    }

    /// A story that is open in the journal although nobody holds its lock: continue it.
    async fn take_up(&self, mut story: Story, why: &str) -> Result<Story, EngineError> {
        self.preflight_engine(&story.order).await?;
        if let Phase::Suspended { cause, .. } = &story.phase {
            let why = format!("{why}, after {}", cause.as_str());
            self.resume(&mut story, why)?;
        } else {
            let what = format!("continued in phase {} after its process was gone", story.phase.name());
            let mut entry = Entry::of(&story, story.recovered(what));
            entry.run = story.run().cloned();
            self.record_as(&mut story, entry)?;
        }
        Ok(story)
    }

    async fn begin(&self, request: &WorkRequest) -> Result<Story, EngineError> {
        let approved = self.preflight(request).await?;
        let token = base36(self.house.ids.bytes(), 20);
        let order = Order {
            title: approved.title,
            target: approved.target,
            base: approved.base,
            attempts: approved.attempts,
            no_gates: request.no_gates,
            forced: approved.forced,
            model: request.model.clone(),
            actor: format!("beadwork/{}", &token[..8]),
            token,
        };
        let entry = Entry {
            project: Some(self.site.id.clone()),
            bead: Some(request.bead.clone()),
            run: None,
            attempt: None,
            body: Body::Claiming { order },
        };
        let (event, story) = self.house.journal.open_story(entry)?;
        self.progress.event(&event, &story);
        Ok(story)
    }

    /// Stories of other beads that lost their process: stop, keep the work, give the bead back.
    async fn recover_others(&self, mine: &BeadId) -> Result<(), EngineError> {
        for mut story in self.house.journal.open_stories(Some(&self.site.id))? {
            if &story.bead == mine || matches!(story.phase, Phase::Suspended { .. }) {
                continue;
            }
            let dir = self.house.places.locks();
            let taken = locks::take(&dir, &self.site.id, &story.bead)
                .map_err(|source| EngineError::Io { path: dir, source })?;
            let Taken::Ours(_lock) = taken else { continue };
            // Between the listing and the lock its owner may have finished it.
            match self.house.journal.open_story_of(&self.site.id, &story.bead)? {
                Some(current) => story = current,
                None => continue,
            }
            let what =
                format!("its process is gone: stopping in phase {}, keeping the work", story.phase.name());
            let entry = Entry::of(&story, story.recovered(what));
            self.record_as(&mut story, entry)?;
            let stopping = Stop::default();
            stopping.more();
            let janitor = Engine { stop: stopping, progress: Arc::clone(&self.progress), ..self.clone() };
            match Box::pin(janitor.drive(&mut story)).await {
                Ok(()) => {}
                Err(error @ (EngineError::Left | EngineError::Died(_))) => return Err(error),
                // One bead's trouble must not keep the others from their work; the story stays open.
                Err(error) => {
                    let text = format!("bead `{}` could not be recovered now: {error}", story.bead);
                    self.record(&mut story, Body::Notice { text })?;
                }
            }
        }
        Ok(())
    }
}

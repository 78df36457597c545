//! `bead work` as one call: recover what was left, refuse what must be refused, then carry the bead to its end.
//!
//! Owns the way into a story: a new one, one that another process left, or a suspended one. The checks stand
//! in `preflight`, the loop in `engine`. Start with [`Engine::work`].

use std::sync::Arc;

use serde_json::json;

use super::engine::{Engine, stopped};
use super::error::EngineError;
use super::hand::{again, messages, wishes};
use super::locks::{self, Taken};
use super::next;
use super::outside::Whose;
use super::refusal::Refusal;
use super::stop::{Stop, Urgency};
use crate::domain::event::{Body, Finish, Order, Wish};
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
    pub no_review: bool,
    pub target: Option<String>,
    pub model: Option<String>,
    /// The night asks: nobody could override a dirty checkout, so the work lands beside it (rules 3.5).
    pub unattended: bool,
    /// Only what is under way is carried on. Nothing is begun: without an open story the bead has ended already.
    pub under_way: bool,
}

impl WorkRequest {
    /// What the night asks for.
    pub fn unattended(bead: BeadId) -> Self {
        Self {
            bead,
            force: false,
            no_gates: false,
            no_review: false,
            target: None,
            model: None,
            unattended: true,
            under_way: false,
        }
    }

    /// What is asked for a bead that is under way, as far as anybody knows: it may end before its turn comes.
    pub fn under_way(bead: BeadId) -> Self {
        Self { under_way: true, ..Self::unattended(bead) }
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
    /// How a story ended, or waits.
    pub fn of(story: &Story) -> Self {
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

    fn cause(&self) -> &str {
        self.finish.cause.as_ref().map_or("", |cause| cause.as_str())
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
            Outcome::Parked if self.finish.branch.is_some() => {
                let branch = self.finish.branch.as_deref().unwrap_or_default();
                hints.push(format!("merge it yourself: `git merge {branch}`; Beadwork then closes the bead"));
                if self.cause() == "landed_beside" {
                    hints.push(format!(
                        "or have it landed: `bead retry {0}`, then `bead work {0}`",
                        self.bead
                    ));
                }
            }
            outcome => {
                hints.extend(kept.filter(|_| outcome != Outcome::NoChange));
                hints.extend(next::steps(&self.bead, outcome, self.finish.cause.as_ref()));
            }
        }
        hints
    }
}

/// What a person hears who changed their mind before anything was done.
pub(super) fn not_begun(bead: &BeadId) -> Refusal {
    Refusal::new(format!("bead `{bead}` was cancelled before it began"))
}

impl Engine {
    /// Takes one bead to its end. Recovers first what earlier processes of this project left (rules 6.2).
    pub async fn work(&self, request: WorkRequest) -> Result<Ended, EngineError> {
        self.recover_others(&request.bead).await?;
        self.recover_outside(Whose::All).await?;
        self.close_merged_beside().await?;
        self.push_owed().await?;
        self.carry(request, "the user asked").await
    }

    /// Takes a bead that nobody holds to the end that a person wishes.
    pub async fn finish(&self, bead: BeadId) -> Result<Ended, EngineError> {
        self.carry(WorkRequest::under_way(bead), "a person asked").await
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
        // What a person wants of this bead is nothing to the next one of the same command.
        let engine = Self { stop: self.stop.apart(), ..self.clone() };
        tokio::select! {
            biased;
            never = engine.stop.follow(&self.stop) => match never {},
            ended = engine.carry_held(request, why) => ended,
        }
    }

    /// Carries the bead whose lock is held.
    async fn carry_held(&self, request: WorkRequest, why: &str) -> Result<Ended, EngineError> {
        let journal = &self.house.journal;
        let seen = journal.last_seq()?;
        let mut story = match journal.open_story_of(&self.site.id, &request.bead)? {
            Some(story) => match wishes::standing(journal, &story)? {
                Some(wish) => self.take_up_wished(story, &wish, why).await?,
                None => self.take_up(story, why).await?,
            },
            // Asked twice, or ended by itself meanwhile: there is nothing to be done.
            None if request.under_way => return self.ended_already(&request.bead),
            None => {
                // What a person left in a shell that was cut off is what it goes on with.
                self.recover_outside(Whose::Held(&request.bead)).await?;
                self.begin(&request).await?
            }
        };
        let wishes = self.obey_wishes(story.project.clone(), story.bead.clone(), seen);
        tokio::pin!(wishes);
        loop {
            tokio::select! {
                biased;
                broken = &mut wishes => match broken? {},
                done = self.drive(&mut story) => done?,
            }
            // It was suspended before anybody could obey.
            let suspended = matches!(story.phase, Phase::Suspended { .. });
            let standing = wishes::standing(journal, &story)?.filter(|_| suspended);
            let Some(wish) = standing else { break };
            self.end_suspended(&mut story, &wish)?;
        }
        self.tell_unheard(&story)?;
        Ok(Ended::of(&story))
    }

    /// How a bead ended that somebody wanted to go on with, or to end.
    fn ended_already(&self, bead: &BeadId) -> Result<Ended, EngineError> {
        let last = self.house.journal.stories_of(&self.site.id, bead)?.pop();
        let nothing = || Refusal::new(format!("nothing of bead `{bead}` is under way"));
        let hint = format!("`bead why {bead}` says how it stands");
        Ok(Ended::of(&last.ok_or_else(|| nothing().hint(hint))?))
    }

    /// A story that was left with a wish that nobody obeyed. To end it takes neither a key nor an image.
    async fn take_up_wished(&self, mut story: Story, wish: &Wish, why: &str) -> Result<Story, EngineError> {
        wishes::heed(&self.stop, wish);
        if matches!(story.phase, Phase::Suspended { .. }) {
            self.end_suspended(&mut story, wish)?;
            return Ok(story);
        }
        if *wish == Wish::Pause {
            return self.take_up(story, why).await;
        }
        let what = format!("taken up in phase {}, to be ended as a person wishes", story.phase.name());
        self.tell_recovered(&mut story, what)?;
        Ok(story)
    }

    /// Nothing runs: what is kept is settled as the person wishes.
    fn end_suspended(&self, story: &mut Story, wish: &Wish) -> Result<(), EngineError> {
        let parked = match wish {
            Wish::Park { reason } => Some(reason.clone()),
            Wish::Cancel | Wish::Pause => None,
        };
        let body = stopped(story, parked);
        self.record(story, body).map(|_| ())
    }

    /// Nobody will hear what was said to a bead that landed.
    fn tell_unheard(&self, story: &Story) -> Result<(), EngineError> {
        if story.is_open() || story.finish.outcome != Outcome::Landed {
            return Ok(());
        }
        let unheard = messages::pending(&self.house.journal, &story.project, &story.bead)?;
        for message in unheard {
            let text = format!(
                "it landed before its agent heard this message (`bead reopen {}` has it worked on again, with that): {}",
                story.bead, message.text
            );
            let event = self.house.journal.tell(Entry::of(story, Body::Notice { text }))?;
            self.progress.event(&event, story);
        }
        Ok(())
    }

    /// A story that is open in the journal although nobody holds its lock: continue it.
    async fn take_up(&self, mut story: Story, why: &str) -> Result<Story, EngineError> {
        self.preflight_engine(&story.order).await?;
        if let Phase::Suspended { cause, .. } = &story.phase {
            let why = format!("{why}, after {}", cause.as_str());
            self.resume(&mut story, why)?;
        } else {
            let what = format!("continued in phase {} after its process was gone", story.phase.name());
            self.tell_recovered(&mut story, what)?;
        }
        Ok(story)
    }

    fn tell_recovered(&self, story: &mut Story, what: String) -> Result<(), EngineError> {
        let entry = Entry::of(story, story.recovered(what));
        self.record_as(story, entry).map(|_| ())
    }

    async fn begin(&self, request: &WorkRequest) -> Result<Story, EngineError> {
        let approved = tokio::select! {
            biased;
            // Nothing is written down yet, and an engine may take its time to answer.
            () = self.stop.at_least(Urgency::Gently) => return Err(not_begun(&request.bead).into()),
            approved = self.preflight(request) => approved?,
        };
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
            unattended: request.unattended,
            rounds: approved.rounds,
            again: again::of(&self.house, &self.site, &request.bead)?,
        };
        let entry = Entry {
            project: Some(self.site.id.clone()),
            bead: Some(request.bead.clone()),
            run: None,
            attempt: None,
            body: Body::Claiming { order },
        };
        let (event, mut story) = self.house.journal.open_story(entry)?;
        self.progress.event(&event, &story);
        for text in approved.notices {
            self.record(&mut story, Body::Notice { text })?;
        }
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
            let stopping = Stop::default();
            let how = match wishes::standing(&self.house.journal, &story)? {
                // What a person said of it goes before what we would do.
                Some(wish) => {
                    wishes::heed(&stopping, &wish);
                    "as a person wishes"
                }
                None => {
                    stopping.more();
                    "keeping the work"
                }
            };
            let what = format!("its process is gone: stopping in phase {}, {how}", story.phase.name());
            let entry = Entry::of(&story, story.recovered(what));
            self.record_as(&mut story, entry)?;
            let janitor = Engine { stop: stopping, progress: Arc::clone(&self.progress), ..self.clone() };
            match Box::pin(janitor.drive(&mut story)).await {
                Ok(()) => self.tell_unheard(&story)?,
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

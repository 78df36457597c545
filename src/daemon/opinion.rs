//! A review outside a claim: an independent agent reads kept work or a branch, and its reply is judged.
//!
//! Owns what is read (a bead's or run's kept tip, or a branch, and what each was made on) and the end of it. The
//! round itself is the same as within a claim, on a story that no journal holds; only its run is written
//! down. It lands nothing and files nothing. Start with [`Engine::opinion`].

mod line;

use super::effects::clean_up::remove_dir;
use super::engine::Engine;
use super::error::EngineError;
use super::hand::again;
use super::house::{House, Site};
use super::outside;
use super::preflight;
use super::refusal::Refusal;
use super::stop::Urgency;
use crate::config::effective::Flags;
use crate::domain::event::{Body, Event, GivenBack, Order};
use crate::domain::ids::{BeadId, Oid, RunId};
use crate::domain::run::{Cause, Outcome, RunKind, RunState};
use crate::domain::verdict::Review;
use crate::journal::Entry;
use crate::journal::read::Filter;
use crate::lifecycle::{Kept, Phase, Story};

/// What an independent agent made of some work.
#[derive(Debug, Clone)]
pub struct Opinion {
    /// The bead whose work it is; none of a branch.
    pub bead: Option<BeadId>,
    /// The last reviewer's run.
    pub run: Option<RunId>,
    pub tip: Oid,
    pub base: Oid,
    pub review: Option<Review>,
    /// How it ended without a verdict.
    pub ended: Option<(Outcome, Option<Cause>, String)>,
    pub cost_usd: f64,
}

/// What is to be read.
struct Subject {
    bead: Option<BeadId>,
    title: String,
    tip: Oid,
    base: Oid,
    target: String,
}

impl Engine {
    /// Has the kept work of a bead or run, or a branch, reviewed once, by the model that is named where one is.
    pub async fn opinion(&self, what: &str, model: Option<String>) -> Result<Opinion, EngineError> {
        let subject = subject(&self.house, &self.site, what).await?;
        let order = Order {
            title: subject.title.clone(),
            no_gates: true,
            model,
            rounds: 1,
            ..Order::unclaimed(&subject.target, subject.base.clone())
        };
        self.preflight_engine(&order).await?;
        self.site.repo.fetch(&subject.base).await?;
        self.site.repo.fetch(&subject.tip).await?;
        let bead = subject.bead.clone().unwrap_or_else(|| BeadId::new("branch"));
        let mut story = self.loose_story(bead, order);
        let run = RunId::from_bytes([0; 16]);
        story.tip = Some(Kept { run, tip: subject.tip.clone(), at: story.started });
        story.phase = Phase::Reviewing;
        let read = self.read_once(&mut story).await;
        for run in &story.runs {
            self.forget_reviewer(&story, run).await?;
        }
        read?;
        Ok(self.opinion_of(subject, story))
    }

    async fn read_once(&self, story: &mut Story) -> Result<(), EngineError> {
        let mut locks = Vec::new();
        while story.phase == Phase::Reviewing {
            if story.reviews.run.is_none() && self.stop.now() > Urgency::GoOn {
                return Err(EngineError::Left);
            }
            // Between its announcement and its lock nobody shall take it for dead.
            let announcing = story.reviews.run.is_none();
            let turn = if announcing { Some(outside::turn(&self.house, &self.site.id).await?) } else { None };
            tokio::select! {
                biased;
                () = self.stop.at_least(Urgency::AtOnce) => return Err(EngineError::Left),
                done = self.review(story) => done?,
            }
            if let Some(run) = story.runs.get(locks.len()) {
                locks.push(outside::take(&self.house, &self.site.id, (RunKind::Review, run))?);
            }
            drop(turn);
        }
        Ok(())
    }

    /// What the run left on this machine goes; its log stays.
    async fn forget_reviewer(&self, story: &Story, run: &RunId) -> Result<(), EngineError> {
        super::effects::reviewer::remove_sandboxes(self, run).await?;
        remove_dir(&self.house.places.sockets(run))?;
        // Whoever left at once, or could not go on, did not wait for its agent's end.
        self.bill(run, "left before it had ended")?;
        let state = match (&story.phase, story.reviews.last.is_some()) {
            (_, true) => RunState::Completed,
            (Phase::Suspending { .. }, _) => RunState::Suspended,
            (Phase::Settling { outcome: Outcome::Cancelled, .. }, _) => RunState::Cancelled,
            _ => RunState::Failed,
        };
        let last = story.runs.last() == Some(run);
        let body = Body::RunEnded {
            kind: RunKind::Review,
            state: if last { state } else { RunState::Failed },
            cause: None,
            // It stands in its agent's end, where the night's and the week's budgets find it.
            cost_usd: 0.0,
        };
        self.house.journal.tell(Entry { run: Some(run.clone()), ..Entry::of(story, body) })?;
        Ok(())
    }

    /// A story that no journal holds.
    pub(super) fn loose_story(&self, bead: BeadId, order: Order) -> Story {
        let event = Event {
            seq: 0,
            at: self.house.clock.now(),
            project: Some(self.site.id.clone()),
            bead: Some(bead),
            run: None,
            attempt: None,
            body: Body::Claiming { order },
        };
        Story::open(&event).expect("a claiming event with its ids opens a story")
    }

    fn opinion_of(&self, subject: Subject, story: Story) -> Opinion {
        let ended = match (&story.reviews.last, &story.phase) {
            (Some(_), _) => None,
            (None, Phase::Suspending { cause, reason, .. }) => {
                Some((Outcome::Suspended, Some(cause.clone()), reason.clone()))
            }
            (None, Phase::Settling { outcome, cause, reason, .. }) => {
                Some((*outcome, cause.clone(), reason.clone()))
            }
            (None, _) => Some((Outcome::Failed, None, "it ended without a verdict".to_owned())),
        };
        Opinion {
            bead: subject.bead,
            run: story.runs.last().cloned(),
            tip: subject.tip,
            base: subject.base,
            review: story.reviews.last,
            ended,
            cost_usd: story.cost_usd,
        }
    }

    /// Whether beads may be made of what was found, by the config the work was made under.
    pub async fn create_beads(
        &self,
        opinion: &Opinion,
    ) -> Result<crate::config::review::CreateBeads, EngineError> {
        let settings = self.settings_at(&opinion.base, &Flags::default()).await?;
        Ok(settings.review.value.create_beads)
    }
}

/// Refuses what nobody could read, before anybody waits for a reviewer.
pub async fn can_be_read(house: &House, site: &Site, what: &str) -> Result<(), EngineError> {
    subject(house, site, what).await.map(drop)
}

async fn subject(house: &House, site: &Site, what: &str) -> Result<Subject, EngineError> {
    if let Some(run) = RunId::parse(what)
        && let Some((project, bead)) = house.journal.owner_of(&run)?
        && project == site.id
    {
        return kept_by(house, site, &bead, Some(&run));
    }
    let snapshot = site.tracker.snapshot().await?;
    if let Ok(bead) = snapshot.find(&BeadId::new(what)) {
        return kept_by(house, site, &bead.id, None);
    }
    let repo = &site.repo;
    let Some(tip) = repo.branch_tip(what).await? else {
        return Err(Refusal::new(format!("`{what}` is no bead, no run and no branch"))
            .hint("`bead runs` lists runs, `bead list` beads")
            .into());
    };
    let target = preflight::target(site, None).await?;
    let Some(onto) = repo.branch_tip(&target).await? else {
        return Err(Refusal::new(format!("there is no branch `{target}` to compare with")).into());
    };
    let Some(base) = repo.merge_base(&onto, &tip)?.filter(|base| *base != tip) else {
        return Err(Refusal::new(format!("`{what}` has nothing that `{target}` does not have")).into());
    };
    Ok(Subject { bead: None, title: format!("branch {what}"), tip, base, target })
}

/// The last tip that was kept of the bead, a person's own included, or of one run of it.
fn kept_by(house: &House, site: &Site, bead: &BeadId, run: Option<&RunId>) -> Result<Subject, EngineError> {
    let mut stories = house.journal.stories_of(&site.id, bead)?;
    stories.retain(|story| story.tip.is_some() || run.is_some_and(|run| story.runs.contains(run)));
    let found = match run {
        None => again::kept(house, site, bead)?.and_then(|(_, tip)| Some((stories.pop()?, tip))),
        Some(run) => by_run(house, (stories, run))?,
    };
    let missing = || match run {
        Some(run) => Refusal::new(format!("no work of run `{run}` is kept")),
        None => Refusal::new(format!("no work on bead `{bead}` is kept"))
            .hint(format!("`bead work {bead}` makes some")),
    };
    let (story, tip) = found.ok_or_else(missing)?;
    let repo = &site.repo;
    let bases = [story.base(), &story.order.base];
    let base = bases.into_iter().find(|base| repo.is_ancestor(base, &tip).unwrap_or(false));
    let base = base.unwrap_or(&story.order.base).clone();
    let (title, target) = (story.order.title.clone(), story.order.target.clone());
    Ok(Subject { bead: Some(bead.clone()), title, tip, base, target })
}

/// The claim that a run belongs to, and what it kept: an agent's work, or what a person left in a shell.
fn by_run(house: &House, (stories, run): (Vec<Story>, &RunId)) -> Result<Option<(Story, Oid)>, EngineError> {
    let told =
        house.journal.events(0, &Filter { run: Some(run.clone()), ..Filter::default() }, usize::MAX)?;
    let kept = told.iter().rev().find_map(|event| match &event.body {
        Body::Exported { tip, .. } | Body::GivenBack { how: GivenBack::Reworked { tip, .. }, .. } => {
            Some((event.seq, tip.clone()))
        }
        _ => None,
    });
    let Some((seq, tip)) = kept else { return Ok(None) };
    // A shell belongs to the claim before it.
    Ok(stories.into_iter().rev().find(|story| story.id < seq).map(|story| (story, tip)))
}

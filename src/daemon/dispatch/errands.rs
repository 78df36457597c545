//! What people ask of the daemon that belongs to no claim: the gates on the target, a review of kept work or a branch.
//!
//! Owns their shapes and their tasks, which end with the daemon. A review is an agent like any other: it takes a slot and
//! waits for one. It is its asker's: without anybody to hear of it, it is taken back. Gates take no slot: a person waits,
//! and they cost no money. What each does stands in `opinion` and in the effects. Start with [`Errand`].

use std::sync::Arc;

use tokio::sync::oneshot;

use super::orders::unknown;
use super::snapshot::{Snapshot, memory};
use super::status::WaitingBead;
use super::{Dispatcher, Key, Live};
use crate::config::review::CreateBeads;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::filing::{self, Filing, Person};
use crate::daemon::opinion::Opinion;
use crate::daemon::progress::{Progress, Silent};
use crate::daemon::stop::Stop;
use crate::domain::ids::{BeadId, ProjectId};
use crate::domain::verdict::Filed;

/// What stands in the place of a title.
pub(super) const REVIEW: &str = "a review that was asked for";

pub enum Errand {
    /// Which gates fail on the target's tip: one sentence each.
    Prove { bead: BeadId, answer: oneshot::Sender<Result<Vec<String>, EngineError>> },
    /// Have a bead's or run's kept work, or a branch, read by a reviewer.
    Review(Wanted),
    /// Take back the review of this name: one that waits is forgotten, one that runs is ended properly. Whether there was one.
    Recall { id: String, answer: oneshot::Sender<bool> },
}

/// How a review that somebody asked for ended, or why there is none.
pub type Read = Result<(Opinion, Vec<Filed>), EngineError>;

/// Whoever asked for a review hears how it goes. Its methods return at once and cannot fail.
pub trait Asker: Progress {
    /// It was not begun at once, for this reason.
    fn waits(&self, why: &str);
    fn begins(&self);
}

impl Asker for Silent {
    fn waits(&self, _why: &str) {}
    fn begins(&self) {}
}

/// A review that somebody asked for.
pub struct Wanted {
    /// By which it is taken back.
    pub id: String,
    pub what: String,
    /// Make beads of what is found.
    pub create: bool,
    /// The reviewer's; none: as the project wishes.
    pub model: Option<String>,
    pub asker: Arc<dyn Asker>,
    pub answer: oneshot::Sender<Read>,
}

/// One that waits for a slot.
pub(super) struct Waiting {
    project: ProjectId,
    wanted: Wanted,
    /// Its asker knows.
    told: bool,
}

/// What a slot is taken by that works on no bead.
#[derive(Clone)]
pub(super) struct Reads {
    id: String,
    pub what: String,
}

/// As if what is read were a bead of that name: no real one has a space in it.
fn key_of(project: &ProjectId, what: &str) -> Key {
    (project.clone(), BeadId::new(format!("a review of {what}")))
}

impl Dispatcher {
    pub(super) fn errand(&mut self, project: &ProjectId, errand: Errand) {
        let Some(known) = self.projects.get(project) else {
            let refused = || EngineError::from(unknown(project));
            match errand {
                Errand::Prove { answer, .. } => drop(answer.send(Err(refused()))),
                Errand::Review(Wanted { answer, .. }) => drop(answer.send(Err(refused()))),
                Errand::Recall { answer, .. } => drop(answer.send(false)),
            }
            return;
        };
        match errand {
            Errand::Prove { bead, answer } => {
                let site = Arc::clone(&known.site);
                let engine = Engine::new(Arc::clone(&self.house), site, Arc::clone(&self.machine))
                    .with_person(self.stop.clone(), Arc::new(Silent));
                tokio::spawn(async move { drop(answer.send(engine.failing_on_target(&bead).await)) });
            }
            Errand::Review(wanted) => {
                self.wanted.push_back(Waiting { project: project.clone(), wanted, told: false });
            }
            Errand::Recall { id, answer } => drop(answer.send(self.recall(project, &id))),
        }
    }

    fn recall(&mut self, project: &ProjectId, id: &str) -> bool {
        let waits = self.wanted.iter().position(|w| w.project == *project && w.wanted.id == id);
        if let Some(waiting) = waits.and_then(|place| self.wanted.remove(place)) {
            let _ = waiting.wanted.answer.send(Err(EngineError::Left));
            return true;
        }
        let runs = |(key, live): &(&Key, &Live)| {
            key.0 == *project && live.reads.as_ref().is_some_and(|reads| reads.id == id)
        };
        let Some((_, live)) = self.live.iter().find(runs) else { return false };
        live.stop.cancel();
        true
    }

    /// Starts the reviews that people asked for, as slots allow. True when any was.
    pub(super) fn start_reviews(&mut self, snapshot: &Snapshot) -> bool {
        // Who no longer waits wants none.
        self.wanted.retain(|waiting| !waiting.wanted.answer.is_closed());
        let mut any = false;
        while self.live.len() < usize::try_from(snapshot.slots.global).unwrap_or(usize::MAX) {
            // The same once more begins when the first has ended.
            let Some(next) = self.wanted.iter().position(|waiting| !self.is_read(waiting)) else { break };
            let Some(waiting) = self.wanted.remove(next) else { break };
            any |= self.begin_review(waiting, snapshot);
        }
        let mut wanted = std::mem::take(&mut self.wanted);
        for waiting in wanted.iter_mut().filter(|waiting| !waiting.told) {
            waiting.wanted.asker.waits(self.why_waits(waiting));
            waiting.told = true;
        }
        self.wanted = wanted;
        any
    }

    /// The very same is being read already.
    fn is_read(&self, waiting: &Waiting) -> bool {
        self.live.contains_key(&key_of(&waiting.project, &waiting.wanted.what))
    }

    fn why_waits(&self, waiting: &Waiting) -> &'static str {
        match self.is_read(waiting) {
            true => "the same is being read for somebody else",
            false => "every slot is taken",
        }
    }

    fn begin_review(&mut self, waiting: Waiting, snapshot: &Snapshot) -> bool {
        let Waiting { project, wanted, .. } = waiting;
        let Some(known) = self.projects.get(&project) else {
            let _ = wanted.answer.send(Err(unknown(&project).into()));
            return false;
        };
        let settings = known.settings.as_ref().ok();
        let own = settings.and_then(|s| s.review.value.model.clone().or_else(|| s.model.value.clone()));
        let live = Live {
            stop: Stop::default(),
            since: snapshot.now,
            memory: settings.map_or(0, |settings| memory(settings)),
            model: wanted.model.clone().or(own),
            probe: false,
            asked: true,
            reads: Some(Reads { id: wanted.id.clone(), what: wanted.what.clone() }),
        };
        let site = Arc::clone(&known.site);
        let heard: Arc<dyn Progress> = Arc::<dyn Asker>::clone(&wanted.asker);
        let engine = Engine::new(Arc::clone(&self.house), site, Arc::clone(&self.machine))
            .with_person(live.stop.clone(), heard);
        let (key, stop) = (key_of(&project, &wanted.what), live.stop.clone());
        self.live.insert(key.clone(), live);
        wanted.asker.begins();
        self.tasks.spawn(async move {
            let Wanted { what, create, model, mut answer, .. } = wanted;
            let read = review(&engine, (&what, model), create);
            tokio::pin!(read);
            let told = tokio::select! {
                told = &mut read => told,
                // Nobody would hear of it: it is ended properly, and what it spent counts.
                () = answer.closed() => {
                    stop.cancel();
                    read.await
                }
            };
            let _ = answer.send(told);
            // Whoever asked has the answer; for the night it is as if nobody had been there.
            (key, Err(EngineError::Left))
        });
        true
    }

    /// Reviews that wait for a slot, as the night tells of them.
    pub(super) fn waiting_reviews(&self) -> impl Iterator<Item = WaitingBead> {
        self.wanted.iter().map(|waiting| WaitingBead {
            project: waiting.project.clone(),
            bead: BeadId::new(waiting.wanted.what.clone()),
            title: REVIEW.to_owned(),
            suspended: false,
            reason: self.why_waits(waiting).to_owned(),
        })
    }
}

/// Beads come of it only where the person or the project's config said so.
pub(in crate::daemon) async fn review(
    engine: &Engine,
    (what, model): (&str, Option<String>),
    create: bool,
) -> Read {
    let opinion = engine.opinion(what, model).await?;
    let (Some(source), Some(review)) = (&opinion.bead, &opinion.review) else {
        return Ok((opinion, Vec::new()));
    };
    let config = engine.create_beads(&opinion).await?;
    let person = if create { Person::Agreed } else { Person::Absent };
    if !create && config != CreateBeads::Auto {
        return Ok((opinion, Vec::new()));
    }
    let (house, site) = (&engine.house, &engine.site);
    let filing =
        Filing { house, site, source, run: opinion.run.as_ref(), attempt: None, create: config, person };
    let filed = filing::file(&filing, &review.ledger).await?.filed;
    Ok((opinion, filed))
}

//! What people ask of a running dispatcher: this bead now, go on with that one, another turn for a third.
//!
//! Owns the orders' shapes and what each does here. What a person wants of a bead that runs reaches its holder
//! through the journal (`hand::wishes`); who may ask is the control socket's matter. Start with [`Order`].

use tokio::sync::oneshot;

use super::errands::Errand;
use super::snapshot::Snapshot;
use super::starting::Begin;
use super::status::WaitingBead;
use super::{Dispatcher, Key, Live};
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::daemon::work::{Ended, WorkRequest, not_begun};
use crate::domain::ids::ProjectId;

/// How a bead that a person asked for ended, or why it was not begun.
pub type Answer = oneshot::Sender<Result<Ended, EngineError>>;

pub enum Order {
    /// Work on a bead as soon as a slot is free, whatever the hour.
    Work { project: ProjectId, request: WorkRequest, answer: Answer },
    /// Whether the bead waits for a slot because a person asked for it; `take` takes it back.
    Queued { key: Key, take: bool, answer: oneshot::Sender<bool> },
    /// Go on with a bead that nobody holds: when a slot is free, or at once where it is only to be ended.
    Carry { key: Key, end: bool },
    /// A person gave the bead back: it has another turn.
    Again { key: Key },
    /// Something outside any claim, on a bead or a branch of a project.
    Errand { project: ProjectId, errand: Errand },
    /// Start nothing more, or start again.
    Night { paused: bool },
    /// Something changed: look.
    Poke,
}

/// A bead that a person asked for and that waits for a slot.
pub(super) struct Asked {
    key: Key,
    request: WorkRequest,
    answer: Answer,
}

impl Dispatcher {
    pub(super) async fn obey(&mut self, order: Order) {
        match order {
            Order::Work { project, request, answer } => {
                let key = (project, request.bead.clone());
                self.notes.again(&key);
                self.troubles.settled(&key);
                if self.live.contains_key(&key) {
                    let refusal = Refusal::new(format!("bead `{}` is being worked on", key.1))
                        .hint("`bead events -f` follows it");
                    let _ = answer.send(Err(refusal.into()));
                } else if self.projects.contains_key(&key.0) {
                    self.asked.push_back(Asked { key, request, answer });
                } else {
                    let _ = answer.send(Err(unknown(&key.0).into()));
                }
            }
            Order::Queued { key, take, answer } => drop(answer.send(self.queued(&key, take))),
            Order::Carry { key, end } => self.carry(key, end),
            Order::Again { key } => {
                self.notes.again(&key);
                self.troubles.settled(&key);
                if let Some(project) = self.projects.get_mut(&key.0) {
                    project.stale();
                }
            }
            Order::Errand { project, errand } => self.errand(&project, errand),
            Order::Night { paused } => self.notes.paused = paused,
            Order::Poke => self.projects.values_mut().for_each(super::project::Project::stale),
        }
    }

    fn queued(&mut self, key: &Key, take: bool) -> bool {
        let Some(place) = self.asked.iter().position(|asked| &asked.key == key) else {
            return take && self.ends_unbegun(key);
        };
        // One that waits for a slot has nothing to keep.
        if take && let Some(asked) = self.asked.remove(place) {
            let _ = asked.answer.send(Err(not_begun(&key.1).into()));
        }
        true
    }

    /// Ends what a person asked for while it is only being checked: nothing of it is written down, so whoever looks into
    /// the journal finds nothing to end.
    fn ends_unbegun(&self, key: &Key) -> bool {
        let Some(live) = self.live.get(key).filter(|live| live.asked && live.reads.is_none()) else {
            return false;
        };
        let unbegun = matches!(self.house.journal.open_story_of(&key.0, &key.1), Ok(None));
        if unbegun {
            live.stop.cancel();
        }
        unbegun
    }

    /// It waits for a slot, because a person asked for it.
    pub(super) fn is_asked(&self, key: &Key) -> bool {
        self.asked.iter().any(|asked| &asked.key == key)
    }

    /// What people asked for and waits for a slot, as the night tells of it.
    pub(super) fn waiting_asked(&self) -> impl Iterator<Item = WaitingBead> {
        self.asked.iter().map(|asked| WaitingBead {
            title: self.title(&asked.key),
            project: asked.key.0.clone(),
            bead: asked.key.1.clone(),
            suspended: false,
            reason: "a person asked for it, and every slot is taken".to_owned(),
        })
    }

    /// Whoever holds the bead already reads in the journal what a person wants.
    fn carry(&mut self, key: Key, end: bool) {
        self.troubles.settled(&key);
        if self.live.contains_key(&key) {
            return;
        }
        let request = WorkRequest::under_way(key.1.clone());
        if !end {
            let (answer, _nobody) = oneshot::channel();
            self.asked.push_back(Asked { key, request, answer });
            return;
        }
        let live = Live {
            stop: crate::daemon::stop::Stop::default(),
            since: self.house.clock.now(),
            memory: 0,
            model: None,
            probe: false,
            asked: true,
            reads: None,
        };
        self.begin(key, live, Begin { request, why: "a person asked".to_owned(), answer: None });
    }

    /// Starts what people asked for, as slots allow. True when anything was.
    pub(super) fn start_asked(&mut self, snapshot: &Snapshot) -> bool {
        let mut any = false;
        while self.live.len() < usize::try_from(snapshot.slots.global).unwrap_or(usize::MAX) {
            let Some(asked) = self.asked.pop_front() else { break };
            let Asked { key, request, answer } = asked;
            if self.live.contains_key(&key) {
                let _ = answer.send(Err(Refusal::new(format!("bead `{}` is being worked on", key.1)).into()));
                continue;
            }
            let Some(project) = self.projects.get(&key.0) else {
                let _ = answer.send(Err(unknown(&key.0).into()));
                continue;
            };
            let memory = project.settings.as_ref().map_or(0, |s| super::snapshot::memory(s));
            let live = Live {
                stop: crate::daemon::stop::Stop::default(),
                since: snapshot.now,
                memory,
                model: request.model.clone(),
                probe: false,
                asked: true,
                reads: None,
            };
            let begin = Begin { request, why: "a person asked".to_owned(), answer: Some(answer) };
            any |= self.begin(key, live, begin);
        }
        any
    }
}

pub(super) fn unknown(project: &ProjectId) -> Refusal {
    Refusal::new(format!("project `{project}` is not registered")).hint("`bead project add PATH`")
}

/// An answer to nobody in particular: what ended is in the journal.
pub(super) fn tell(answer: Option<Answer>, result: &Result<Ended, EngineError>) {
    let Some(answer) = answer else { return };
    let told = match result {
        Ok(ended) => Ok(ended.clone()),
        Err(EngineError::Refused(refusal)) => Err(EngineError::Refused(refusal.clone())),
        Err(error) => Err(Refusal::new(error.to_string())
            .hint("the bead is tried again by itself; `bead why` says when")
            .into()),
    };
    let _ = answer.send(told);
}

//! What people ask of a running dispatcher: this bead now, pause, resume, cancel.
//!
//! Owns the orders' shapes and what each does to a bead in whatever state it is. Who may ask is the control
//! socket's matter. Start with [`Order`].

use tokio::sync::oneshot;

use super::snapshot::Snapshot;
use super::starting::Begin;
use super::{Dispatcher, Key, Live};
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::daemon::stop::Aside;
use crate::daemon::work::{Ended, WorkRequest};
use crate::domain::ids::ProjectId;
use crate::domain::run::Cause;
use crate::lifecycle::Phase;

/// How a bead that a person asked for ended, or why it was not begun.
pub type Answer = oneshot::Sender<Result<Ended, EngineError>>;

pub enum Order {
    /// Work on a bead as soon as a slot is free, whatever the hour.
    Work { project: ProjectId, request: WorkRequest, answer: Answer },
    /// Put a bead aside until somebody resumes it.
    Pause { key: Key, answer: oneshot::Sender<Result<String, Refusal>> },
    /// Let a paused or suspended bead go on as soon as there is a slot.
    Resume { key: Key, answer: oneshot::Sender<Result<String, Refusal>> },
    /// End a bead's work; what was done is kept.
    Cancel { key: Key, answer: oneshot::Sender<Result<String, Refusal>> },
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
            Order::Pause { key, answer } => drop(answer.send(self.pause_bead(&key))),
            Order::Resume { key, answer } => drop(answer.send(self.resume_bead(&key))),
            Order::Cancel { key, answer } => drop(answer.send(self.cancel_bead(&key))),
            Order::Night { paused } => self.notes.paused = paused,
            Order::Poke => self.projects.values_mut().for_each(super::project::Project::stale),
        }
    }

    fn pause_bead(&self, key: &Key) -> Result<String, Refusal> {
        let Some(live) = self.live.get(key) else { return Err(not_running(key)) };
        live.stop.put_aside(Aside {
            cause: Cause::new("user"),
            reason: "paused by a person".to_owned(),
            until: None,
            park: false,
        });
        Ok(format!("`{}` is being put aside; its work is kept", key.1))
    }

    fn resume_bead(&mut self, key: &Key) -> Result<String, Refusal> {
        let story = self.house.journal.open_story_of(&key.0, &key.1);
        let suspended = story.is_ok_and(|s| s.is_some_and(|s| matches!(s.phase, Phase::Suspended { .. })));
        if !suspended {
            return Err(Refusal::new(format!("bead `{}` is not suspended", key.1))
                .hint(format!("`bead why {}` says how it stands", key.1)));
        }
        let (answer, _nobody) = oneshot::channel();
        let request = WorkRequest::unattended(key.1.clone());
        self.asked.push_back(Asked { key: key.clone(), request, answer });
        Ok(format!("`{}` goes on as soon as a slot is free", key.1))
    }

    fn cancel_bead(&mut self, key: &Key) -> Result<String, Refusal> {
        // One that waits for a slot has nothing to keep.
        if let Some(place) = self.asked.iter().position(|asked| &asked.key == key) {
            if let Some(asked) = self.asked.remove(place) {
                let refusal = Refusal::new(format!("bead `{}` was cancelled before it began", key.1));
                let _ = asked.answer.send(Err(refusal.into()));
            }
            return Ok(format!("`{}` is not begun", key.1));
        }
        let Some(live) = self.live.get(key) else { return Err(not_running(key)) };
        live.stop.more();
        Ok(format!("`{}` is being stopped; its work is kept", key.1))
    }

    /// Starts what people asked for, as slots allow. True when anything was.
    pub(super) fn start_asked(&mut self, snapshot: &Snapshot) -> bool {
        let mut any = false;
        while self.live.len() < usize::try_from(snapshot.slots.global).unwrap_or(usize::MAX) {
            let Some(asked) = self.asked.pop_front() else { break };
            let Asked { key, request, answer } = asked;
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
            };
            let begin = Begin { request, why: "a person asked".to_owned(), answer: Some(answer) };
            any |= self.begin(key, live, begin);
        }
        any
    }
}

fn unknown(project: &ProjectId) -> Refusal {
    Refusal::new(format!("project `{project}` is not registered")).hint("`bead project add PATH`")
}

fn not_running(key: &Key) -> Refusal {
    Refusal::new(format!("bead `{}` is not being worked on", key.1))
        .hint(format!("`bead why {}` says how it stands", key.1))
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

//! Starting a bead's work as a task of its own.
//!
//! Owns what a started bead is given: an engine on its project, its own stop, its own listener. It does not
//! choose beads: the plan and people do. Start with [`Dispatcher::start`].

use std::sync::Arc;

use super::orders::{Answer, tell};
use super::snapshot::Snapshot;
use super::{Dispatcher, Key, Live};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::stop::{Stop, Urgency};
use crate::daemon::work::WorkRequest;
use crate::scheduler::plan::Plan;

/// What is begun, for whom.
pub(super) struct Begin {
    pub request: WorkRequest,
    /// Why it goes on, where it was suspended.
    pub why: String,
    pub answer: Option<Answer>,
}

impl Dispatcher {
    /// Starts what the plan says. True when anything was.
    pub(super) fn start(&mut self, plan: &Plan, snapshot: &Snapshot) -> bool {
        if self.troubles.engine_away().is_some() {
            return false;
        }
        let mut any = false;
        for start in &plan.starts {
            let key: Key = (start.project.clone(), start.bead.clone());
            let same = |c: &&crate::scheduler::plan::Candidate| c.project == key.0 && c.bead == key.1;
            let Some(candidate) = snapshot.candidates.iter().find(same) else { continue };
            let taken = usize::try_from(snapshot.slots.global).unwrap_or(usize::MAX);
            // What people asked for may have taken the slot since the plan was made.
            if self.live.len() >= taken || self.live.contains_key(&key) {
                continue;
            }
            let live = Live {
                stop: Stop::default(),
                since: snapshot.now,
                memory: candidate.memory,
                model: candidate.model.clone(),
                probe: start.probe,
                asked: false,
                reads: None,
            };
            let request = WorkRequest::unattended(key.1.clone());
            let why = if start.resumes { "its hour has come" } else { "the night" }.to_owned();
            any |= self.begin(key, live, Begin { request, why, answer: None });
        }
        any
    }

    /// Begins or continues one bead. False where its project is gone.
    pub(super) fn begin(&mut self, key: Key, live: Live, begin: Begin) -> bool {
        let Some(project) = self.projects.get_mut(&key.0) else { return false };
        project.last_served = Some(live.since);
        let engine =
            Engine::new(Arc::clone(&self.house), Arc::clone(&project.site), Arc::clone(&self.machine))
                .with_person(live.stop.clone(), (self.listeners)(&key.0, &key.1))
                .with_failpoint(Arc::clone(&self.failpoint));
        let stop = live.stop.clone();
        self.live.insert(key.clone(), live);
        self.tasks.spawn(async move {
            let Begin { request, why, answer } = begin;
            // Also where it waits for an engine that does not answer: who leaves waits for nobody (F13).
            let result = tokio::select! {
                biased;
                result = engine.carry(request, &why) => result,
                () = stop.at_least(Urgency::AtOnce) => Err(EngineError::Left),
            };
            tell(answer, &result);
            (key, result)
        });
        true
    }
}

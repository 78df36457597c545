//! One claim's part in a night: its events in order, and what they say of how it stands.
//!
//! Owns the sorting of events into claims. It judges as the lifecycle does, by the last event that moved the
//! story, and words nothing. Start with [`chapters`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Material;
use crate::domain::event::{Body, Event, Finish, Order};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::domain::run::Cause;

/// One claim.
#[derive(Debug)]
pub(super) struct Chapter<'a> {
    pub project: &'a ProjectId,
    pub bead: &'a BeadId,
    pub order: &'a Order,
    /// All of it, from the claim's beginning; earlier nights too.
    pub events: Vec<&'a Event>,
}

/// A claim that waits.
pub(super) struct Aside<'a> {
    pub seq: u64,
    pub cause: &'a Cause,
    pub reason: &'a str,
    pub until: Option<DateTime<Utc>>,
}

/// The claims of a night, by their beginning.
pub(super) fn chapters(material: &Material) -> Vec<Chapter<'_>> {
    let mut all: Vec<Chapter<'_>> = Vec::new();
    let mut open: BTreeMap<(&ProjectId, &BeadId), usize> = BTreeMap::new();
    for event in material.before.iter().chain(&material.events) {
        let (Some(project), Some(bead)) = (&event.project, &event.bead) else { continue };
        let key = (project, bead);
        if let Body::Claiming { order } = &event.body {
            open.insert(key, all.len());
            all.push(Chapter { project, bead, order, events: vec![event] });
            continue;
        }
        let Some(at) = open.get(&key) else { continue };
        all[*at].events.push(event);
        if matches!(event.body, Body::Finished(_) | Body::ClaimLost { .. }) {
            open.remove(&key);
        }
    }
    all
}

impl<'a> Chapter<'a> {
    /// The last event that `wanted` knows something of.
    pub(super) fn last<T>(&self, wanted: impl Fn(&'a Body) -> Option<T>) -> Option<(u64, T)> {
        self.events.iter().rev().find_map(|event| wanted(&event.body).map(|found| (event.seq, found)))
    }

    pub(super) fn opening(&self) -> u64 {
        self.events.first().map_or(0, |event| event.seq)
    }

    pub(super) fn finish(&self) -> Option<(u64, &'a Finish)> {
        self.last(|body| if let Body::Finished(finish) = body { Some(finish) } else { None })
    }

    /// The tracker gave the bead to somebody else.
    pub(super) fn lost(&self) -> Option<(u64, &'a str)> {
        self.last(|body| if let Body::ClaimLost { reason } = body { Some(reason.as_str()) } else { None })
    }

    /// Set while it is put aside.
    pub(super) fn aside(&self) -> Option<Aside<'a>> {
        for event in self.events.iter().rev() {
            match &event.body {
                Body::Suspended { cause, reason, until } => {
                    return Some(Aside { seq: event.seq, cause, reason, until: *until });
                }
                Body::Finished(_)
                | Body::ClaimLost { .. }
                | Body::Resumed { .. }
                | Body::AttemptStarted { .. }
                | Body::ConflictRunStarted { .. }
                | Body::AgentStarting { .. }
                | Body::ReviewStarted { .. }
                | Body::WorkspaceReady
                | Body::Settling { .. } => return None,
                _ => {}
            }
        }
        None
    }

    /// The last run of its work.
    pub(super) fn run(&self) -> Option<&'a RunId> {
        self.events.iter().rev().find_map(|event| match &event.body {
            // A reviewer's run ends with an `agent_ended` as well.
            Body::Exported { .. } | Body::AgentStarting { .. } | Body::AttemptStarted { .. } => {
                event.run.as_ref()
            }
            _ => None,
        })
    }

    /// What its agents cost so far, and the bills.
    pub(super) fn spent(&self) -> (f64, Vec<u64>) {
        let bills =
            self.events.iter().filter_map(|event| super::sums::bill(event).map(|usd| (event.seq, usd)));
        let (seqs, usd): (Vec<u64>, Vec<f64>) = bills.unzip();
        (usd.iter().sum(), seqs)
    }
}

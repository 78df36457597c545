//! How a dispatcher goes: landings are finished, containers are left to the next one, or runs are ended.
//!
//! Owns the two ways to stop and what must not be interrupted. Nothing is lost by either; `Stop` says how
//! urgent it is. Start with `Dispatcher::leave`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::status::NightReport;
use super::{Dispatcher, Hours, Key};
use crate::daemon::error::EngineError;
use crate::daemon::stop::Urgency;

impl Dispatcher {
    /// Ends every run properly, with its work kept.
    pub(super) async fn end_runs(&mut self) {
        self.live.values().for_each(|live| live.stop.more());
        let stop = self.stop.clone();
        while !self.live.is_empty() {
            tokio::select! {
                ended = self.tasks.join_next() => match ended {
                    Some(Ok((key, _))) => drop(self.live.remove(&key)),
                    Some(Err(_)) => {}
                    None => return,
                },
                () = stop.at_least(Urgency::Gently) => return,
            }
        }
    }

    /// Finishes landings, leaves containers to the next daemon, and goes (rules 19.4).
    pub(super) async fn leave(mut self) -> Result<NightReport, EngineError> {
        while !self.live.is_empty() && self.stop.now() < Urgency::AtOnce {
            let landing = self.landing()?;
            for (key, live) in &self.live {
                if !landing.contains(key) {
                    live.stop.leave();
                }
            }
            let stop = self.stop.clone();
            tokio::select! {
                ended = self.tasks.join_next() => match ended {
                    Some(Ok((key, _))) => drop(self.live.remove(&key)),
                    Some(Err(_)) => {}
                    None => break,
                },
                () = stop.at_least(Urgency::AtOnce) => {}
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
        }
        for live in self.live.values() {
            live.stop.leave();
        }
        while self.tasks.join_next().await.is_some() {}
        let report = self.report("stopped")?;
        // A night of the config's windows goes on under the next daemon, if one comes in time. One that a person began
        // is over with its process: whoever calls it again begins another.
        if matches!(self.hours, Hours::Now { .. }) {
            self.close_night("it was stopped")?;
        }
        Ok(report)
    }

    /// Beads whose target is being moved: they are finished before anybody leaves.
    fn landing(&self) -> Result<BTreeSet<Key>, EngineError> {
        use crate::lifecycle::Phase;
        let stories = self.house.journal.open_stories(None)?;
        let at = stories.into_iter().filter(|story| {
            matches!(
                story.phase,
                Phase::Landing { .. } | Phase::Closing | Phase::Settling { .. } | Phase::Cleaning
            )
        });
        Ok(at.map(|story| (story.project, story.bead)).collect())
    }
}

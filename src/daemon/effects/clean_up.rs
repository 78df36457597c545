//! The last effects: containers, volumes, clones and sockets go; what is put aside keeps its clone.
//!
//! Owns what may be removed and when. Only containers that carry our labels and belong to this story's runs
//! are touched (T50). Refs, logs and, until the bead is closed, the conversation stay.

use chrono::{DateTime, Utc};

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::Body;
use crate::domain::run::{Cause, Outcome};
use crate::lifecycle::{CONTEXT, MESSAGE, Phase, Story};
use crate::scheduler::backoff;

impl Engine {
    pub(in crate::daemon) async fn clean_up(&self, story: &mut Story) -> Result<(), EngineError> {
        self.push_finished(story).await?;
        self.remove_containers(story).await?;
        for run in &story.runs {
            let only_there = story.unexported && story.run() == Some(run);
            if only_there {
                continue;
            }
            self.site.repo.remove_clone(&self.house.places.clone_dir(run))?;
            remove_dir(&self.house.places.sockets(run))?;
        }
        if story.finish.outcome == Outcome::Landed {
            remove_dir(&self.house.places.conversation(&story.project, &story.bead))?;
        }
        self.survive("done", "clean_up")?;
        let finish = story.finish.clone();
        self.record(story, Body::Finished(finish))?;
        Ok(())
    }

    /// Containers and volumes of this story's runs, whatever state they are in.
    pub(in crate::daemon) async fn remove_containers(&self, story: &Story) -> Result<(), EngineError> {
        let executor = &self.machine.executor;
        for found in executor.list(&self.house.instance).await? {
            if story.uses(&found.labels.run) {
                executor.remove(&found.id).await?;
            }
        }
        for volume in executor.list_volumes(&self.house.instance).await? {
            if volume.split('-').any(|part| story.uses(part)) {
                executor.remove_volume(&volume).await?;
            }
        }
        Ok(())
    }

    pub(in crate::daemon) fn suspend(
        &self,
        story: &mut Story,
        cause: Cause,
        reason: String,
        resets_at: Option<i64>,
    ) -> Result<(), EngineError> {
        let now = self.house.clock.now();
        let until = match (cause.as_str(), resets_at) {
            (CONTEXT | MESSAGE, _) => Some(now),
            // What an upstream told is believed within bounds, and not all beads come back in the same second.
            ("usage_limit", Some(told)) => {
                let reset = backoff::clamp_reset(told, now);
                if reset.clamped {
                    let text =
                        format!("a reset at {told} was told, which cannot be: waiting until {}", reset.at);
                    self.record(story, Body::Notice { text })?;
                }
                Some(reset.at + backoff::resume_jitter(self.house.ids.bytes()))
            }
            (_, own) => own.and_then(|s| DateTime::<Utc>::from_timestamp(s, 0)),
        };
        self.record(story, Body::Suspended { cause, reason, until })?;
        Ok(())
    }

    pub(in crate::daemon) fn resume(&self, story: &mut Story, why: String) -> Result<(), EngineError> {
        let new = matches!(&story.phase, Phase::Suspended { cause, .. } if cause.as_str() == CONTEXT);
        let session = match &story.work {
            // A session id that was used but has no answer cannot be resumed, nor begun again.
            Some(work) if story.conversed && !new => work.session.clone(),
            _ => super::uuid(self.house.ids.bytes()),
        };
        self.record(story, Body::Resumed { why, session })?;
        Ok(())
    }
}

/// Removes a folder that need not be there.
pub(in crate::daemon) fn remove_dir(path: &std::path::Path) -> Result<(), EngineError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EngineError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

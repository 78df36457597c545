//! A run of an agent from its container's start or adoption to its end: the same for an author and a reviewer.
//!
//! Owns the order of things around a sitting: log, gateway, container, task, verdict. What sets the two apart
//! (sandbox, task, who may talk to it) stands in `agent` and `reviewer`; the watching itself is `attempt`'s, the
//! verdict on the end is the dialect's. Start with `Engine::end_of`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::agent::{Place, kind_of, seen};
use super::ending::told;
use crate::agent::When;
use crate::config::effective::Effective;
use crate::daemon::attempt::{Entry, Post, Sitting, write};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::watch::{RunLimits, Watch};
use crate::domain::event::{AgentEnd, Body};
use crate::domain::run::RunKind;
use crate::executor::{Attached, SandboxId};
use crate::gateway::Outlet;
use crate::journal::log::RunLog;
use crate::lifecycle::{Story, Work};

impl Engine {
    /// How the run ended, after it was started or found and stayed with.
    pub(super) async fn end_of(
        &self,
        story: &mut Story,
        run: &Work,
        settings: &Effective,
    ) -> Result<AgentEnd, EngineError> {
        let place = self.find_container(run).await?;
        let stopped = match place {
            Place::Lost => return self.end_of_the_lost(story, run, settings),
            Place::New => self.stopped_before_it_began(),
            Place::There(_) => None,
        };
        match stopped {
            Some(end) => Ok(end),
            None => self.attend(story, run, settings, place).await,
        }
    }

    async fn attend(
        &self,
        story: &mut Story,
        run: &Work,
        settings: &Effective,
        place: Place,
    ) -> Result<AgentEnd, EngineError> {
        let (mut log, stream) = self.open_log(story, run, settings)?;
        // What an earlier process metered of this run counts against the bead's money too.
        let spent = story.spent_usd() + told(stream.summary(), &settings.prices.value);
        let gateway = self.open_gateway(spent, run, settings)?;
        let _counted = self.machine.spending.count(&run.run, gateway.meter());
        let began = self.house.clock.now();
        let (id, mut attached, entry) = self.reach(story, run, settings, (place, &mut log)).await?;
        let mut watch =
            Watch::new(run_limits(settings), self.house.clock.elapsed(), already(run, began, entry));
        let kind = kind_of(story, run);
        let (mut post, task) = match kind {
            RunKind::Review => {
                let post = Post::closed(&self.house.journal, self.progress.as_ref(), story);
                (post, self.review_task(story).await?)
            }
            _ => {
                let post = Post::open(&self.house.journal, self.progress.as_ref(), story)?;
                (post, self.task(story, settings).await?)
            }
        };
        let task = post.begin(entry, stream.summary(), (task, super::uuid(self.house.ids.bytes())))?;
        if entry == Entry::Fresh {
            let line = self.machine.dialect.user_message(&task.0, &task.1, When::AfterTool);
            write(&mut attached, &line).await;
            watch.sent(&task.1);
            post.before_task().try_for_each(|words| log.note(&words))?;
            self.record_of(story, &run.run, Body::TaskGiven)?;
        }
        // An adopted run began in another process.
        let since = if entry == Entry::Fresh { began } else { run.started };
        let sitting = Sitting {
            executor: self.machine.executor.as_ref(),
            dialect: self.machine.dialect.as_ref(),
            clock: self.house.clock.as_ref(),
            progress: self.progress.as_ref(),
            stop: &self.stop,
            id,
            watch,
            stream,
            log,
            meter: gateway.meter(),
            task,
            post,
            entry,
            ids: Arc::clone(&self.house.ids),
        };
        let mut end = self.sit(story, sitting, (gateway, attached), settings).await?;
        end.seconds = (self.house.clock.now() - since).to_std().unwrap_or_default().as_secs_f64();
        if kind != RunKind::Review {
            self.goes_on_for_messages(story, &mut end)?;
        }
        Ok(end)
    }

    /// The container, adopted where it is there, else started.
    async fn reach(
        &self,
        story: &mut Story,
        run: &Work,
        settings: &Effective,
        (place, log): (Place, &mut RunLog),
    ) -> Result<(SandboxId, Attached, Entry), EngineError> {
        if let Place::There(id) = place {
            if run.container.is_none() {
                self.record_of(story, &run.run, Body::AgentStarted { container: id.0.clone() })?;
            }
            let attached = self.machine.executor.attach(&id, seen(log.stored())).await?;
            return Ok((id, attached, if run.tasked { Entry::AtWork } else { Entry::Adopted }));
        }
        let (id, attached) = match kind_of(story, run) {
            RunKind::Review => self.start_reviewer(story, run, settings).await?,
            _ => self.start_agent(story, run, settings, log.begin()?).await?,
        };
        self.record_of(story, &run.run, Body::AgentStarted { container: id.0.clone() })?;
        Ok((id, attached, Entry::Fresh))
    }

    /// Stays until the container has ended, and judges the end.
    async fn sit(
        &self,
        story: &Story,
        sitting: Sitting<'_>,
        (gateway, attached): (Box<dyn Outlet>, Attached),
        settings: &Effective,
    ) -> Result<AgentEnd, EngineError> {
        let seat = sitting.sit(attached).await;
        let reading = gateway.close().await;
        let seat = seat?;
        let end = self.judge(story, &seat, &reading, settings)?;
        seat.log.close()?;
        Ok(end)
    }
}

/// How much of its time an adopted run has used before we came.
fn already(work: &Work, now: DateTime<Utc>, entry: Entry) -> Duration {
    if entry == Entry::Fresh { Duration::ZERO } else { (now - work.started).to_std().unwrap_or_default() }
}

fn run_limits(settings: &Effective) -> RunLimits {
    let limits = &settings.limits;
    RunLimits {
        run_time: limits.run_time.value.get(),
        idle: limits.idle.value.get(),
        tool: limits.tool.value.get(),
    }
}

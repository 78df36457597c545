//! The reviewer's sandbox: the whole clone read-only, a home of its own, and a gateway of its own.
//!
//! Owns the volume with the checkout, what sets its sandbox apart from an author's, and their removal. The author's conversation, clone and
//! gateway are not in it, and nothing it writes outlives it (rules 4, 5, 16.1; T04, T55). Start with
//! `Engine::start_reviewer`.

use crate::config::duration::Span;
use crate::config::effective::Effective;
use crate::config::project::Gate;
use crate::daemon::effects::review::is_loose;
use crate::daemon::effects::sandbox::Role;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::ids::{RunId, base36};
use crate::executor::spec::{Limits, Mount, Purpose};
use crate::executor::{Attached, SandboxId};
use crate::gate::GateJob;
use crate::gate::fill::{FillError, fill};
use crate::lifecycle::{Story, Work};
use crate::review::reply;

/// Room for the checkout, which lies in memory.
const WORK_BYTES: u64 = 2 << 30;

impl Engine {
    /// Fills a volume with the work's tip and starts the reviewer on it.
    pub(super) async fn start_reviewer(
        &self,
        story: &Story,
        run: &Work,
        settings: &Effective,
    ) -> Result<(SandboxId, Attached), EngineError> {
        // A crash may have come in between: whatever bears this run's name is ours and made again.
        remove_sandboxes(self, &run.run).await?;
        let image = self.image(settings).await?.digest;
        let job = self.checkout_job(story, run, settings, &image);
        let filled = fill(self.machine.executor.as_ref(), &job).await.map_err(|error| match error {
            FillError::Engine(error) => error.into(),
            FillError::NotReady { .. } => EngineError::GateBroken(error.to_string()),
        })?;
        let own = settings.review.value.model.clone().or_else(|| settings.model.value.clone());
        // Outside a claim the order's model is the reviewer's, and a person named it.
        let model = story.order.model.clone().filter(|_| is_loose(story)).or(own);
        let role = self.reviewer(model, image, job.volume_name());
        let spec = self.agent_spec(story, run, settings, role);
        let started = self.machine.executor.start(&spec).await;
        self.machine.executor.remove(&filled.id).await?;
        let started = started?;
        self.survive("done", "start_reviewer")?;
        Ok(started)
    }

    fn checkout_job(&self, story: &Story, run: &Work, settings: &Effective, image: &str) -> GateJob {
        let run_time = settings.limits.run_time.value.get();
        GateJob {
            gate: Gate {
                name: "review".to_owned(),
                run: String::new(),
                timeout: Span::from_secs(run_time.as_secs()),
            },
            ordinal: 0,
            commit: run.from.clone(),
            branch: story.order.target.clone(),
            quarantine: self.site.repo.quarantine_path().to_owned(),
            image: image.to_owned(),
            checkout_image: image.to_owned(),
            user: self.machine.run_user,
            limits: Limits { memory: settings.limits.memory.value.bytes(), ..Limits::default() },
            work_bytes: WORK_BYTES,
            log_cap: 1 << 20,
            labels: self.labels(story, &run.run, String::new()),
            checkout_nonce: base36(self.house.ids.bytes(), 12),
            gate_nonce: String::new(),
        }
    }

    fn reviewer(&self, model: Option<String>, image: String, volume: String) -> Role {
        Role {
            purpose: Purpose::Review,
            image,
            session: super::uuid(self.house.ids.bytes()),
            model,
            schema: Some(reply::schema()),
            checkout: Mount::Volume { name: volume, target: "/work".to_owned(), read_only: true },
            conversation: Vec::new(),
        }
    }
}

/// Removes what bears this reviewer's run: its sandbox, the one that filled its volume, and the volume.
pub(in crate::daemon) async fn remove_sandboxes(engine: &Engine, run: &RunId) -> Result<(), EngineError> {
    let executor = &engine.machine.executor;
    for found in executor.list(&engine.house.instance).await? {
        if found.labels.run == run.as_str() {
            executor.remove(&found.id).await?;
        }
    }
    let prefix = format!("bead-{run}-");
    for volume in executor.list_volumes(&engine.house.instance).await? {
        if volume.starts_with(&prefix) {
            executor.remove_volume(&volume).await?;
        }
    }
    Ok(())
}

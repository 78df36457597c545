//! What one gate made in the engine, so that it can be removed again on every path.
//!
//! Owns the removal: awaited where there is time for it, in the background when a gate is dropped. It removes
//! only what this gate asked for, by id or by the name that follows from its run. Start with [`Traces`].

use std::sync::Arc;

use crate::executor::spec::{SandboxSpec, VolumeSpec};
use crate::executor::{Attached, Executor, ExecutorError, SandboxId};

/// What one gate made in the engine. Dropping it removes everything in the background.
pub(super) struct Traces {
    executor: Arc<dyn Executor>,
    volume: Option<String>,
    sandboxes: Vec<SandboxId>,
}

impl Traces {
    pub(super) fn new(executor: Arc<dyn Executor>) -> Self {
        Self { executor, volume: None, sandboxes: Vec::new() }
    }

    pub(super) fn executor(&self) -> Arc<dyn Executor> {
        Arc::clone(&self.executor)
    }

    pub(super) async fn create_volume(&mut self, spec: &VolumeSpec) -> Result<(), ExecutorError> {
        // Noted before it is made: should we be dropped in between, it is removed all the same.
        self.volume = Some(spec.name.clone());
        self.executor.create_volume(spec).await
    }

    pub(super) async fn start(&mut self, spec: &SandboxSpec) -> Result<(SandboxId, Attached), ExecutorError> {
        // By name while the engine creates it: should we be dropped meanwhile, the name is all there is.
        self.sandboxes.push(SandboxId(spec.name.clone()));
        let started = self.executor.start(spec).await;
        self.sandboxes.pop();
        // A start that failed left nothing; what bears the name then is somebody else's (T50).
        let (id, attached) = started?;
        self.sandboxes.push(id.clone());
        Ok((id, attached))
    }

    /// Removes what was made, last first; what cannot be removed is named.
    pub(super) async fn remove(&mut self) -> Vec<String> {
        let (volume, sandboxes) = (self.volume.take(), std::mem::take(&mut self.sandboxes));
        remove(Arc::clone(&self.executor), volume, sandboxes).await
    }
}

async fn remove(
    executor: Arc<dyn Executor>,
    volume: Option<String>,
    sandboxes: Vec<SandboxId>,
) -> Vec<String> {
    let mut left = Vec::new();
    for id in sandboxes.into_iter().rev() {
        if executor.remove(&id).await.is_err() && executor.remove(&id).await.is_err() {
            left.push(id.0);
        }
    }
    if let Some(name) = volume
        && executor.remove_volume(&name).await.is_err()
        && executor.remove_volume(&name).await.is_err()
    {
        left.push(name);
    }
    left
}

impl Drop for Traces {
    fn drop(&mut self) {
        let (volume, sandboxes) = (self.volume.take(), std::mem::take(&mut self.sandboxes));
        if volume.is_none() && sandboxes.is_empty() {
            return;
        }
        // Without a runtime the names remain: they follow from the run, and the next sweep finds them.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(remove(Arc::clone(&self.executor), volume, sandboxes)));
        }
    }
}

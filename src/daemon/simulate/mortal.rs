//! The executor as one daemon holds it: when that daemon is killed, its hand is gone.
//!
//! Owns the difference between a task that is dropped and a process that is killed: what a dropped task would
//! still tidy up must not happen. It changes nothing for a living daemon. Start with [`Mortal`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::executor::scripted::Scripted;
use crate::executor::spec::{SandboxSpec, VolumeSpec};
use crate::executor::{
    Attached, EngineInfo, Executor, ExecutorError, Exit, Found, Image, SandboxId, SandboxState, Seen, Signal,
};

/// A daemon's hand on the engine.
pub(super) struct Mortal {
    pub(super) engine: Scripted,
    pub(super) dead: Arc<AtomicBool>,
    /// Removals are forgotten: to see that the check notices.
    pub(super) removes_nothing: bool,
}

impl Mortal {
    fn alive(&self) -> Result<&Scripted, ExecutorError> {
        if self.dead.load(Ordering::SeqCst) {
            let why = "the daemon is dead".to_owned();
            return Err(ExecutorError::Unreachable { at: "simulated".to_owned(), why });
        }
        Ok(&self.engine)
    }
}

#[async_trait::async_trait]
impl Executor for Mortal {
    async fn engine(&self) -> Result<EngineInfo, ExecutorError> {
        self.alive()?.engine().await
    }

    async fn find_image(&self, reference: &str) -> Result<Option<Image>, ExecutorError> {
        self.alive()?.find_image(reference).await
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<(SandboxId, Attached), ExecutorError> {
        self.alive()?.start(spec).await
    }

    async fn attach(&self, id: &SandboxId, seen: Seen) -> Result<Attached, ExecutorError> {
        self.alive()?.attach(id, seen).await
    }

    async fn signal(&self, id: &SandboxId, signal: Signal) -> Result<(), ExecutorError> {
        self.alive()?.signal(id, signal).await
    }

    async fn state(&self, id: &SandboxId) -> Result<SandboxState, ExecutorError> {
        self.alive()?.state(id).await
    }

    async fn wait(&self, id: &SandboxId) -> Result<Exit, ExecutorError> {
        self.alive()?.wait(id).await
    }

    async fn remove(&self, id: &SandboxId) -> Result<(), ExecutorError> {
        let engine = self.alive()?;
        if self.removes_nothing { Ok(()) } else { engine.remove(id).await }
    }

    async fn list(&self, instance: &str) -> Result<Vec<Found>, ExecutorError> {
        self.alive()?.list(instance).await
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), ExecutorError> {
        self.alive()?.create_volume(spec).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), ExecutorError> {
        let engine = self.alive()?;
        if self.removes_nothing { Ok(()) } else { engine.remove_volume(name).await }
    }

    async fn list_volumes(&self, instance: &str) -> Result<Vec<String>, ExecutorError> {
        self.alive()?.list_volumes(instance).await
    }
}

//! The container engine, reached when it is first needed and not before.
//!
//! Owns the moment of connecting: a refusal that needs no engine (unknown bead, dirty checkout) is told also
//! where none answers. A failed connection is tried again at the next call. Start with [`Lazy`].

use tokio::sync::OnceCell;

use crate::executor::docker::{Access, Docker};
use crate::executor::spec::{SandboxSpec, VolumeSpec};
use crate::executor::{
    Attached, EngineInfo, Executor, ExecutorError, Exit, Found, Image, SandboxId, SandboxState, Seen, Signal,
};

/// Docker, as [`Docker::connect`] would give it, later.
pub struct Lazy {
    access: Access,
    docker: OnceCell<Docker>,
}

impl Lazy {
    pub fn new(access: Access) -> Self {
        Self { access, docker: OnceCell::new() }
    }

    async fn docker(&self) -> Result<&Docker, ExecutorError> {
        self.docker.get_or_try_init(|| Docker::connect(self.access.clone())).await
    }
}

#[async_trait::async_trait]
impl Executor for Lazy {
    async fn engine(&self) -> Result<EngineInfo, ExecutorError> {
        self.docker().await?.engine().await
    }

    async fn find_image(&self, reference: &str) -> Result<Option<Image>, ExecutorError> {
        self.docker().await?.find_image(reference).await
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<(SandboxId, Attached), ExecutorError> {
        self.docker().await?.start(spec).await
    }

    async fn attach(&self, id: &SandboxId, seen: Seen) -> Result<Attached, ExecutorError> {
        self.docker().await?.attach(id, seen).await
    }

    async fn signal(&self, id: &SandboxId, signal: Signal) -> Result<(), ExecutorError> {
        self.docker().await?.signal(id, signal).await
    }

    async fn state(&self, id: &SandboxId) -> Result<SandboxState, ExecutorError> {
        self.docker().await?.state(id).await
    }

    async fn wait(&self, id: &SandboxId) -> Result<Exit, ExecutorError> {
        self.docker().await?.wait(id).await
    }

    async fn remove(&self, id: &SandboxId) -> Result<(), ExecutorError> {
        self.docker().await?.remove(id).await
    }

    async fn list(&self, instance: &str) -> Result<Vec<Found>, ExecutorError> {
        self.docker().await?.list(instance).await
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), ExecutorError> {
        self.docker().await?.create_volume(spec).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), ExecutorError> {
        self.docker().await?.remove_volume(name).await
    }

    async fn list_volumes(&self, instance: &str) -> Result<Vec<String>, ExecutorError> {
        self.docker().await?.list_volumes(instance).await
    }
}

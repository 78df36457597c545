//! Sandboxes in a Docker engine (or Podman's socket of the same API).
//!
//! Owns the connection, the deadlines and the translation of the contract into engine calls; this folder is the
//! only place that names bollard. Answers whose wording differs between engines are read by `ask`, because
//! bollard's types refuse a word they do not know. Start with [`Docker::connect`].

mod ask;
mod engine;
mod images;
mod request;
mod stream;
mod wait;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, KillContainerOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions, StartContainerOptions,
};

use super::mounts::{MountRules, Places, real_directory};
use super::spec::{SandboxSpec, VolumeSpec};
use super::{
    Attached, EngineInfo, Executor, ExecutorError, Exit, Found, Image, SandboxId, SandboxState, Seen, Signal,
};

pub use images::{Archive, Build, LabelledImage};

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// Asking, signalling and removing.
const CALL: Duration = Duration::from_secs(30);
/// Creating and starting write to disk and wait for the kernel; a busy machine took 5 s.
const START: Duration = Duration::from_secs(60);

/// Seconds bollard waits for an answer's head. Every call has a shorter deadline of ours, but for a build, whose
/// context of hundreds of megabytes is sent first.
const LONGEST: u64 = 1800;

/// How to reach the engine, and what may be mounted. The caller reads the environment.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `DOCKER_HOST` as it stands.
    pub host: Option<String>,
    /// `XDG_RUNTIME_DIR`: Podman's socket is looked for there when there is no Docker one.
    pub runtime_dir: Option<PathBuf>,
    pub home: Option<PathBuf>,
    /// Directories beneath which bind mounts may lie: the state directory first.
    pub roots: Vec<PathBuf>,
}

/// Which engine's habits to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `init`: it has an init process to reap zombies with.
    Docker {
        init: bool,
    },
    Podman,
}

/// The real executor. Cheap to clone; all calls may run concurrently.
#[derive(Clone)]
pub struct Docker {
    api: bollard::Docker,
    ask: ask::Ask,
    rules: std::sync::Arc<MountRules>,
    dialect: Dialect,
}

impl Docker {
    /// Finds the engine as Docker's own client does, asks for its version and settles on one both speak.
    pub async fn connect(access: Access) -> Result<Self, ExecutorError> {
        let socket = socket_of(&access)?;
        let at = format!("unix://{}", socket.display());
        let unreachable = |why: String| ExecutorError::Unreachable { at: at.clone(), why };
        let places = Places {
            roots: access.roots,
            home: access.home,
            runtime_dir: access.runtime_dir,
            socket: Some(socket.clone()),
        };
        let rules = MountRules::new(&places, &real_directory)?;
        let ask = ask::Ask::new(socket, at.clone());
        let version = engine::Version::read(&ask).await?;
        let api = bollard::Docker::connect_with_unix(&at, LONGEST, bollard::API_DEFAULT_VERSION)
            .map_err(|e| unreachable(e.to_string()))?;
        let api = within(&at, "version", CALL, api.negotiate_version()).await?;
        Ok(Self { api, ask, rules: rules.into(), dialect: version.dialect() })
    }

    async fn call<T>(
        &self,
        what: &str,
        limit: Duration,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, ExecutorError> {
        within(&self.ask.at, what, limit, call).await
    }

    /// Removes what a failed start left, and nothing that another start made under this name.
    async fn undo(&self, spec: &SandboxSpec) {
        let ours = match self.ask.inspect(&spec.name).await {
            Ok(Some(found)) => found.nonce() == Some(spec.labels.nonce.as_str()),
            _ => false,
        };
        if ours && let Err(error) = self.remove(&SandboxId(spec.name.clone())).await {
            tracing::warn!(%error, name = spec.name, "a sandbox that failed to start stays behind");
        }
    }

    async fn connect_and_start(&self, id: &str, spec: &SandboxSpec) -> Result<Attached, ExecutorError> {
        let stdin = if spec.stdin { Some(self.stdin(id).await?) } else { None };
        let output = stream::live(self, id, spec.log_cap > 0).await?;
        let start = self.api.start_container(id, None::<StartContainerOptions>);
        self.call("start the sandbox", START, start).await?;
        Ok(Attached { output, stdin })
    }

    /// Its own connection: an unread output must not hold up what we say, nor the other way round.
    async fn stdin(&self, id: &str) -> Result<stream::Stdin, ExecutorError> {
        let options = AttachContainerOptionsBuilder::default().stdin(true).stream(true).build();
        let attached =
            self.call("attach to stdin", CALL, self.api.attach_container(id, Some(options))).await?;
        Ok(stream::keep_open(attached))
    }
}

#[async_trait::async_trait]
impl Executor for Docker {
    async fn engine(&self) -> Result<EngineInfo, ExecutorError> {
        engine::describe(&self.ask).await
    }

    async fn find_image(&self, reference: &str) -> Result<Option<Image>, ExecutorError> {
        self.ask.image(reference).await
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<(SandboxId, Attached), ExecutorError> {
        let body = request::create_body(spec, &self.rules, self.dialect)?;
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let created = match self
            .call("create the sandbox", START, self.api.create_container(Some(options), body))
            .await
        {
            Ok(created) => created,
            Err(ExecutorError::Gone(_)) => return Err(ExecutorError::NoImage(spec.image.clone())),
            // No answer: it may exist. A refusal means that it does not, or that the name is another's.
            Err(error @ (ExecutorError::Slow { .. } | ExecutorError::Unreachable { .. })) => {
                self.undo(spec).await;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        match self.connect_and_start(&created.id, spec).await {
            Ok(attached) => Ok((SandboxId(created.id), attached)),
            Err(error) => {
                self.undo(spec).await;
                Err(error)
            }
        }
    }

    async fn attach(&self, id: &SandboxId, seen: Seen) -> Result<Attached, ExecutorError> {
        let found = self.ask.inspect(&id.0).await?.ok_or_else(|| ExecutorError::Gone(id.0.clone()))?;
        if !found.keeps_log() {
            let why = "the engine keeps no log of it".to_owned();
            return Err(ExecutorError::Refused { what: "attach again".into(), why });
        }
        let stdin = if found.takes_stdin() { Some(self.stdin(&id.0).await?) } else { None };
        Ok(Attached { output: stream::replay(self, &id.0, seen), stdin })
    }

    async fn signal(&self, id: &SandboxId, signal: Signal) -> Result<(), ExecutorError> {
        let name = match signal {
            Signal::Term => "SIGTERM",
            Signal::Kill => "SIGKILL",
        };
        let options = KillContainerOptionsBuilder::default().signal(name).build();
        match self.call("signal the sandbox", CALL, self.api.kill_container(&id.0, Some(options))).await {
            Err(ExecutorError::Gone(_)) => Ok(()),
            // The engine says "is not running", in words that differ between versions.
            Err(error @ ExecutorError::Refused { .. }) => match self.state(id).await? {
                SandboxState::Exited(_) | SandboxState::Gone => Ok(()),
                _ => Err(error),
            },
            other => other,
        }
    }

    async fn state(&self, id: &SandboxId) -> Result<SandboxState, ExecutorError> {
        Ok(self.ask.inspect(&id.0).await?.map_or(SandboxState::Gone, |found| found.state()))
    }

    async fn wait(&self, id: &SandboxId) -> Result<Exit, ExecutorError> {
        wait::until_ended(self, id).await
    }

    async fn remove(&self, id: &SandboxId) -> Result<(), ExecutorError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.call("remove the sandbox", START, self.api.remove_container(&id.0, Some(options))).await {
            Ok(()) | Err(ExecutorError::Gone(_)) => Ok(()),
            // Another call is removing it right now: it is gone when that one is done.
            Err(ExecutorError::Refused { why, .. }) if why.contains("already in progress") => {
                wait::until_gone(self, id, CALL).await
            }
            Err(error) => Err(error),
        }
    }

    async fn list(&self, instance: &str) -> Result<Vec<Found>, ExecutorError> {
        self.ask.containers(instance).await
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), ExecutorError> {
        self.call("create the volume", CALL, self.api.create_volume(request::volume_body(spec)))
            .await
            .map(|_| ())
    }

    async fn remove_volume(&self, name: &str) -> Result<(), ExecutorError> {
        let removed = self.api.remove_volume(name, None::<RemoveVolumeOptions>);
        match self.call("remove the volume", CALL, removed).await {
            Err(ExecutorError::Gone(_)) => Ok(()),
            other => other,
        }
    }

    async fn list_volumes(&self, instance: &str) -> Result<Vec<String>, ExecutorError> {
        self.ask.volumes(instance).await
    }
}

/// One call with a deadline, its failure in the contract's words. 404 becomes `Gone`.
async fn within<T>(
    at: &str,
    what: &str,
    limit: Duration,
    call: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, ExecutorError> {
    use bollard::errors::Error;
    let slow = || ExecutorError::Slow { what: what.to_owned(), seconds: limit.as_secs() };
    match tokio::time::timeout(limit, call).await {
        Err(_) | Ok(Err(Error::RequestTimeoutError)) => Err(slow()),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::DockerResponseServerError { status_code: 404, message })) => {
            Err(ExecutorError::Gone(message))
        }
        Ok(Err(Error::DockerResponseServerError { message, .. })) => {
            Err(ExecutorError::Refused { what: what.to_owned(), why: message })
        }
        Ok(Err(Error::DockerStreamError { error })) => {
            Err(ExecutorError::Refused { what: what.to_owned(), why: error })
        }
        Ok(Err(other)) => Err(ExecutorError::Unreachable { at: at.to_owned(), why: root_cause(&other) }),
    }
}

/// hyper's own text is "client error (Connect)"; the reason stands at the end of the chain.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// The socket that `DOCKER_HOST` names; without one Docker's, else Podman's.
fn socket_of(access: &Access) -> Result<PathBuf, ExecutorError> {
    match access.host.as_deref().filter(|host| !host.is_empty()) {
        Some(host) => match host.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => Ok(PathBuf::from(path)),
            _ => Err(ExecutorError::Remote { at: host.to_owned() }),
        },
        None => {
            let podman = access.runtime_dir.as_ref().map(|dir| dir.join("podman/podman.sock"));
            Ok(match podman {
                Some(podman) if !Path::new(DEFAULT_SOCKET).exists() && podman.exists() => podman,
                _ => PathBuf::from(DEFAULT_SOCKET),
            })
        }
    }
}

#[cfg(test)]
mod tests;

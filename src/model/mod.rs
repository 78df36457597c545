//! A scripted model: a small Messages API server that says what a script says.
//!
//! Owns the stand-in for the real model in rehearsals, the demo and tests: streaming and not, tools, figures,
//! delays and every failure a client was seen to meet. It listens on loopback only and takes any key. It is no
//! part of a real run. Start with [`ModelServer::start`]; the script's form is in `script` and
//! `docs/rehearsal.md`.

mod answer;
mod place;
pub mod script;
mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::Clock;
use script::Script;
pub use serve::SeenRequest;

#[derive(Debug, Error)]
pub enum ModelServerError {
    #[error("the scripted model listens on this machine only, expected a loopback address, found `{0}`")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on `{address}`: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot write the record `{}`: {source}", path.display())]
    Record { path: PathBuf, source: std::io::Error },
}

/// How a scripted model is served.
pub struct ModelServerSpec {
    pub script: Script,
    /// Loopback; port 0 picks a free one.
    pub bind: SocketAddr,
    /// A file that gets one JSON line for each request (no body, no credential).
    pub record: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
}

/// A running server. Dropping it stops it.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<serve::Shared>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl ModelServer {
    pub async fn start(spec: ModelServerSpec) -> Result<Self, ModelServerError> {
        if !spec.bind.ip().is_loopback() {
            return Err(ModelServerError::NotLoopback(spec.bind));
        }
        let failed = |source| ModelServerError::Listen { address: spec.bind, source };
        let listener = TcpListener::bind(spec.bind).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let record = spec.record.map(|path| {
            let opened = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            opened.map_err(|source| ModelServerError::Record { path, source })
        });
        let shared = Arc::new(serve::Shared::new(spec.script, record.transpose()?, spec.clock));
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve::serve(listener, Arc::clone(&shared), stop.clone()));
        Ok(Self { address, shared, stop: stop.drop_guard(), task })
    }

    /// What `ANTHROPIC_BASE_URL` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.requests()
    }

    /// Stops listening and ends what is in flight.
    pub async fn close(self) {
        drop(self.stop);
        // The task ends at the cancellation; a panic in it has nothing more to say here.
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod tests;

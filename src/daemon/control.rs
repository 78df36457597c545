//! The control socket: HTTP with JSON for the commands of the same user, with the routes the web will have.
//!
//! Owns the socket (0600, peers of our own uid alone), the routes, and error bodies as problem+json. It decides
//! nothing: orders go to the dispatcher, everything that is shown is read from journal and tracker. TCP, login
//! and pages come with the window. Start with [`Control::open`].

mod beads;
pub mod client;
mod hub;
mod problem;
mod routes;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::dispatch::{Order, Status};
use super::error::EngineError;
use super::house::House;
use super::stop::Stop;
pub use hub::{Hub, Told};

/// What every route stands on.
#[derive(Clone)]
pub struct Desk {
    pub house: Arc<House>,
    pub orders: mpsc::Sender<Order>,
    pub status: watch::Receiver<Arc<Status>>,
    pub hub: Hub,
    pub stop: Stop,
    works: beads::Works,
    /// Where runs that are to be ended with the daemon are told so.
    pub stop_runs: watch::Sender<bool>,
}

impl Desk {
    pub fn new(
        house: Arc<House>,
        orders: mpsc::Sender<Order>,
        status: watch::Receiver<Arc<Status>>,
        hub: Hub,
        stop: Stop,
    ) -> Self {
        let (works, stop_runs) = (beads::Works::default(), watch::Sender::new(false));
        Self { house, orders, status, hub, stop, works, stop_runs }
    }
}

/// A listening control socket. Dropping it closes it.
pub struct Control {
    path: PathBuf,
    token: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Control {
    /// Listens when it returns. Whoever holds the daemon's lock owns the path: what an earlier daemon left goes.
    pub fn open(desk: Desk) -> Result<Self, EngineError> {
        let path = desk.house.places.control_socket();
        let io = |source| EngineError::Io { path: path.clone(), source };
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(io(source)),
            _ => {}
        }
        // The directory is ours alone (0700), so nobody gets between the two calls.
        let listener = UnixListener::bind(&path).map_err(io)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).map_err(io)?;
        let own = Own { listener, uid: desk.house.uid };
        let token = CancellationToken::new();
        let (stop, routes) = (token.clone(), routes::all(desk));
        let task = tokio::spawn(async move {
            let served = axum::serve(own, routes).with_graceful_shutdown(stop.cancelled_owned());
            // It ends with the daemon; open streams are cut by the process's end.
            let _ = served.await;
        });
        Ok(Self { path, token, task })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.token.cancel();
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Accepts connections of one user.
struct Own {
    listener: UnixListener,
    uid: u32,
}

impl axum::serve::Listener for Own {
    type Io = UnixStream;
    type Addr = ();

    async fn accept(&mut self) -> (UnixStream, ()) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) if stream.peer_cred().is_ok_and(|peer| peer.uid() == self.uid) => {
                    return (stream, ());
                }
                Ok(_) => tracing::warn!("a connection of another user was refused"),
                // Out of descriptors, for a while perhaps.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

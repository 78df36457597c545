//! The API: HTTP with JSON over a unix socket for commands of the same user, and over TCP for scripts and browsers.
//!
//! Owns the two doors (the socket is 0600, and takes peers of our own uid alone) and the routes behind both. It decides
//! nothing: orders go to the dispatcher, everything that is shown is read from journal and tracker; who may ask is
//! `feed::web`'s. Start with [`Control::open`]; [`window`] is the door to TCP.

mod beads;
mod briefs;
pub mod client;
mod closing;
mod hand;
mod health;
mod hub;
mod links;
mod logs;
mod metrics;
mod night;
mod openapi;
mod opinions;
mod pages;
mod problem;
mod projects;
mod reach;
mod records;
mod routes;
mod runs;
mod stream;
mod view;
pub mod window;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::StatusCode;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::dispatch::{Order, Status};
use super::error::EngineError;
use super::house::House;
use super::refusal::Refusal;
use super::stop::Stop;
use crate::agent::Dialect;
use crate::feed::web::guard::{Door, Guard, Means};
use crate::feed::web::reach::Reach;
use crate::feed::web::serve::{Peers, serve};
pub use hub::{Hub, Said, Told};
use problem::Problem;
use stream::Streams;
use window::Window;

/// What every route stands on.
#[derive(Clone)]
pub struct Desk {
    pub house: Arc<House>,
    pub orders: mpsc::Sender<Order>,
    pub status: watch::Receiver<Arc<Status>>,
    pub hub: Hub,
    pub stop: Stop,
    pub guard: Arc<Guard>,
    works: work::Works,
    streams: Streams,
    /// Where runs that are to be ended with the daemon are told so.
    pub stop_runs: watch::Sender<bool>,
}

/// What a desk is made of.
pub struct Parts {
    pub house: Arc<House>,
    pub orders: mpsc::Sender<Order>,
    pub status: watch::Receiver<Arc<Status>>,
    pub hub: Hub,
    pub stop: Stop,
    /// The names under which TCP is reached: none without it.
    pub reach: Reach,
    /// Reads what agents wrote into their logs.
    pub dialect: Arc<dyn Dialect>,
}

impl Desk {
    /// Refused where the token of the state directory may be read by others.
    pub fn new(parts: Parts) -> Result<Self, EngineError> {
        let Parts { house, orders, status, hub, stop, reach, dialect } = parts;
        let means = Means {
            path: house.places.token(),
            uid: house.uid,
            journal: Arc::clone(&house.journal),
            clock: Arc::clone(&house.clock),
            ids: Arc::clone(&house.ids),
        };
        let guard = Arc::new(Guard::new(means, reach).map_err(|error| Refusal::new(error.to_string()))?);
        let (works, stop_runs) = (work::Works::default(), watch::Sender::new(false));
        let streams = Streams::new(Arc::clone(&house), dialect, hub.clone(), works.clone());
        Ok(Self { house, orders, status, hub, stop, guard, works, streams, stop_runs })
    }
}

impl FromRef<Desk> for Arc<Guard> {
    fn from_ref(desk: &Desk) -> Self {
        Self::clone(&desk.guard)
    }
}

impl Desk {
    /// Hands an order to the dispatcher.
    async fn order(&self, order: Order) -> Result<(), Problem> {
        let gone = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping");
        self.orders.send(order).await.map_err(gone)
    }

    /// Hands over an order that is answered, and waits for the answer.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        self.order(order(answer)).await?;
        answered.await.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping"))
    }
}

/// Both doors, open. Dropping it closes them.
pub struct Control {
    path: PathBuf,
    token: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Control {
    /// Listens when it returns. Whoever holds the daemon's lock owns the path: what an earlier daemon left goes.
    pub fn open(desk: Desk, window: Option<Window>) -> Result<Self, EngineError> {
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
        let socket = routes::behind(Door::Socket, desk.clone());
        let mut tasks = vec![tokio::spawn(serve(own, socket, Peers::Own, token.clone()))];
        if let Some(window) = window {
            let routes = routes::behind(Door::Window, desk);
            tasks.push(tokio::spawn(serve(window.open(), routes, Peers::Any, token.clone())));
        }
        Ok(Self { path, token, tasks })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.token.cancel();
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
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

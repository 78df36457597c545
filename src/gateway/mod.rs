//! The sandbox's only way out: one listener per run, two endpoints, one upstream, the user's key, a meter.
//!
//! Owns a unix socket in a directory that is mounted (read-only) into the sandbox, and every byte that crosses
//! it: which request passes (`rules`, `inspect`), which header (`headers`), with whose key (`credential`), to
//! where (`upstream`), at what cost (`meter`). Bodies and credentials are never logged or stored. It ends no
//! run and retries nothing: one layer alone may multiply requests. Start with [`Gateway::open`].

mod answer;
pub mod breaker;
pub mod credential;
mod forward;
mod headers;
mod inspect;
pub mod meter;
mod rules;
mod serve;
mod socket;
pub mod standing;
pub mod upstream;
mod usage_stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::Clock;
use crate::domain::usage::PriceTable;
use credential::Credential;
use meter::{Limits, Meter, MeterReading};
pub use rules::MAX_BODY;
pub use socket::{Owner, SOCKET_NAME};
use standing::Standing;
use upstream::Upstream;

#[derive(Debug, Error)]
pub enum GatewayError {
    #[error("the socket path `{}` has {length} bytes, expected less than {limit}: use a state directory with a shorter path", path.display())]
    PathTooLong { path: PathBuf, length: usize, limit: usize },
    #[error("cannot prepare the gateway directory `{}`: {source}", dir.display())]
    Directory { dir: PathBuf, source: std::io::Error },
    #[error("the gateway directory `{}` belongs to user {owner}, expected {expected}", dir.display())]
    ForeignDirectory { dir: PathBuf, owner: u32, expected: u32 },
    #[error("another process serves `{}`", path.display())]
    InUse { path: PathBuf },
    #[error("`{}` is a directory, expected a socket or nothing", path.display())]
    Obstacle { path: PathBuf },
    #[error("cannot {what} the gateway socket `{}`: {source}", path.display())]
    Socket { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("cannot make the client for `{host}`: {reason} (https needs the system's `ca-certificates`)")]
    Client { host: String, reason: String },
}

/// Everything one gateway needs.
pub struct GatewaySpec {
    /// Directory of the socket: made if absent (its parent exists), mode 0700. Mount it read-only.
    pub dir: PathBuf,
    /// Whom directory and socket are given to; for root, who runs the sandbox as another user.
    pub owner: Option<Owner>,
    /// Users who may connect besides ourselves and the owner.
    pub allowed_uids: Vec<u32>,
    pub upstream: Upstream,
    pub credential: Credential,
    pub limits: Limits,
    pub prices: PriceTable,
    /// US dollars earlier runs of the bead spent of the same cap.
    pub already_spent_usd: f64,
    pub clock: Arc<dyn Clock>,
    /// Shared by all gateways of this process: one upstream, one account.
    pub standing: Arc<Standing>,
}

/// Who opens gateways: [`Sockets`] for real sandboxes, the simulator's double for a night without any.
pub trait Gateways: Send + Sync {
    /// Listens when it returns.
    fn open(&self, spec: GatewaySpec) -> Result<Box<dyn Outlet>, GatewayError>;
}

/// One open gateway.
#[async_trait::async_trait]
pub trait Outlet: Send + Sync {
    /// The figures, now and as they change.
    fn meter(&self) -> watch::Receiver<MeterReading>;
    /// Ends what is in flight and gives the last figures.
    async fn close(self: Box<Self>) -> MeterReading;
}

/// Real gateways on unix sockets.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sockets;

impl Gateways for Sockets {
    fn open(&self, spec: GatewaySpec) -> Result<Box<dyn Outlet>, GatewayError> {
        Ok(Box::new(Gateway::open(spec)?))
    }
}

#[async_trait::async_trait]
impl Outlet for Gateway {
    fn meter(&self) -> watch::Receiver<MeterReading> {
        Gateway::meter(self)
    }

    async fn close(self: Box<Self>) -> MeterReading {
        Gateway::close(*self).await
    }
}

/// A listening gateway. Dropping it stops it and everything in flight.
pub struct Gateway {
    listening: socket::Listening,
    meter: Arc<Meter>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Listens when it returns. Needs a tokio runtime.
    pub fn open(spec: GatewaySpec) -> Result<Self, GatewayError> {
        let client = upstream::client(&spec.upstream).map_err(|error| GatewayError::Client {
            host: spec.upstream.host().to_owned(),
            reason: innermost(&error),
        })?;
        let (listening, listener) = socket::Listening::open(&spec.dir, spec.owner)?;
        let meter =
            Arc::new(Meter::new(spec.limits, spec.prices, spec.already_spent_usd, Arc::clone(&spec.clock)));
        let mut allowed = spec.allowed_uids;
        allowed.push(rustix::process::geteuid().as_raw());
        allowed.extend(spec.owner.map(|owner| owner.uid));
        let forward = forward::Forward {
            client,
            upstream: spec.upstream,
            credential: spec.credential,
            meter: Arc::clone(&meter),
            standing: spec.standing,
            clock: spec.clock,
            turns: Arc::new(tokio::sync::Semaphore::new(spec.limits.concurrency.max(1))),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve::serve(listener, allowed, Arc::new(forward), stop.clone()));
        Ok(Self { listening, meter, stop: stop.drop_guard(), task })
    }

    /// Where the socket is on this machine.
    pub fn socket(&self) -> &Path {
        self.listening.path()
    }

    /// The figures, now and as they change.
    pub fn meter(&self) -> watch::Receiver<MeterReading> {
        self.meter.subscribe()
    }

    /// Stops listening, ends what is in flight, removes the socket, and gives the last figures.
    pub async fn close(self) -> MeterReading {
        let Self { listening, meter, stop, task } = self;
        drop(listening);
        drop(stop);
        // The task ends at the cancellation; a panic in it has nothing more to say here.
        let _ = task.await;
        meter.subscribe().borrow().clone()
    }
}

/// The last cause: the outer ones only say that building failed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;

//! Routes on accepted connections, and how long a peer may keep one without doing anything.
//!
//! Owns the two limits of a connection: a head of a request must come within a time, on a fresh connection as between two
//! requests, and somebody must take at least one byte of an answer within a time. An answer that is long in the making
//! has no limit here, and a stream that is read lives on. Start with [`serve`].

mod patience;

use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use patience::Patient;

/// The next request's head comes within this time.
const HEAD: Duration = Duration::from_secs(60);
/// Somebody who takes nothing for so long reads no more: a stream is taken up again where it stopped (F45).
const STALL: Duration = Duration::from_secs(60);

/// As much of an answer waits in the kernel for a reader. With the megabytes that it takes by itself it would call a
/// reader stalled who takes some kilobytes a second, because it reports no room before a third of them is gone.
const QUEUE: usize = 128 << 10;

/// Bounds what the kernel holds for a reader; whoever accepts connections of any peers calls this on them.
pub fn short_queue(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(stream, QUEUE);
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Processes of the same user, on a socket of their own: they may take their time.
    Own,
    /// Whoever reaches the address.
    Any,
}

/// Serves until it is told to stop; answers that are under way are finished by their own tasks.
pub async fn serve<L: Listener>(mut listener: L, routes: Router, peers: Peers, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            (io, _) = listener.accept() => {
                tokio::spawn(connection(io, routes.clone(), peers, stop.clone()));
            }
        }
    }
}

async fn connection<I>(io: I, routes: Router, peers: Peers, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (head, stall) = match peers {
        Peers::Own => (None, None),
        Peers::Any => (Some(HEAD), Some(STALL)),
    };
    let io = TokioIo::new(Patient::new(io, stall));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(io, TowerToHyperService::new(routes))
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests;

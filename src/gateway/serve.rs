//! The listener's loop: accept, check the peer, speak HTTP/1.1, stop when told.
//!
//! Owns the tasks of one gateway's connections: all of them end when the loop ends. What a request means is
//! `forward`'s. Start with [`serve`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::forward::Forward;
use super::socket::peer_allowed;

/// More connections than this wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 128;
/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(30);
/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

pub(super) async fn serve(
    listener: UnixListener,
    allowed: Vec<u32>,
    forward: Arc<Forward>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) if peer_allowed(&stream, &allowed) => {
                    connections.spawn(connection(stream, Arc::clone(&forward)));
                }
                Ok(_) => forward.meter.refused("a connection of another user"),
                // Out of descriptors, mostly: it passes, and must not become a busy loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: UnixStream, forward: Arc<Forward>) {
    let service = service_fn(|request| {
        let forward = Arc::clone(&forward);
        async move { Ok::<_, Infallible>(forward.answer(request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = serving {
        if error.is_parse() {
            forward.meter.refused("a malformed request");
        }
        tracing::debug!(%error, "a connection of the sandbox ended early");
    }
}

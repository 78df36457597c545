//! The API over TCP: listening on loopback, TLS where the user gave a certificate, a bounded number of connections.
//!
//! Owns sockets and handshakes, not who may ask: that is `feed::web::guard`'s. An address that others can reach is refused
//! without TLS. Start with [`Window::bind`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::config::server::{DEFAULT, Server, Tls};
use crate::daemon::refusal::Refusal;
use crate::feed::web::reach::Reach;
use crate::feed::web::serve::short_queue;

/// A peer that does not finish its handshake within this time is nobody.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Descriptors that connections leave to everything else.
const SPARE: u64 = 256;
/// More browsers and scripts than these are not served at a time.
const CONNECTIONS: u64 = 4096;

/// Listening sockets, before anything is served on them.
pub struct Window {
    listeners: Vec<TcpListener>,
    tls: Option<TlsAcceptor>,
    pub reach: Reach,
}

/// What came of listening.
pub enum Bound {
    Window(Window),
    /// Another has the address, and it was only the default: why, in words.
    Taken(String),
}

impl Window {
    /// Listens where the config says, or by default; on the other loopback address too, so that `localhost` is ours whichever
    /// a browser takes. Where nobody named an address, one that is taken does no harm.
    pub async fn bind(server: &Server) -> Result<Bound, Refusal> {
        let address = server.listen.unwrap_or(DEFAULT);
        if !address.ip().is_loopback() && server.tls.is_none() {
            return Err(Refusal::new(format!(
                "`{address}` can be reached by others, and there is no `server.tls`"
            ))
            .hint("listen on 127.0.0.1 behind a reverse proxy with TLS, and set `server.public_url`")
            .hint("or give a certificate: `server: { tls: { cert: PATH, key: PATH } }`"));
        }
        let tls = server.tls.as_ref().map(acceptor).transpose()?;
        let first = match TcpListener::bind(address).await {
            Ok(first) => first,
            Err(error) if server.listen.is_none() => {
                return Ok(Bound::Taken(format!("`{address}`: {error}")));
            }
            Err(error) => {
                return Err(Refusal::new(format!("cannot listen on `{address}`: {error}"))
                    .hint("another port: `--listen 127.0.0.1:0` takes any that is free"));
            }
        };
        let io = |error: io::Error| Refusal::new(format!("cannot listen on `{address}`: {error}"));
        let address = first.local_addr().map_err(io)?;
        let mut listeners = vec![first];
        let mut both = false;
        if address.ip().is_loopback() {
            let other: IpAddr =
                if address.is_ipv4() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
            match TcpListener::bind(SocketAddr::new(other, address.port())).await {
                Ok(other) => {
                    listeners.push(other);
                    both = true;
                }
                // Without IPv6 on this machine nobody can be there; anything else means that somebody is.
                Err(error) => {
                    both =
                        matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported);
                }
            }
        }
        let addresses: Vec<SocketAddr> = listeners.iter().filter_map(|l| l.local_addr().ok()).collect();
        let reach = Reach::new(&addresses, both, tls.is_some(), server.public_url.as_ref());
        Ok(Bound::Window(Self { listeners, tls, reach }))
    }

    /// Begins to accept. What is served on the connections is the caller's.
    pub(super) fn open(self) -> Open {
        let (sender, accepted) = mpsc::channel(64);
        let seats = Arc::new(Semaphore::new(connections()));
        let mut tasks = tokio::task::JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(accept(listener, self.tls.clone(), Arc::clone(&seats), sender.clone()));
        }
        Open { accepted, _tasks: tasks }
    }
}

/// As many as descriptors allow; the soft limit of most shells is far below what a process may have.
fn connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum.map(|most| most.min(1 << 16)).or(Some(1 << 16)), ..limit };
    if limit.current < wanted.current && setrlimit(Resource::Nofile, wanted).is_ok() {
        limit = getrlimit(Resource::Nofile);
    }
    let room = limit.current.unwrap_or(u64::MAX).saturating_sub(SPARE);
    usize::try_from(room.clamp(16, CONNECTIONS)).unwrap_or(16)
}

/// Reads certificate and key; a key that others may read is refused (T36).
fn acceptor(files: &Tls) -> Result<TlsAcceptor, Refusal> {
    use std::os::unix::fs::MetadataExt as _;
    let bad = |path: &std::path::Path, why: String| Refusal::new(format!("`{}`: {why}", path.display()));
    let meta = std::fs::metadata(&files.key).map_err(|e| bad(&files.key, e.to_string()))?;
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o7777;
        return Err(bad(&files.key, format!("has mode {mode:04o}, but others may not read the key"))
            .hint(format!("chmod 600 '{}'", files.key.display())));
    }
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(|all| all.collect::<Result<Vec<_>, _>>())
        .map_err(|e| bad(&files.cert, format!("no certificate in PEM: {e}")))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| bad(&files.key, format!("no key in PEM: {e}")))?;
    crate::gateway::upstream::install_tls();
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| bad(&files.cert, e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    seats: Arc<Semaphore>,
    sender: mpsc::Sender<Seated>,
) {
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of descriptors, or the peer is gone already.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        short_queue(&stream);
        let (tls, sender) = (tls.clone(), sender.clone());
        // A peer that dawdles over its handshake keeps nobody else waiting.
        tokio::spawn(async move {
            if let Some(io) = shake(stream, tls).await {
                let _ = sender.send(Seated { io, _seat: seat }).await;
            }
        });
    }
}

async fn shake(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Pin<Box<dyn Wire>>> {
    let Some(tls) = tls else { return Some(Box::pin(stream)) };
    let shaken = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await.ok()?.ok()?;
    Some(Box::pin(shaken))
}

/// Accepted connections, for the server.
pub(super) struct Open {
    accepted: mpsc::Receiver<Seated>,
    _tasks: tokio::task::JoinSet<()>,
}

impl axum::serve::Listener for Open {
    type Io = Seated;
    type Addr = ();

    async fn accept(&mut self) -> (Seated, ()) {
        match self.accepted.recv().await {
            Some(seated) => (seated, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

trait Wire: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Wire for T {}

/// A connection, plain or encrypted, that holds its seat until it is dropped.
pub(super) struct Seated {
    io: Pin<Box<dyn Wire>>,
    _seat: OwnedSemaphorePermit,
}

impl AsyncRead for Seated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_read(cx, into)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;

//! The door through which beats come in: one route, small bodies, a signature first.
//!
//! Owns what a stranger can make it do, which is next to nothing: a body of a few kilobytes is read and compared
//! with its signature before anything in it is looked at. Start with [`serve`].

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{Beat, SIGNATURE, verify};
use crate::config::watch::is_name;
use crate::feed::web::serve::{Peers, serve as serve_routes, short_queue};

/// No beat is longer.
const LONGEST: usize = 8 << 10;

/// What came in.
#[derive(Debug)]
pub enum Heard {
    /// A beat with a good signature; the answer says whether it was believed.
    Beat(Beat, tokio::sync::oneshot::Sender<bool>),
    /// Something that is none.
    Odd(&'static str),
}

#[derive(Clone)]
struct Door {
    secret: Arc<Zeroizing<Vec<u8>>>,
    heard: mpsc::Sender<Heard>,
}

/// Listens until it is dropped. What is heard goes to `heard`.
pub async fn serve(
    listener: TcpListener,
    secret: Zeroizing<Vec<u8>>,
    heard: mpsc::Sender<Heard>,
) -> std::io::Result<()> {
    let door = Door { secret: Arc::new(secret), heard };
    let router = Router::new()
        .route("/", post(beat))
        .route("/beat", post(beat))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(door);
    let listener = listener.tap_io(|stream| short_queue(stream));
    serve_routes(listener, router, Peers::Any, CancellationToken::new()).await;
    Ok(())
}

async fn beat(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !verify(&door.secret, &body, signature) {
        let _ = door.heard.try_send(Heard::Odd("a signature that is not made with our secret"));
        return StatusCode::UNAUTHORIZED;
    }
    let Some(beat) = serde_json::from_slice::<Beat>(&body).ok().filter(|beat| is_name(&beat.host)) else {
        let _ = door.heard.try_send(Heard::Odd("a message that is no beat"));
        return StatusCode::BAD_REQUEST;
    };
    let (answer, believed) = tokio::sync::oneshot::channel();
    if door.heard.send(Heard::Beat(beat, answer)).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match believed.await {
        Ok(true) => StatusCode::NO_CONTENT,
        Ok(false) => StatusCode::CONFLICT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

//! Web push: a message to one subscribed device, encrypted for it alone (RFC 8291) and signed by us (RFC 8292).
//!
//! Owns which addresses may be a subscription (T35), what the device gets to read, and the two headers that make
//! a later message replace an earlier one. The keys are `vapid`'s. Start with [`Push`] and [`accept`].

mod endpoint;
pub mod vapid;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::alert::Kind;
use super::channel::{Channel, Class, Failed, Retry, Sent};
use super::net::{self, Web};
use super::texts::Message;
use crate::clock::Clock;
use crate::config::notify::Address;
use crate::journal::Journal;
use crate::journal::reach::Device;
use endpoint::Endpoint;
pub use endpoint::EndpointError;
use vapid::Vapid;

/// A push service takes 4096 bytes; encryption adds 103.
const MOST: usize = 3900;

/// What a browser says of itself when it subscribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub name: String,
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("`p256dh` is no public key: expected 65 bytes of a point on P-256, base64url")]
    Key,
    #[error("`auth` is no secret: expected 16 bytes, base64url")]
    Auth,
}

/// Judges a subscription before it is kept. `extra` are the origins that the user's config adds.
pub fn accept(wish: Wish, extra: &[Address], id: String, now: DateTime<Utc>) -> Result<Device, WishError> {
    Endpoint::parse(&wish.endpoint, extra)?;
    public_key(&wish.p256dh).ok_or(WishError::Key)?;
    auth(&wish.auth).ok_or(WishError::Auth)?;
    let name = crate::domain::clean::ellipsis(&wish.name, 60);
    let name = if name.is_empty() { "a device".to_owned() } else { name };
    let Wish { endpoint, p256dh, auth, .. } = wish;
    Ok(Device { id, name, endpoint, p256dh, auth, created: now, last_ok: None })
}

/// Base64url as browsers give it, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn public_key(text: &str) -> Option<p256::PublicKey> {
    let bytes = decode(text).filter(|bytes| bytes.len() == 65)?;
    p256::PublicKey::from_sec1_bytes(&bytes).ok()
}

fn auth(text: &str) -> Option<web_push::Auth> {
    let bytes = decode(text).filter(|bytes| bytes.len() == 16)?;
    Some(web_push::Auth::clone_from_slice(&bytes))
}

/// One device.
pub struct Push {
    pub device: Device,
    pub vapid: Arc<Vapid>,
    pub subject: String,
    pub extra: Vec<Address>,
    pub web: Web,
    pub journal: Arc<Journal>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait::async_trait]
impl Channel for Push {
    async fn send(&self, message: &Message) -> Result<Sent, Failed> {
        // The config may have changed since it subscribed.
        let endpoint = Endpoint::parse(&self.device.endpoint, &self.extra)
            .map_err(|error| Failed::never(Class::Forbidden, error.to_string()))?;
        let broken =
            || Failed { class: Class::Config, why: "its keys cannot be read".into(), retry: Retry::Gone };
        let key = public_key(&self.device.p256dh).ok_or_else(broken)?;
        let auth = auth(&self.device.auth).ok_or_else(broken)?;
        let body = web_push::encrypt(payload(message), &key, &auth)
            .map_err(|error| Failed::never(Class::Config, error.to_string()))?;
        let authorization = self.vapid.authorization(&endpoint.audience, &self.subject, self.clock.now());
        let request = self
            .web
            .client(endpoint.reach, endpoint.encrypted)?
            .post(endpoint.url)
            .header("authorization", authorization)
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("ttl", lives(message.kind))
            .header("urgency", urgency(message.kind))
            .header("topic", topic(&message.key))
            .body(body);
        let result = net::send(request).await;
        match &result {
            // Losing the note of a success costs nothing but the note.
            Ok(_) => drop(self.journal.device_reached(&self.device.id)),
            Err(Failed { retry: Retry::Gone, .. }) => {
                if let Err(error) = self.journal.forget_device(&self.device.id) {
                    tracing::warn!(%error, "a device that is gone could not be forgotten");
                }
            }
            Err(_) => {}
        }
        result
    }
}

/// How long a push service keeps it for a device that is off, in seconds.
const fn lives(kind: Kind) -> u64 {
    match kind {
        Kind::Test => 300,
        _ => 24 * 3600,
    }
}

const fn urgency(kind: Kind) -> &'static str {
    match kind {
        Kind::NeedsYou | Kind::Test => "high",
        Kind::Failure | Kind::Completion => "normal",
        Kind::Summary => "low",
    }
}

/// The same alert has the same topic, so one that is sent twice is shown once; 32 characters at most.
fn topic(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(key.as_bytes())[..18])
}

/// A link without its origin: the worker opens it on the origin that it belongs to, by whatever name that is reached.
fn path(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// What the device decrypts: JSON that its worker shows. A body that is too long is cut, not the message lost.
pub fn payload(message: &Message) -> Vec<u8> {
    let actions: Vec<_> = message
        .actions
        .iter()
        .map(|link| json!({ "action": link.action, "title": link.title, "capability": link.capability }))
        .collect();
    let mut columns = 1200;
    loop {
        let body: String = message.body.chars().take(columns).collect();
        let text = json!({
            "v": 1,
            "tag": topic(&message.key),
            "kind": message.kind,
            "title": message.title,
            "body": body,
            "url": message.link.as_deref().map(path),
            "actions": actions,
        })
        .to_string();
        if text.len() <= MOST || columns == 0 {
            return text.into_bytes();
        }
        columns /= 2;
    }
}

#[cfg(test)]
mod tests;

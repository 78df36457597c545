//! An alert as JSON to an address of the user's own, signed with a shared secret.
//!
//! Owns the signature: HMAC-SHA256 over the time and the body, so that neither can be changed or sent again
//! later. Start with [`Webhook`].

use std::path::PathBuf;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::channel::{Channel, Class, Failed, Retry, Sent};
use super::net::{self, Reach, Web};
use super::secrets::Vault;
use super::texts::Message;
use crate::clock::Clock;
use crate::config::notify::Address;

pub(super) struct Webhook {
    pub url: Address,
    pub secret: PathBuf,
    pub vault: Vault,
    pub web: Web,
    pub clock: Arc<dyn Clock>,
}

#[async_trait::async_trait]
impl Channel for Webhook {
    async fn send(&self, message: &Message) -> Result<Sent, Failed> {
        let secret =
            self.vault.file(&self.secret).map_err(|e| Failed::later(Class::Config, e.to_string()))?;
        let body = serde_json::to_string(message).map_err(|e| Failed::never(Class::Config, e.to_string()))?;
        let time = self.clock.now().timestamp();
        let request = self
            .web
            .client(Reach::Named, self.url.is_https())?
            .post(self.url.as_str())
            .header("content-type", "application/json")
            .header("user-agent", "beadwork")
            .header("x-bead-signature", format!("t={time},v1={}", sign(secret.as_bytes(), time, &body)))
            .body(body);
        net::send(request).await.map_err(stays)
    }
}

/// `t=<unix seconds>,v1=<hex>`: the second is over `<seconds>.<body>`.
pub(super) fn sign(secret: &[u8], time: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    mac.update(format!("{time}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An address of the user's own is not forgotten because it is missing for a while, nor is an alert given up because it
/// said no: whoever runs it can mend a redirect, a token or a rule within the day.
pub(super) fn stays(failed: Failed) -> Failed {
    match failed.retry {
        Retry::Gone => Failed { retry: Retry::Later, ..failed },
        Retry::Never if failed.class == Class::Refused => Failed { retry: Retry::Later, ..failed },
        _ => failed,
    }
}

#[cfg(test)]
mod tests;

//! An alert as plain text to a topic of ntfy, or of a server that speaks like it.
//!
//! Owns its headers: title, priority, where a press leads. Start with [`Topic`].

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::alert::Kind;
use super::channel::{Channel, Class, Failed, Sent};
use super::net::{self, Reach, Web};
use super::secrets::Vault;
use super::texts::Message;
use super::webhook::stays;
use crate::config::notify::Address;

pub(super) struct Topic {
    pub url: Address,
    pub token: Option<PathBuf>,
    pub vault: Vault,
    pub web: Web,
}

#[async_trait::async_trait]
impl Channel for Topic {
    async fn send(&self, message: &Message) -> Result<Sent, Failed> {
        let mut request = self
            .web
            .client(Reach::Named, self.url.is_https())?
            .post(self.url.as_str())
            .header("content-type", "text/plain; charset=utf-8")
            .header("title", header(&message.title))
            .header("priority", priority(message.kind))
            .body(message.body.clone());
        if let Some(link) = &message.link {
            request = request.header("click", link);
        }
        if let Some(token) = &self.token {
            let token = self.vault.file(token).map_err(|e| Failed::later(Class::Config, e.to_string()))?;
            request = request.bearer_auth(token.as_str());
        }
        net::send(request).await.map_err(stays)
    }
}

/// A header is ASCII on one line: what is more is encoded as in a mail (RFC 2047), which ntfy reads.
fn header(text: &str) -> String {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain { text.to_owned() } else { format!("=?UTF-8?B?{}?=", STANDARD.encode(text)) }
}

const fn priority(kind: Kind) -> &'static str {
    match kind {
        Kind::NeedsYou => "high",
        Kind::Failure | Kind::Completion | Kind::Test => "default",
        Kind::Summary => "low",
    }
}

#[cfg(test)]
mod tests;

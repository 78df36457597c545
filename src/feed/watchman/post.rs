//! Sending: a beat to the watchman, a ping to a service, an alarm to a person's topic.
//!
//! Owns the three messages and what became of them; the client is `feed::wire`'s. No body is read, and errors name no
//! path of the address, which may be secret. Start with [`Wire`].

use super::{Beat, Message, SIGNATURE, sign};
use crate::config::notify::Address;
use crate::feed::wire::{self, innermost};

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("`{0}` does not answer in time")]
    Timeout(String),
    #[error("no connection to `{0}`: {1}")]
    Connect(String, String),
    #[error("`{0}` answered {1}")]
    Refused(String, u16),
    #[error("there is no client for https here: {0}")]
    Client(String),
}

/// The way to one address.
#[derive(Debug, Clone)]
pub struct Wire {
    url: Address,
    client: reqwest::Client,
}

impl Wire {
    pub fn new(url: &Address) -> Result<Self, PostError> {
        let client = wire::client(url.is_https()).build();
        let client = client.map_err(|error| PostError::Client(innermost(&error)))?;
        Ok(Self { url: url.clone(), client })
    }

    /// A signed beat.
    pub async fn beat(&self, secret: &[u8], beat: &Beat) -> Result<(), PostError> {
        let body = serde_json::to_vec(beat).unwrap_or_default();
        let request = self.client.post(self.url.as_str()).header("content-type", "application/json");
        self.send(request.header(SIGNATURE, sign(secret, &body)).body(body)).await
    }

    /// A ping without content; `fail`: nothing advances.
    pub async fn ping(&self, fail: bool) -> Result<(), PostError> {
        let url = self.url.as_str();
        let target = if fail { format!("{}/fail", url.trim_end_matches('/')) } else { url.to_owned() };
        self.send(self.client.get(target)).await
    }

    /// An alarm as plain text with headers that ntfy and servers like it know.
    pub async fn alarm(&self, message: &Message) -> Result<(), PostError> {
        let (priority, tag) =
            if message.alarm { ("urgent", "rotating_light") } else { ("default", "white_check_mark") };
        let request = self.client.post(self.url.as_str()).header("content-type", "text/plain; charset=utf-8");
        let request = request.header("title", &message.title).header("priority", priority);
        self.send(request.header("tags", tag).body(message.text.clone())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(), PostError> {
        let origin = || self.url.origin();
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(PostError::Refused(origin(), answer.status().as_u16())),
            Err(error) if error.is_timeout() => Err(PostError::Timeout(origin())),
            Err(error) => Err(PostError::Connect(origin(), innermost(&error))),
        }
    }
}

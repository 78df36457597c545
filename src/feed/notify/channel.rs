//! One way to a person: the contract of mail, push, webhook and topic, and its honest double.
//!
//! Owns what a try may end as. A channel tries once and keeps nothing: when it is tried again is the courier's
//! matter. It may be given the same message twice, after a crash between sending and writing that down, and
//! marks it so that its reader can tell. Start with [`Channel`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::texts::Message;

/// Sends alerts one way.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Tries once, and within a bounded time.
    async fn send(&self, message: &Message) -> Result<Sent, Failed>;
}

/// The other side took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent;

/// It was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {why}")]
pub struct Failed {
    pub class: Class,
    pub why: String,
    pub retry: Retry,
}

/// What kind of failure it is, in one word for people and counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The other side is not who it should be, or nothing protects the way (T58).
    Tls,
    Connect,
    Timeout,
    /// It answered, and said no.
    Refused,
    /// An address that may not be sent to (T35).
    Forbidden,
    /// A secret or a setting of ours.
    Config,
}

/// Whether another try may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    Later,
    /// Not before this time has passed.
    After(Duration),
    Never,
    /// The receiver is no more: forget it.
    Gone,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Config => "config",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Failed {
    /// A failure that may be over by itself.
    pub(super) fn later(class: Class, why: impl Into<String>) -> Self {
        Self { class, why: why.into(), retry: Retry::Later }
    }

    pub(super) fn never(class: Class, why: impl Into<String>) -> Self {
        Self { class, why: why.into(), retry: Retry::Never }
    }
}

/// A channel that keeps what it is given, and fails as it is told.
#[derive(Debug, Default)]
pub struct Kept {
    taken: Mutex<Vec<Message>>,
    /// How the next tries end, first come first served; then all are taken.
    fails: Mutex<Vec<Failed>>,
}

impl Kept {
    pub fn failing(mut fails: Vec<Failed>) -> Self {
        fails.reverse();
        Self { taken: Mutex::default(), fails: Mutex::new(fails) }
    }

    pub fn taken(&self) -> Vec<Message> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait::async_trait]
impl Channel for Kept {
    async fn send(&self, message: &Message) -> Result<Sent, Failed> {
        if let Some(failed) = self.fails.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(failed);
        }
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        Ok(Sent)
    }
}

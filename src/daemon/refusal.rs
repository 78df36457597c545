//! Why a command does nothing, in words, with what to do next.
//!
//! Owns the shape that every refusal before the first effect has (exit code 3). It holds text only: who
//! refuses, builds it. Start with [`Refusal`].

/// A refusal before anything was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub message: String,
    pub hints: Vec<String>,
    /// `--force` would go on.
    pub can_force: bool,
}

impl Refusal {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), can_force: false }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub fn can_force(mut self) -> Self {
        self.can_force = true;
        self
    }
}

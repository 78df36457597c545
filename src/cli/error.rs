//! What a failed command tells its user: the thing, the chain of causes, what to do next, and the exit code.
//!
//! Owns the documented exit codes and how an error is shown. Rooms raise their own errors; the commands turn
//! them into [`CliError`] here, at the edge, and nowhere else.

use std::fmt::Write as _;

/// Documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Something failed inside: engine, disk, tracker.
    Failed,
    Usage,
    /// Refused before anything was done.
    Refused,
    /// The work ended without landing.
    NotLanded,
    Suspended,
    Interrupted,
    /// A merge driver that could not do its work: git takes codes above 128 as failure, not as conflicts.
    GivesUp,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotLanded => 4,
            Self::Suspended => 5,
            Self::Interrupted => 130,
            Self::GivesUp => 129,
        }
    }
}

/// A command's failure, ready to be shown.
#[derive(Debug)]
pub struct CliError {
    pub exit: Exit,
    pub message: String,
    pub causes: Vec<String>,
    pub hints: Vec<String>,
    /// `--force` would go on.
    pub can_force: bool,
}

impl CliError {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hints: Vec::new(), can_force: false }
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// From a room's error, with the chain of its sources.
    pub fn from_error(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        let message = error.to_string();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many errors already quote their source; saying it twice helps nobody.
            if !message.contains(&text) {
                causes.push(text);
            }
            source = cause.source();
        }
        Self { exit, message, causes, hints: Vec::new(), can_force: false }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// For stderr. Text may hold untrusted names, so the caller cleans it.
    pub fn render(&self) -> String {
        let mut out = format!("error: {}\n", self.message);
        for cause in &self.causes {
            let _ = writeln!(out, "  because: {cause}");
        }
        for hint in &self.hints {
            let _ = writeln!(out, "  hint: {hint}");
        }
        out
    }

    /// For stdout under `--json`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "error", "code": self.exit.code(), "error": self.message,
            "causes": self.causes, "hints": self.hints, "can_force": self.can_force,
        })
    }
}

/// A mistake in the command line, for a script that asked for JSON.
pub(super) fn print_usage(text: &str) {
    use std::io::Write as _;
    let first = text.lines().next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first);
    let _ = writeln!(std::io::stdout().lock(), "{}", CliError::new(Exit::Usage, message).json());
}

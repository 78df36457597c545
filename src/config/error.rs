//! What is wrong with a configuration file, always with the file, the line and the key.
//!
//! Owns the one error of `bead.yaml` and of the user's file. It carries no hint beyond its sentence: where a
//! next step exists, the sentence says it. Start with [`ConfigError`].

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{place}: unknown key `{key}`{}", nearest.as_ref().map(|n| format!(", did you mean `{n}`?")).unwrap_or_default())]
    UnknownKey { place: Place, key: String, nearest: Option<String> },
    /// T54: this key gives power, and power is the user's to give.
    #[error("{place}: `{key}` cannot be set by a project: {why}")]
    NotForProjects { place: Place, key: String, why: &'static str },
    /// T54: more than the user's own config allows.
    #[error(transparent)]
    Widens(#[from] Box<Widening>),
    #[error("{place}: `{key}`: expected {expected}, found {found}")]
    Value { place: Place, key: String, expected: String, found: String },
    #[error("{place}: `{key}` is missing: expected {expected}")]
    Missing { place: Place, key: String, expected: &'static str },
    #[error("{place}: {why}")]
    Syntax { place: Place, why: String },
    #[error("`{file}` has {bytes} bytes, expected at most {most}")]
    TooLarge { file: String, bytes: usize, most: usize },
    #[error("`{file}`: {why}")]
    Unreadable { file: String, why: String },
}

/// A project asked for more than it may have. Boxed, because it is the one large error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{place}: `{key}` may only narrow what you allow: found {found}, allowed at most {allowed} ({origin}); \
     to allow more, set `{key}` in {user_file}"
)]
pub struct Widening {
    pub place: Place,
    pub key: String,
    pub found: String,
    pub allowed: String,
    /// Who set the most that is allowed.
    pub origin: String,
    pub user_file: String,
}

/// `bead.yaml:7`, or the file alone where the line is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// 1 is the first; 0 means unknown.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

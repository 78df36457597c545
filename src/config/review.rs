//! How a project wants its work reviewed: `review` of `bead.yaml`.
//!
//! Owns the grammar and the defaults. It reviews nothing and files nothing. Start with [`Review`].

use super::error::ConfigError;
use super::project::model;
use super::table::Table;

/// How many rounds there may be, and what becomes of findings that are not the author's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub enabled: bool,
    /// 1 to 10.
    pub rounds: u32,
    pub create_beads: CreateBeads,
    /// `None`: as the work's.
    pub model: Option<String>,
}

impl Review {
    /// What a frozen order holds: 0 is no review.
    pub fn rounds_in_force(&self) -> u32 {
        if self.enabled { self.rounds } else { 0 }
    }
}

/// Without a `review` in `bead.yaml` there is none: it costs money that nobody asked to spend, and scripts of
/// rehearsals have no reviewer's words. The key alone turns it on.
impl Default for Review {
    fn default() -> Self {
        Self { enabled: false, rounds: 3, create_beads: CreateBeads::Ask, model: None }
    }
}

/// Whether findings become beads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CreateBeads {
    Auto,
    /// A person at the terminal is asked; where there is none they are filed as proposed (rules 16.3).
    #[default]
    Ask,
    Never,
}

impl CreateBeads {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Ask => "ask",
            Self::Never => "never",
        }
    }
}

pub(super) fn review(root: &Table<'_>) -> Result<Option<Review>, ConfigError> {
    let Some(table) = root.table("review")? else { return Ok(None) };
    table.only(&["enabled", "rounds", "create_beads", "model"])?;
    let default = Review::default();
    let create_beads = match table.text("create_beads")? {
        None => default.create_beads,
        Some("auto") => CreateBeads::Auto,
        Some("ask") => CreateBeads::Ask,
        Some("never") => CreateBeads::Never,
        Some(other) => {
            return Err(table.bad("create_beads", "`auto`, `ask` or `never`", &format!("`{other}`")));
        }
    };
    Ok(Some(Review {
        enabled: table.flag("enabled")?.unwrap_or(true),
        rounds: table.count("rounds", 1, 10)?.unwrap_or(default.rounds),
        create_beads,
        model: model(&table)?,
    }))
}

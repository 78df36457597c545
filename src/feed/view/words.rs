//! Times, money and states in the few words that a page has room for.
//!
//! Owns the wording and the tone (which colour a state has); a time is UTC here, and the reader's browser puts its own
//! zone in. Start with [`When`] and [`Tone`].

use chrono::{DateTime, SecondsFormat, Utc};

use crate::feed::tell;

/// A moment: for machines, and for people without a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    pub iso: String,
    pub words: String,
}

impl When {
    pub fn of(at: DateTime<Utc>) -> Self {
        let iso = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { iso, words: at.format("%-d %b %H:%M UTC").to_string() }
    }

    /// As the journal's tables have it.
    pub fn read(text: &str) -> Option<Self> {
        moment(text).map(Self::of)
    }
}

/// A time as the journal's tables have it.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

/// How something stands: the colour it has, never without its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    Good,
    Bad,
    /// A person must look.
    Ask,
    /// It goes on right now.
    Live,
    /// It waits, and goes on by itself.
    Rest,
    Plain,
}

impl Tone {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Ask => "ask",
            Self::Live => "live",
            Self::Rest => "rest",
            Self::Plain => "plain",
        }
    }

    /// Of a run's state or a bead's outcome, by its word.
    pub fn of(word: &str) -> Self {
        match word {
            "landed" | "completed" | "closed" => Self::Good,
            "failed" | "timeout" | "interrupted" => Self::Bad,
            "parked" | "blocked" | "no_change" => Self::Ask,
            "running" | "in_progress" => Self::Live,
            "suspended" | "cancelled" | "deferred" => Self::Rest,
            _ => Self::Plain,
        }
    }
}

/// A snake_case word as people write it.
pub fn spaced(word: &str) -> String {
    crate::domain::clean::ellipsis(&word.replace('_', " "), 60)
}

/// US dollars: cents, and a little more where there are none.
pub fn money(usd: f64) -> String {
    if usd > 0.0 && usd < 0.01 { "under $0.01".to_owned() } else { format!("${usd:.2}") }
}

/// From one moment to another: `4 min 10 s`.
pub fn span(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run are few")]
    let seconds = (to - from).num_seconds().max(0) as f64;
    tell::seconds(seconds)
}

/// What is going on in a phase of a story, as a verb.
pub fn phase(name: &str) -> &str {
    match name {
        "claiming" => "taking it",
        "starting" => "starting an attempt",
        "preparing" => "preparing its clone",
        "working" => "the agent works",
        "exporting" => "keeping its work",
        "merging" => "merging with the target",
        "untangling" => "resolving a conflict",
        "gating" => "running the gates",
        "reviewing" => "under review",
        "landing" => "landing",
        "closing" => "closing the bead",
        "settling" => "giving it back",
        "suspending" => "putting it aside",
        "suspended" => "put aside",
        "resuming" => "going on",
        "cleaning" => "cleaning up",
        "finished" => "done",
        other => other,
    }
}

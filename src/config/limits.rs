//! The limits of runs, with their built-in values and their origin.
//!
//! Owns the names, the defaults and the comparison that lets a project only lower them (T54). It watches no
//! run: `daemon::watch` does. Start with [`Limits`] and [`Wishes`].

use std::fmt;

use super::duration::{Size, Span};
use super::error::{ConfigError, Place, Widening};
use super::table::Table;

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// The user's own file.
    User(String),
    /// `bead.yaml` of the base commit.
    Project(String),
    /// An option of the command line, as it is spelt.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built in"),
            Self::User(file) | Self::Project(file) => f.write_str(file),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value that knows its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Sourced<T> {
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// The limits in force (rules 7).
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub attempts: Sourced<u32>,
    /// Longest one run may take.
    pub run_time: Sourced<Span>,
    /// Longest silence while no tool runs.
    pub idle: Sourced<Span>,
    /// Longest single tool call.
    pub tool: Sourced<Span>,
    /// US dollars per bead, over all attempts.
    pub cost_usd: Sourced<f64>,
    pub slots: Sourced<u32>,
    /// Memory of one sandbox.
    pub memory: Sourced<Size>,
    /// Most an agent may print in one run.
    pub output: Sourced<Size>,
}

/// What one file says about limits. In the user's file these are both the values and the most a project may
/// ask for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wishes {
    pub attempts: Option<Wish<u32>>,
    pub run_time: Option<Wish<Span>>,
    pub idle: Option<Wish<Span>>,
    pub tool: Option<Wish<Span>>,
    pub cost_usd: Option<Wish<f64>>,
    pub slots: Option<Wish<u32>>,
    pub memory: Option<Wish<Size>>,
    pub output: Option<Wish<Size>>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish<T> {
    pub value: T,
    pub place: Place,
}

const KEYS: &[&str] = &["attempts", "run_time", "idle", "tool", "cost_usd", "slots", "memory", "output"];

impl Wishes {
    pub(super) fn read(table: &Table<'_>) -> Result<Self, ConfigError> {
        table.only(KEYS)?;
        fn at<T>(table: &Table<'_>, key: &str, value: Option<T>) -> Option<Wish<T>> {
            value.map(|value| Wish { value, place: table.place(key) })
        }
        Ok(Self {
            attempts: at(table, "attempts", table.count("attempts", 1, 100)?),
            run_time: at(table, "run_time", table.span("run_time")?),
            idle: at(table, "idle", table.span("idle")?),
            tool: at(table, "tool", table.span("tool")?),
            cost_usd: at(table, "cost_usd", table.money("cost_usd")?),
            slots: at(table, "slots", table.count("slots", 1, 64)?),
            memory: at(table, "memory", table.size("memory")?),
            output: at(table, "output", table.size("output")?),
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        fn built_in<T>(value: T) -> Sourced<T> {
            Sourced::new(value, Origin::Default)
        }
        Self {
            attempts: built_in(3),
            run_time: built_in(Span::from_secs(6 * 3600)),
            idle: built_in(Span::from_secs(15 * 60)),
            tool: built_in(Span::from_secs(60 * 60)),
            cost_usd: built_in(5.0),
            slots: built_in(3),
            memory: built_in(Size::from_bytes(4 << 30)),
            output: built_in(Size::from_bytes(64 << 20)),
        }
    }
}

impl Limits {
    /// The user's own wishes: taken as they are.
    pub(super) fn set_by(mut self, wishes: &Wishes, origin: &Origin) -> Self {
        fn set<T: Clone>(to: &mut Sourced<T>, wish: Option<&Wish<T>>, origin: &Origin) {
            if let Some(wish) = wish {
                *to = Sourced::new(wish.value.clone(), origin.clone());
            }
        }
        set(&mut self.attempts, wishes.attempts.as_ref(), origin);
        set(&mut self.run_time, wishes.run_time.as_ref(), origin);
        set(&mut self.idle, wishes.idle.as_ref(), origin);
        set(&mut self.tool, wishes.tool.as_ref(), origin);
        set(&mut self.cost_usd, wishes.cost_usd.as_ref(), origin);
        set(&mut self.slots, wishes.slots.as_ref(), origin);
        set(&mut self.memory, wishes.memory.as_ref(), origin);
        set(&mut self.output, wishes.output.as_ref(), origin);
        self
    }

    /// A project's wishes: an error naming the key where one asks for more than stands here.
    pub(super) fn narrowed_by(
        mut self,
        wishes: &Wishes,
        origin: &Origin,
        user_file: &str,
    ) -> Result<Self, ConfigError> {
        let narrow = Narrow { origin, user_file };
        narrow.one("attempts", &mut self.attempts, wishes.attempts.as_ref())?;
        narrow.one("run_time", &mut self.run_time, wishes.run_time.as_ref())?;
        narrow.one("idle", &mut self.idle, wishes.idle.as_ref())?;
        narrow.one("tool", &mut self.tool, wishes.tool.as_ref())?;
        narrow.one("cost_usd", &mut self.cost_usd, wishes.cost_usd.as_ref())?;
        narrow.one("slots", &mut self.slots, wishes.slots.as_ref())?;
        narrow.one("memory", &mut self.memory, wishes.memory.as_ref())?;
        narrow.one("output", &mut self.output, wishes.output.as_ref())?;
        Ok(self)
    }
}

struct Narrow<'a> {
    origin: &'a Origin,
    user_file: &'a str,
}

impl Narrow<'_> {
    fn one<T: Clone + PartialOrd + fmt::Display>(
        &self,
        key: &str,
        to: &mut Sourced<T>,
        wish: Option<&Wish<T>>,
    ) -> Result<(), ConfigError> {
        let Some(wish) = wish else { return Ok(()) };
        if wish.value > to.value {
            return Err(Box::new(Widening {
                place: wish.place.clone(),
                key: format!("limits.{key}"),
                found: wish.value.to_string(),
                allowed: to.value.to_string(),
                origin: to.origin.to_string(),
                user_file: self.user_file.to_owned(),
            })
            .into());
        }
        *to = Sourced::new(wish.value.clone(), self.origin.clone());
        Ok(())
    }
}

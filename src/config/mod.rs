//! Typed settings, each of which knows where it came from.
//!
//! Owns the environment, the places on disk, `bead.yaml` and the user's own file, and the rule that a project
//! may only narrow what the user allows (T54). It reads `bead.yaml` from bytes: which commit they come from is
//! for `daemon`. Zones and cron expressions stand here too, because the files are checked when they
//! are read. Start with [`effective::Effective`], then [`project::Project`] and [`places::Places`].

pub mod budgets;
pub mod cron;
pub mod duration;
pub mod effective;
pub mod environment;
pub mod error;
pub mod limits;
pub mod night;
pub mod notify;
pub mod places;
pub mod project;
pub mod review;
pub mod server;
pub(crate) mod table;
pub mod user;
pub mod watch;
pub mod windows;
pub mod zone;

pub use error::ConfigError;
pub(crate) use table::nearest;

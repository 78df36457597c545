//! Private clones and the way of the objects: user's repository, quarantine, clone, export, quarantine, user.
//!
//! Owns every use of git on this machine and the rule that no git ever runs in a directory an agent could
//! write: after a clone is handed over, the host only removes it. It starts no containers; the export script
//! is text that others run in one. Start with [`repo::UserRepo`] and [`quarantine::Quarantine`].

pub mod clone;
pub mod diff;
pub mod export;
pub mod git;
pub mod import;
pub mod merge;
pub mod private;
pub mod program;
pub mod publish;
pub mod quarantine;
pub mod repo;
pub(crate) mod scan;

#[cfg(test)]
pub(crate) mod fixture;

#[cfg(test)]
mod tests;

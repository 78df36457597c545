//! A person's hand on a bead: cancel, pause, resume, retry, send, answer, approve, park, shell.
//!
//! Owns what each verb does to a bead in whatever state it is, once for commands and for the control socket. What
//! a running bead's holder shall do is written into the journal and obeyed by whichever process that is; what
//! concerns nobody else is done here, under the bead's lock. Start with [`table`], then [`Hand`].

pub mod again;
mod deeds;
pub mod messages;
mod named;
pub mod shell;
pub mod standing;
pub mod table;
pub mod wishes;

pub(in crate::daemon) use deeds::refused;
pub use deeds::{Ask, Done, Hand, Next};
pub use named::of_a_claim;

#[cfg(test)]
mod tests;

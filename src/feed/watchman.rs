//! The dead man's switch: heartbeats of a daemon, and the watchman on another machine who misses them.
//!
//! Owns the message and its signature (`beat`), when to raise an alarm (`judge`), the door through which beats
//! come (`door`) and the small file in which a watchman remembers (`memory`). It never touches the work: a beat
//! that cannot be sent disturbs nothing (rules 19.3). Start with [`Beat`] and [`Watchman`].

mod beat;
mod door;
mod judge;
mod memory;
mod post;

pub use beat::{Beat, Standing, advances, sign, verify};
pub use door::{Heard, serve};
pub use judge::{Host, Incident, Message, Refused, Rules, Trouble, Watchman};
pub use memory::{MemoryError, read_secret, recall, remember};
pub use post::{PostError, Wire};

/// The header with the signature of a beat's body: `sha256=` and lower-case hex.
pub const SIGNATURE: &str = "x-beadwork-signature";

#[cfg(test)]
mod tests;

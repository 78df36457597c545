//! What each effect does, one file for each part of a bead's way.
//!
//! Every effect may be done again after a crash at any point inside it: it looks at what is there first. An
//! error leaves the story open. `lifecycle` says when an effect is due, `engine` calls it.

pub(super) mod agent;
mod attend;
mod blocking;
pub(super) mod clean_up;
pub(super) mod ending;
pub(super) mod export;
mod gate_watch;
mod gates;
mod landing;
mod push;
mod recurrence;
mod review;
pub(super) mod reviewer;
mod sandbox;
mod task;
mod tracker;
mod workspace;

/// A version-4 UUID of sixteen bytes: what Claude Code wants its sessions and messages to be named by.
pub(super) fn uuid(bytes: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

//! Tests against a real container engine and the real Claude Code CLI; `scripts/test` provides both.
//!
//! They fail, and do not skip, where no engine answers.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod daemon;
mod disk;
mod executor;
mod gateway;
mod hand;
mod kills;
mod landing;
mod night;
mod recovery;
mod review;
mod threats;
mod trackers;
mod window;
mod work;

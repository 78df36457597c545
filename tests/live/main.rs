//! Tests against a real container engine and the real Claude Code CLI; `scripts/test` provides both.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod gateway;
mod kills;
mod recovery;
mod threats;
mod work;

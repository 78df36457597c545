//! All integration tests that need no container engine, one binary. `tidy` fails when a file of this folder is
//! not declared here.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods, reason = "tests")]

mod deploy;
#[path = "../harness/mod.rs"]
mod harness;
mod help;
mod json;

mod readme;
mod refusals;
mod tidy;

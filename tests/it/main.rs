//! All integration tests that need no container engine, one binary. `tidy` fails when a file of this folder is
//! not declared here.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods, reason = "tests")]

mod bd;
mod deploy;
mod exchange;
#[path = "../harness/mod.rs"]
mod harness;
mod help;
mod json;
mod merge_driver;
mod project;
mod readme;
mod refusals;
mod serve;
mod store;
mod tidy;

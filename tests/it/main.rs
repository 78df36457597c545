//! All integration tests that need no container engine, one binary. `tidy` fails when a file of this folder is
//! not declared here.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods, reason = "tests")]

mod bd;
mod deploy;
mod exchange;
mod hand;
#[path = "../harness/mod.rs"]
mod harness;
mod help;
mod json;
mod merge_driver;
mod morning;
mod project;
mod reach;
mod readme;
mod refusals;
mod reviews;
mod serve;
mod store;
mod tidy;
mod window;

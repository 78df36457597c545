//! All integration tests that need no container engine, one binary. `tidy` fails when a file of this folder is not declared here.

#[path = "../harness/mod.rs"]
mod harness;
mod help;
mod json;

mod readme;
mod refusals;
mod tidy;

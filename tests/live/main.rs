//! Live tests: the real Claude Code CLI (and, elsewhere, a real Docker Engine). A missing part skips its
//! tests with one line.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod gateway;

//! Tests on real parts: a container engine, its images, the agent's own CLI.
//!
//! They fail, and do not skip, where no engine answers: `scripts/test` starts one and builds the image.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::disallowed_methods)]

mod executor;

//! The journal room; being built.

pub mod log;
pub mod redact;

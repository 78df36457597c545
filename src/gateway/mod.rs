//! The gateway room; being built.

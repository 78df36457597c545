//! The agent room; being built.

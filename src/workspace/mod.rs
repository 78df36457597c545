//! The workspace room; being built.

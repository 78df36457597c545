//! The land room; being built.

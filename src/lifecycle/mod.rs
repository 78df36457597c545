//! The lifecycle room; being built.

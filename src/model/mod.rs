//! The model room; being built.

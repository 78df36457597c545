//! The cli room; being built.

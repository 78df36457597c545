//! The daemon room; being built.

//! The gate room; being built.

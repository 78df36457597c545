//! The journal room; being built.

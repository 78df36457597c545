//! The context room; being built.

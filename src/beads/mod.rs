//! The beads room; being built.

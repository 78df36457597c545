# Shorthands; the scripts are what counts and need no `just`.

_default:
    @just --list

# A small project, worked through by a scripted agent in real containers
demo:
    scripts/demo

# Everything, as CI runs it
test:
    scripts/test

# Format, lints and the tests that need no Docker
check:
    scripts/test --quick

bench *ARGS:
    scripts/bench {{ARGS}}

# Half an hour of a real night with kills (or: just soak-real MINUTES [SEED])
soak-real *ARGS:
    scripts/soak-real {{ARGS}}

# Nights without end: ten thousand deaths of the daemon at random points, and a thousand random nights
soak:
    cargo run --release --locked -- simulate --kills 10000
    cargo run --release --locked -- simulate --runs 1000

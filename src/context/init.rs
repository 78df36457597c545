//! The `bead.yaml` that `bead init` writes.
//!
//! Owns its text and comments, nothing else: where it is written is for `cli`. What it renders is read back by
//! `config::project` in a test, so the two cannot drift apart. Start with [`render`].

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::stack::{Stack, main_tests};

/// The text of a new `bead.yaml` for this branch and these stacks.
pub fn render(target: &str, stacks: &[Stack]) -> String {
    let mut text = String::from(
        "# How Beadwork works on this project. Commit this file: runs read it from the target branch.\n\n",
    );
    let _ = writeln!(text, "target: {}    # the branch that proven work lands on", quoted(target));
    text.push_str(
        "# image: worker        # what agents and gates run in: an image by name, tag or digest\n\n",
    );
    text.push_str(&gates(stacks));
    text.push_str(LIMITS);
    text
}

fn gates(stacks: &[Stack]) -> String {
    let mut text = String::from(
        "# Commands that must pass on the exact tree that would land, each in a fresh sandbox without network.\n",
    );
    if !stacks.is_empty() {
        let names: BTreeSet<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let _ = writeln!(text, "# Found here: {}.", names.join(", "));
    }
    match main_tests(stacks) {
        Some(tests) => {
            let _ = writeln!(text, "gates:\n  - name: test\n    run: {}", quoted(&tests.run));
            text.push_str("    timeout: 30m\n");
        }
        None => text.push_str(
            "# No tests were found. Without a gate nothing lands, unless you say `bead work --no-gates`.\n\
             # gates:\n#   - name: test\n#     run: make test\n#     timeout: 30m\n",
        ),
    }
    text
}

const LIMITS: &str = "
# The most a bead may use. Higher than these only if your own config.yaml allows it.
limits:
  attempts: 3        # tries, each with the findings of the one before
  run_time: 6h       # one run
  idle: 15m          # silence while no tool runs
  tool: 60m          # one tool call
  cost_usd: 5.0      # all runs for one bead

# Changes to these wait for a person. Workflows, hooks, editor and agent settings always do.
# protected: [\"deploy/**\"]
";

/// A YAML scalar: plain where that is safe, else in double quotes.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-./&".contains(c);
    let safe = !text.is_empty()
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.' || c == '/')
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_lowercase().as_str())
        && text.trim() == text;
    if safe { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests;

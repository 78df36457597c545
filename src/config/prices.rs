//! The built-in price table, dated.
//!
//! Owns figures only: how they are applied is `domain::usage`. A user's `prices` replace the whole table, so
//! that figures of two days are never mixed. Start with [`built_in`].

use crate::domain::usage::{Price, PriceTable};

/// The day the list prices were read from the catalogue inside the pinned agent CLI (2.1.329).
const AS_OF: &str = "2026-11-21";

/// US dollars for a million tokens: beginning of the model's name, input, output, cache read, five-minute
/// cache write. The longest match wins, so `claude-opus-4` stands for those without a row of their own.
const ROWS: &[(&str, f64, f64, f64, f64)] = &[
    ("claude-3-5-haiku", 0.8, 4.0, 0.08, 1.0),
    ("claude-haiku-4-5", 1.0, 5.0, 0.1, 1.25),
    // Five times its base price, which is what prompts above 100,000 tokens cost: a cap must not come late.
    ("claude-haiku-5-5", 0.5, 2.5, 0.05, 0.625),
    ("claude-3-5-sonnet", 3.0, 15.0, 0.3, 3.75),
    ("claude-3-7-sonnet", 3.0, 15.0, 0.3, 3.75),
    ("claude-sonnet-4", 3.0, 15.0, 0.3, 3.75),
    ("claude-sonnet-5", 2.0, 10.0, 0.2, 2.5),
    ("claude-sonnet-5-5", 2.0, 10.0, 0.1, 2.5),
    ("claude-opus-4", 15.0, 75.0, 1.5, 18.75),
    ("claude-opus-4-5", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-4-6", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-4-7", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-4-8", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-5", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-5-5", 4.0, 20.0, 0.2, 5.0),
    ("claude-fable-5", 10.0, 50.0, 1.0, 12.5),
    ("claude-fable-5-1", 10.0, 50.0, 0.25, 12.5),
    ("claude-fable-5-2", 8.0, 40.0, 0.2, 10.0),
    ("claude-mythos-5", 10.0, 50.0, 1.0, 12.5),
    ("claude-mythos-5-1", 10.0, 50.0, 0.25, 12.5),
    ("claude-mythos-5-2", 8.0, 40.0, 0.2, 10.0),
];

pub fn built_in() -> PriceTable {
    let row = |&(name, input, output, cache_read, cache_write): &(&str, f64, f64, f64, f64)| {
        (name.to_owned(), Price { input, output, cache_read, cache_write })
    };
    PriceTable { as_of: AS_OF.to_owned(), models: ROWS.iter().map(row).collect() }
}

#[cfg(test)]
mod tests;

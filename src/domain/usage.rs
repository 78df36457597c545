//! Tokens and money.
//!
//! Owns how usage adds up and what it costs by a dated table (rules 7: an unknown model is charged at the
//! highest price). It meters nothing itself: `gateway` does. Start with [`PriceTable::cost`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tokens of one or more model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

impl Usage {
    /// What came on top of `before`; a figure that went down counts as nothing.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            input: self.input.saturating_sub(before.input),
            output: self.output.saturating_sub(before.output),
            cache_read: self.cache_read.saturating_sub(before.cache_read),
            cache_write: self.cache_write.saturating_sub(before.cache_write),
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
    }
}

/// US dollars for a million tokens of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
}

/// List prices as of a day, by the model's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// The day the figures were read, `2026-11-21`.
    pub as_of: String,
    /// Model name to its price; the name stands for its dated and bracketed variants too.
    pub models: BTreeMap<String, Price>,
}

impl PriceTable {
    /// The price of the model; of an unknown one, the highest of each kind in the table.
    pub fn price(&self, model: &str) -> Price {
        let known =
            self.models.iter().find(|(name, _)| model.strip_prefix(name.as_str()).is_some_and(is_variant));
        if let Some((_, price)) = known {
            return *price;
        }
        let zero = Price { input: 0.0, output: 0.0, cache_read: 0.0, cache_write: 0.0 };
        self.models.values().fold(zero, |high, p| Price {
            input: high.input.max(p.input),
            output: high.output.max(p.output),
            cache_read: high.cache_read.max(p.cache_read),
            cache_write: high.cache_write.max(p.cache_write),
        })
    }

    pub fn cost(&self, model: &str, usage: Usage) -> f64 {
        let price = self.price(model);
        #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
        let million = |tokens: u64| tokens as f64 / 1_000_000.0;
        million(usage.input) * price.input
            + million(usage.output) * price.output
            + million(usage.cache_read) * price.cache_read
            + million(usage.cache_write) * price.cache_write
    }

    /// The same, where `hour_writes` of the cache writes were kept for an hour: those cost twice the input
    /// price (measured for every model in the list).
    pub fn cost_with_hour_writes(&self, model: &str, usage: Usage, hour_writes: u64) -> f64 {
        let hour_writes = hour_writes.min(usage.cache_write);
        let short = Usage { cache_write: usage.cache_write - hour_writes, ..usage };
        let long = Usage { input: hour_writes, ..Usage::default() };
        self.cost(model, short) + 2.0 * self.cost(model, long)
    }
}

/// What may follow a model's name without making it another model: nothing, a date, `-latest`, or a bracket.
fn is_variant(rest: &str) -> bool {
    let date = |d: &str| d.len() == 8 && d.bytes().all(|b| b.is_ascii_digit());
    rest.is_empty() || rest.starts_with('[') || rest == "-latest" || rest.strip_prefix('-').is_some_and(date)
}

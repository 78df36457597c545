//! Tokens and money.
//!
//! Owns how usage adds up and what it costs by a dated table (rules 7: an unknown model is charged at the
//! highest price). It meters nothing itself: `gateway` does. Start with [`PriceTable::request_cost`].

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
    /// Tokens of every kind.
    pub fn total(self) -> u64 {
        let sum = self.input.saturating_add(self.output);
        sum.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

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
    /// Model name to its price. The name stands for dated and bracketed variants too; one that ends in `-`
    /// stands for a family, and `model>100000` is its price for prompts above so many tokens.
    pub models: BTreeMap<String, Price>,
}

impl PriceTable {
    /// The price of the longest matching name; where none matches, the highest of each kind in the table.
    pub fn price(&self, model: &str) -> Price {
        self.price_above(model, 0)
    }

    fn price_above(&self, model: &str, prompt: u64) -> Price {
        let rows = self.models.iter().filter_map(|(row, price)| {
            let (name, above) = match row.split_once('>') {
                Some((name, above)) => (name, above.parse::<u64>().ok()?),
                None => (row.as_str(), 0),
            };
            let applies = names(name, model) && (above == 0 || prompt > above);
            applies.then_some(((name.len(), above), *price))
        });
        if let Some((_, price)) = rows.max_by_key(|(rank, _)| *rank) {
            return price;
        }
        let zero = Price { input: 0.0, output: 0.0, cache_read: 0.0, cache_write: 0.0 };
        self.models.values().fold(zero, |high, p| Price {
            input: high.input.max(p.input),
            output: high.output.max(p.output),
            cache_read: high.cache_read.max(p.cache_read),
            cache_write: high.cache_write.max(p.cache_write),
        })
    }

    /// The cost of tokens whose requests are not known one by one.
    pub fn cost(&self, model: &str, usage: Usage) -> f64 {
        total(self.price(model), usage)
    }

    /// The cost of one request, whose prompt may be long enough for another row. `hour_writes` of its cache
    /// writes were kept for an hour: those cost twice the input price (measured for every model in the list).
    pub fn request_cost(&self, model: &str, usage: Usage, hour_writes: u64) -> f64 {
        let prompt = usage.input.saturating_add(usage.cache_read).saturating_add(usage.cache_write);
        let price = self.price_above(model, prompt);
        let hour_writes = hour_writes.min(usage.cache_write);
        let short = Usage { cache_write: usage.cache_write - hour_writes, ..usage };
        total(price, short) + 2.0 * total(price, Usage { input: hour_writes, ..Usage::default() })
    }
}

fn total(price: Price, usage: Usage) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    let million = |tokens: u64| tokens as f64 / 1_000_000.0;
    million(usage.input) * price.input
        + million(usage.output) * price.output
        + million(usage.cache_read) * price.cache_read
        + million(usage.cache_write) * price.cache_write
}

/// A name stands for a model of exactly that name and for its variants: a date, `-latest` or a bracket may
/// follow. A name that ends in `-` stands for a whole family.
fn names(name: &str, model: &str) -> bool {
    let date = |rest: &str| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_digit());
    model.strip_prefix(name).is_some_and(|rest| {
        let variant = rest.starts_with('[') || rest == "-latest" || rest.strip_prefix('-').is_some_and(date);
        rest.is_empty() || variant || name.ends_with('-')
    })
}

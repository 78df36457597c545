//! Tokens and money of one run, from what its stream says.
//!
//! Owns the arithmetic of cumulative figures (measured): totals go on over a resumed conversation, may fall
//! after a kill, and are missing for what was not ended by a result. The gateway's own meter is the
//! authority on money; this is the second opinion. Start with [`Spent`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::agent_event::TurnEnd;
use crate::domain::usage::Usage;

const MAX_MODELS: usize = 64;

/// A conversation's cumulative figures, as its last result gave them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    pub cost_usd: f64,
    pub by_model: BTreeMap<String, Usage>,
}

/// What this run spent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spent {
    /// US dollars by the client's own estimate, of ended turns.
    pub cost_usd: f64,
    ended: BTreeMap<String, Usage>,
    /// Answers since the last result: what a kill would leave uncounted.
    open: BTreeMap<String, Usage>,
    totals: Totals,
}

impl Spent {
    pub(super) fn after(before: Totals) -> Self {
        Self { totals: before, ..Self::default() }
    }

    /// Tokens by model, of ended turns and of the open one.
    pub fn by_model(&self) -> BTreeMap<String, Usage> {
        let mut sum = self.ended.clone();
        for (model, usage) in &self.open {
            add(&mut sum, model, *usage);
        }
        sum
    }

    pub fn usage(&self) -> Usage {
        let mut sum = Usage::default();
        for usage in self.by_model().into_values() {
            sum += usage;
        }
        sum
    }

    /// Tokens of answers that no result has counted yet.
    pub fn unbilled(&self) -> &BTreeMap<String, Usage> {
        &self.open
    }

    /// What a later run of the same conversation has to start from.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(super) fn answer(&mut self, model: &str, usage: Usage) {
        add(&mut self.open, model, usage);
    }

    pub(super) fn result(&mut self, end: &TurnEnd) {
        self.open.clear();
        let before = std::mem::replace(
            &mut self.totals,
            Totals { cost_usd: end.cost_total_usd, by_model: end.by_model.clone() },
        );
        self.cost_usd += end.cost_delta_usd.unwrap_or_else(|| grown(before.cost_usd, end.cost_total_usd));
        let new = end.by_model_delta.clone().unwrap_or_else(|| {
            let of = |model: &String| before.by_model.get(model).copied().unwrap_or_default();
            end.by_model.iter().map(|(model, now)| (model.clone(), grown_usage(of(model), *now))).collect()
        });
        for (model, usage) in new {
            add(&mut self.ended, &model, usage);
        }
    }
}

fn add(sum: &mut BTreeMap<String, Usage>, model: &str, usage: Usage) {
    if sum.len() < MAX_MODELS || sum.contains_key(model) {
        *sum.entry(model.to_owned()).or_default() += usage;
    }
}

/// What a cumulative figure grew by. One that fell was started anew.
fn grown(before: f64, now: f64) -> f64 {
    if now >= before { now - before } else { now }
}

fn grown_usage(before: Usage, now: Usage) -> Usage {
    let fell = now.input < before.input
        || now.output < before.output
        || now.cache_read < before.cache_read
        || now.cache_write < before.cache_write;
    if fell { now } else { now.since(before) }
}

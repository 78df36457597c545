//! The `result` line: what the client says when a turn ends.
//!
//! Owns its reading. A result that does not say it is no error is one: a field may vanish with the next
//! version, and a success must never come of that (F19). Start with [`turn_end`].

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Object, short, status, sub, text, usage, whole};
use crate::domain::agent_event::TurnEnd;
use crate::domain::usage::Usage;

const MAX_MODELS: usize = 64;
const MAX_ERRORS: usize = 16;

pub(super) fn turn_end(object: &Object) -> TurnEnd {
    let by_model = sub(object, "modelUsage").map(usage_by_model).unwrap_or_default();
    let delta = sub(object, "model_usage_since_last_result");
    TurnEnd {
        subtype: short(object, "subtype"),
        is_error: object.get("is_error") != Some(&Value::Bool(false)),
        api_status: status(object, "api_error_status"),
        terminal_reason: text(object, "terminal_reason").map(super::shorten),
        text: text(object, "result").unwrap_or_default().to_owned(),
        errors: errors(object),
        turns: whole(object, "num_turns").unwrap_or(0),
        duration_ms: whole(object, "duration_ms").unwrap_or(0),
        cost_total_usd: money(object, "total_cost_usd"),
        cost_delta_usd: delta.map(cost_of_models),
        usage: sub(object, "usage").map(usage).unwrap_or_default(),
        by_model,
        by_model_delta: delta.map(usage_by_model),
        queued_turns: whole(object, "queued_turn_count").unwrap_or(0),
        denials: object
            .get("permission_denials")
            .and_then(Value::as_array)
            .map_or(0, |list| list.len() as u64),
        subagents: sub(object, "subagent_stats").and_then(|stats| whole(stats, "spawned")).unwrap_or(0),
        structured_output: object.get("structured_output").filter(|answer| !answer.is_null()).cloned(),
    }
}

fn errors(object: &Object) -> Vec<String> {
    let list = object.get("errors").and_then(Value::as_array);
    let words = list.into_iter().flatten().filter_map(Value::as_str);
    words.take(MAX_ERRORS).map(str::to_owned).collect()
}

fn usage_by_model(models: &Map<String, Value>) -> BTreeMap<String, Usage> {
    let named = models.iter().filter_map(|(name, figures)| figures.as_object().map(|f| (name, f)));
    let of = |figures: &Object| {
        let count = |key| whole(figures, key).unwrap_or(0);
        Usage {
            input: count("inputTokens"),
            output: count("outputTokens"),
            cache_read: count("cacheReadInputTokens"),
            cache_write: count("cacheCreationInputTokens"),
        }
    };
    named.take(MAX_MODELS).map(|(name, figures)| (super::shorten(name), of(figures))).collect()
}

fn cost_of_models(models: &Map<String, Value>) -> f64 {
    let costs = models.values().filter_map(Value::as_object).map(|figures| money(figures, "costUSD"));
    costs.fold(0.0, |sum, cost| sum + cost)
}

/// US dollars; what is no sum of money is none.
fn money(object: &Object, key: &str) -> f64 {
    let figure = object.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    if figure.is_finite() && (0.0..1e9).contains(&figure) { figure } else { 0.0 }
}

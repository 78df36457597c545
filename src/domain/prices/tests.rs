use super::*;
use crate::domain::usage::Usage;

fn cost(model: &str, input: u64, output: u64, cache_read: u64, cache_write: u64) -> f64 {
    list_prices().cost(model, Usage { input, output, cache_read, cache_write })
}

#[track_caller]
fn same(ours: f64, recorded: f64) {
    assert!((ours - recorded).abs() < 1e-9, "expected {recorded}, found {ours}");
}

/// `costUSD` of recorded results of the real CLI, with the tokens of the same line.
#[test]
fn recorded_costs_come_out_again() {
    same(cost("claude-opus-5-5", 100, 13, 0, 0), 0.00066);
    same(cost("claude-opus-5-5", 30, 125, 5000, 2000), 0.01362);
    same(cost("claude-opus-5-5", 630, 356, 5000, 2000), 0.02064);
    same(cost("claude-opus-5-5", 200_000, 40_000, 0, 0), 1.6);
    same(cost("claude-sonnet-5-5", 100, 11, 0, 0), 0.00031);
    same(cost("claude-opus-4-8[1m]", 200, 43, 0, 0), 0.002_075);
}

#[test]
fn an_hour_of_cache_costs_twice_the_input() {
    let usage = Usage { cache_write: 100_000, ..Usage::default() };
    same(list_prices().cost_with_hour_writes("claude-opus-5-5", usage, 100_000), 0.8);
    same(list_prices().cost_with_hour_writes("claude-haiku-5-5", usage, 0), 0.0125);
}

#[test]
fn t32_an_unknown_model_costs_the_highest_price() {
    for unknown in ["", "gpt-9", "claude-opus-6", "claude-opus-5-9", "claude-opus-5-5x", "CLAUDE-OPUS-5-5"] {
        same(cost(unknown, 1_000_000, 0, 0, 0), 15.0);
        same(cost(unknown, 0, 1_000_000, 0, 0), 75.0);
    }
}

#[test]
fn dates_and_variants_do_not_make_a_model_unknown() {
    for known in
        ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5[1m]", "claude-haiku-4-5-latest"]
    {
        same(cost(known, 1_000_000, 0, 0, 0), 1.0);
    }
}

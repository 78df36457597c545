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
    same(list_prices().request_cost("claude-opus-5-5", usage, 100_000), 0.8);
    same(list_prices().request_cost("claude-haiku-5-5", usage, 0), 0.0125);
    same(list_prices().request_cost("claude-haiku-5-5", usage, 100_000), 0.02);
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

#[test]
fn a_family_is_named_with_a_dash_at_its_end() {
    let table: PriceTable = serde_yaml::from_str(
        "{as_of: x, models: {claude-opus-: {input: 4, output: 20, cache_read: 1, cache_write: 5},
          claude-opus-9: {input: 3, output: 9, cache_read: 1, cache_write: 5}}}",
    )
    .unwrap();
    assert_eq!(table.price("claude-opus-8-1").output, 20.0);
    assert_eq!(table.price("claude-opus-9-20270101").output, 9.0);
    assert_eq!(table.price("claude-opus-9-5").output, 20.0);
}

/// Measured with the real CLI: one token more than 100,000 in the prompt, cached or not, makes all of it dear.
#[test]
fn a_long_prompt_may_have_its_own_price() {
    let request = |input, output, cache_read, cache_write| {
        let usage = Usage { input, output, cache_read, cache_write };
        list_prices().request_cost("claude-haiku-5-5-20260901", usage, 0)
    };
    same(request(100_000, 0, 0, 0), 0.01);
    same(request(100_001, 0, 0, 0), 0.050_000_5);
    same(request(1, 0, 100_000, 0), 0.005_000_5);
    same(request(100_001, 100_000, 0, 0), 0.300_000_5);
    same(request(0, 0, 60_000, 60_000), 0.0405);
    same(request(1, 100_000, 0, 0), 0.050_000_1);
}

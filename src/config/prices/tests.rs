use super::*;
use crate::domain::usage::Usage;

#[test]
fn costs_equal_those_the_cli_reported() {
    // Model, tokens and cost as recorded in result lines of the pinned CLI.
    let recorded = [
        ("claude-opus-5-5", [100, 13, 0, 0], 0.00066),
        ("claude-opus-5-5", [30, 125, 5000, 2000], 0.01362),
        ("claude-opus-4-8[1m]", [100, 34, 0, 0], 0.00135),
        ("claude-sonnet-5-5", [100, 11, 0, 0], 0.00031),
    ];
    for (model, [input, output, cache_read, cache_write], cost) in recorded {
        let usage = Usage { input, output, cache_read, cache_write };
        let ours = built_in().cost(model, usage);
        assert!((ours - cost).abs() < 1e-9, "{model}: {ours} instead of {cost}");
    }
}

#[test]
fn an_unknown_model_costs_the_most() {
    assert_eq!(built_in().price("gpt-9"), built_in().price("claude-opus-4-20250514"));
}

use super::*;

#[test]
fn a_scenario_reads_back_as_it_was_written() {
    for seed in 0..50 {
        let scenario = Scenario::random(seed);
        let text = scenario.to_yaml();
        assert_eq!(Scenario::parse(text.as_bytes(), "s").unwrap(), scenario, "{text}");
    }
}

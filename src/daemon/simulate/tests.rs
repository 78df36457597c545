//! Nights under test: the embedded scenarios, the same night twice, and a judge that is not blind.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::domain::event::{Body, Event};
use crate::domain::night::Queue;
use crate::journal::read::Filter;

fn night(name: &str) -> Scenario {
    embedded(name).expect("it is embedded").unwrap()
}

fn played(scenario: &Scenario) -> Report {
    play(scenario, &Manner::default()).unwrap()
}

/// The scenarios whose place in the list is `part`, counted by `parts`.
fn part(part: usize, parts: usize) {
    for (name, _) in SCENARIOS.iter().enumerate().filter(|(at, _)| at % parts == part).map(|(_, s)| s) {
        if *name != "a_full_night" {
            let report = played(&night(name));
            assert!(report.holds(), "{name}\n{}", report.story());
        }
    }
}

#[test]
fn the_scenarios_hold_first_part() {
    part(0, 4);
}

#[test]
fn the_scenarios_hold_second_part() {
    part(1, 4);
}

#[test]
fn the_scenarios_hold_third_part() {
    part(2, 4);
}

#[test]
fn the_scenarios_hold_fourth_part() {
    part(3, 4);
}

#[test]
fn every_scenario_is_embedded() {
    let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".yaml").to_owned())
        .collect();
    files.sort();
    let names: Vec<&str> = SCENARIOS.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, names);
    assert!(names.len() >= 30);
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    for name in ["f03_dies_at_points", "f11_dockerd_restarts", "f21_overloaded_for_two_hours"] {
        let mut scenario = night(name);
        scenario.beads = scenario.beads.min(8);
        let (first, second) = (played(&scenario), played(&scenario));
        assert_eq!(first.journal, second.journal, "{name}");
        assert_ne!(first.journal, played(&scenario.with_seed(77)).journal, "{name}");
    }
}

#[test]
fn the_queue_is_told_when_it_changes_and_never_by_an_idle_night() {
    let told = |scenario: &Scenario| {
        let (report, journal) = play_and_keep(scenario, &Manner::default()).unwrap();
        assert!(report.holds(), "{}", report.story());
        journal.events(0, &Filter::default(), usize::MAX).unwrap()
    };
    let queues = |events: &[Event]| -> Vec<(DateTime<Utc>, Queue)> {
        let of = |event: &Event| match event.body {
            Body::QueueChanged(queue) => Some((event.at, queue)),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    };
    let idle = told(&Scenario::parse(b"beads: 0\nhours: 10\n", "s").unwrap());
    assert_eq!(queues(&idle), []);
    assert!(idle.len() <= 2, "{idle:?}");
    let busy = told(&Scenario { expect: Vec::new(), ..night("f26_usage_limit_for_three_hours") });
    let told = queues(&busy);
    assert!(told.len() > 5, "{told:?}");
    assert!(told.iter().any(|(_, queue)| queue.held > 0), "the limit held beads back: {told:?}");
    assert_eq!(told.last().unwrap().1, Queue::default(), "the night took all: {told:?}");
    for pair in told[..told.len() - 1].windows(2) {
        assert!(pair[0].1 != pair[1].1 && pair[1].0 - pair[0].0 >= TimeDelta::minutes(5), "{pair:?}");
    }
}

#[test]
fn a_judge_that_is_not_blind() {
    // Each mitigation off, in a night that needs it.
    let busy = |name: &str| Scenario { beads: 10, ..night(name) };
    let moved = Scenario { slots: 6, ..busy("conflicts_and_moved_targets") };
    let bad = Scenario::parse(b"agents: { good: 1, hopeless: 1 }\nbeads: 6\n", "s").unwrap();
    let plain = Scenario { beads: 6, ..Scenario::default() };
    for (blind, scenario, said) in [
        (Blindness::NoCompareAndSwap, &moved, "lost"),
        (Blindness::NoGates, &bad, "without having passed"),
        (Blindness::NoRemoval, &plain, "is left"),
        (Blindness::ExtraSlot, &plain, "one too many"),
    ] {
        let report = play(scenario, &Manner { blind }).unwrap();
        let found = report.violations.iter().any(|wrong| wrong.contains(said) || wrong.contains("is not on"));
        assert!(found, "{blind:?}\n{}", report.story());
        let sound = played(scenario);
        assert!(sound.violations.is_empty(), "{blind:?} on again\n{}", sound.story());
    }
}

#[test]
fn nights_with_reviews_hold_for_several_seeds() {
    for name in ["reviews_and_blockers", "reviews_of_dying_daemons"] {
        for seed in [2, 3] {
            let report = played(&Scenario { expect: Vec::new(), ..night(name) }.with_seed(seed));
            assert!(report.holds(), "{name}, seed {seed}\n{}", report.story());
        }
    }
}

#[test]
fn a_failing_night_shrinks() {
    let scenario = Scenario { beads: 9, ..night("f10_dockerd_is_away") };
    let manner = Manner { blind: Blindness::NoRemoval };
    let report = play(&scenario, &manner).unwrap();
    let shrunk = shrink(scenario, report, &manner);
    assert!(!shrunk.report.violations.is_empty());
    assert_eq!(shrunk.scenario.beads, 1, "{}", shrunk.scenario.to_yaml());
    assert!(!shrunk.scenario.to_yaml().contains("dockerd_away"));
    let again = Scenario::parse(shrunk.scenario.to_yaml().as_bytes(), "s").unwrap();
    assert_eq!(play(&again, &manner).unwrap().journal, shrunk.report.journal);
}

#[test]
fn deaths_at_random_points() {
    let mut soak = Soak::default();
    for seed in 1..=12 {
        if let Some(failure) = soak.play(Soak::deadly(seed)).unwrap() {
            panic!("seed {seed}\n{}\n{}", failure.report.story(), failure.scenario.to_yaml());
        }
    }
    assert!(soak.deaths >= 12, "{soak:?}");
}

//! The scenarios that come with the program.
//!
//! Owns the list of `scenarios/*.yaml`; a test fails when a file of that folder is missing here. Start with
//! [`embedded`].

use super::scenario::Scenario;
use crate::config::ConfigError;

macro_rules! scenarios {
    ($($name:literal,)*) => {
        /// Name and text of every embedded scenario, by name.
        pub const SCENARIOS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../scenarios/", $name, ".yaml")))),*];
    };
}

scenarios! {
    "a_full_night",
    "a_window_of_tokens",
    "conflicts_and_moved_targets",
    "dirty_checkout",
    "f01_killed_eight_times",
    "f02_ten_kills_of_one_run",
    "f03_dies_at_points",
    "f07_stopped_in_the_middle",
    "f10_dockerd_is_away",
    "f11_dockerd_restarts",
    "f12_running_for_ever",
    "f14_output_breaks_off",
    "f15_image_is_missing",
    "f16_out_of_memory",
    "f17_agents_hang",
    "f18_never_leaves",
    "f19_odd_ends",
    "f20_throttled",
    "f21_overloaded_for_two_hours",
    "f22_server_errors",
    "f23_streams_break",
    "f24_trickle",
    "f25_credential_refused",
    "f25_credit_too_low",
    "f26_usage_limit_for_three_hours",
    "f27_reset_in_milliseconds",
    "f27_reset_in_the_past",
    "f28_gateways_go_with_the_daemon",
    "f29_f31_no_room_on_disk",
    "f38_a_lock_left_behind",
    "f39_target_deleted",
    "f39_target_rewritten",
    "f41_clock_jumps",
    "f42_daylight_saving",
    "f46_floods",
    "f47_gates_in_trouble",
    "hands_of_the_user",
    "money",
    "reviews_and_blockers",
    "reviews_of_dying_daemons",
    "three_projects",
}

/// The embedded scenario of this name.
pub fn embedded(name: &str) -> Option<Result<Scenario, ConfigError>> {
    let (name, text) = SCENARIOS.iter().find(|(known, _)| *known == name)?;
    Some(Scenario::parse(text.as_bytes(), &format!("{name}.yaml")))
}

//! How the night stands: the page that somebody half asleep looks at first.
//!
//! Owns the headline and the order: what needs a person, what runs, what it costs, what waits and why. Start with
//! [`Tonight`].

use super::action::{Action, Weight};
use super::needs::Need;
use super::timeline::Timeline;
use super::words::{Tone, When, money};
use crate::config::budgets::Cap;
use crate::domain::night::Prospect;
use crate::feed::tell::count;

#[derive(Debug, Clone, PartialEq)]
pub struct Tonight {
    pub headline: String,
    pub tone: Tone,
    /// A time the headline speaks of: the window's end, or its next opening.
    pub until: Option<(&'static str, When)>,
    pub notice: Option<String>,
    /// The night's brief.
    pub brief: Option<String>,
    /// Pause or go on.
    pub control: Option<Action>,
    pub needs: Vec<Need>,
    pub running: Vec<Running>,
    pub slots: u32,
    pub waiting: Vec<Waiting>,
    /// Beads that are ready, by project, where the night does not look at them yet.
    pub ready: Vec<(String, usize)>,
    /// More wait than are listed.
    pub more_waiting: usize,
    pub tally: Vec<(&'static str, u32, Tone)>,
    pub meters: Vec<Meter>,
    pub forecast: Option<String>,
    pub timeline: Timeline,
    pub troubles: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub bead: String,
    pub title: String,
    pub project: String,
    pub link: String,
    pub run: Option<String>,
    pub phase: String,
    pub attempt: u32,
    pub since: When,
    pub cost: String,
    /// What its agent said or did last.
    pub words: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub bead: String,
    pub title: String,
    pub project: String,
    pub link: String,
    pub suspended: bool,
    /// A whole sentence's second half.
    pub reason: String,
}

/// Money or tokens against their cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    pub name: &'static str,
    pub words: String,
    /// Thousandths of the cap; none without a cap.
    pub share: Option<u32>,
    pub tone: Tone,
}

impl Meter {
    pub fn of(name: &'static str, usd: f64, cap: Cap) -> Self {
        let Some(most) = cap.usd.filter(|most| *most > 0.0) else {
            return Self { name, words: format!("{}, no cap", money(usd)), share: None, tone: Tone::Plain };
        };
        let thousandths = (usd / most * 1000.0).clamp(0.0, 1000.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..1000")]
        let share = thousandths.round() as u32;
        let tone = if share >= 900 { Tone::Ask } else { Tone::Plain };
        Self { name, words: format!("{} of {}", money(usd), money(most)), share: Some(share), tone }
    }
}

/// One sentence for the state of a night, by its word in the status.
/// `next`: another window is to come.
pub fn headline(state: &str, running: usize, waiting: usize, next: bool) -> (String, Tone) {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match (state, running, waiting) {
        ("stopped", ..) => ("Nothing more is started".to_owned(), Tone::Bad),
        ("paused", 0, _) => ("Paused".to_owned(), Tone::Rest),
        ("paused", ..) => (format!("Paused, {} still running", running), Tone::Rest),
        (_, 1.., _) => (format!("Working on {}", count(number(running), "bead")), Tone::Live),
        ("open", 0, 0) => ("All quiet: nothing is left to do".to_owned(), Tone::Good),
        ("open", ..) => (format!("Open, {} waiting", count(number(waiting), "bead")), Tone::Plain),
        ("waiting", ..) if !next => ("Resting: nothing is started by itself".to_owned(), Tone::Rest),
        ("waiting", ..) => ("Resting until the next window".to_owned(), Tone::Rest),
        _ => ("Starting".to_owned(), Tone::Plain),
    }
}

/// What nights like this one brought.
pub fn forecast(prospect: &Prospect) -> String {
    let expected = &prospect.forecast;
    let ground = match expected.history {
        0 => "assumed: there is no history yet".to_owned(),
        n => format!("from {}", count(n, "past bead")),
    };
    format!(
        "Every second night like this lands {} or more for {}; nine of ten land at least {} and cost at most {} ({ground}).",
        expected.landed.0,
        money(expected.usd.0),
        expected.landed.1,
        money(expected.usd.1),
    )
}

/// Pausing what is open, going on where it was paused.
pub fn control(state: &str) -> Option<Action> {
    let action = |label: &'static str, body, done| Action {
        label,
        name: label.to_owned(),
        post: "/api/night".to_owned(),
        body,
        weight: Weight::Plain,
        field: None,
        confirm: None,
        done,
    };
    match state {
        "paused" => Some(action("Go on", "{\"paused\":false}".into(), "The night goes on.")),
        "open" | "waiting" => Some(action(
            "Pause the night",
            "{\"paused\":true}".into(),
            "Nothing new is started until you go on.",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

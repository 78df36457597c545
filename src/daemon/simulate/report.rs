//! What a simulated night came to, for people and for programs.
//!
//! Owns the figures, the check's verdict and the comparison with what the scenario expects. Start with
//! [`Report`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::world::World;
use crate::clock::Clock as _;
use crate::daemon::error::EngineError;
use crate::domain::bead::Status;
use crate::domain::event::Body;
use crate::domain::ids::short_hash;
use crate::journal::read::Filter;
use crate::lifecycle::{Phase, Story};

/// One night.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub about: String,
    pub seed: u64,
    /// Beads by how they stand: outcomes, `suspended`, `open`.
    pub beads: BTreeMap<String, u64>,
    /// Everything an expectation may be about.
    pub figures: BTreeMap<String, u64>,
    pub cost_usd: f64,
    /// Hours that agents worked.
    pub busy_hours: f64,
    pub most_at_once: usize,
    /// From the first to the last moment of the virtual clock.
    pub virtual_hours: f64,
    pub events: usize,
    /// A hash over all events: equal for equal nights.
    pub journal: String,
    /// Points at which the daemon could have died.
    pub points: u64,
    /// What went wrong on purpose, and when.
    pub struck: Vec<String>,
    pub violations: Vec<String>,
    pub unmet: Vec<String>,
}

impl Report {
    pub(super) fn of(world: &World, stories: &[Story], violations: Vec<String>) -> Result<Self, EngineError> {
        let events = world.journal.events(0, &Filter::default(), usize::MAX)?;
        let mut text = String::new();
        let (mut busy, mut attempts, mut notices) = (0.0, 0, 0);
        for event in &events {
            match &event.body {
                Body::AgentEnded(end) => busy += end.seconds,
                Body::AttemptStarted { .. } => attempts += 1,
                Body::Notice { .. } => notices += 1,
                _ => {}
            }
            let line = serde_json::to_string(event).unwrap_or_default();
            // Its temporary folder is the one thing of a night that has no seed.
            text.push_str(&line.replace(&*world.places.state().to_string_lossy(), "STATE"));
            text.push('\n');
        }
        let beads = beads(world, stories);
        let (requests, refused) = world.upstream.requests();
        let crashes = world.seen(|seen| seen.crashes);
        let beside = stories.iter().filter(|s| s.finish.branch.is_some()).count() as u64;
        let burst = world.upstream.worst_burst(Duration::from_secs(60)) as u64;
        let mut figures = beads.clone();
        let others = [
            ("claims", stories.len() as u64),
            ("attempts", attempts),
            ("crashes", crashes),
            ("requests", requests),
            ("refused", refused),
            ("burst", burst),
            ("notices", notices),
            ("beside", beside),
        ];
        figures.extend(others.map(|(name, n)| (name.to_owned(), n)));
        let unmet = world.scenario.expect.iter().filter_map(|e| {
            let found = figures.get(&e.of).copied().unwrap_or_default();
            (!e.bound.holds(found)).then(|| format!("{}: expected {}, found {found}", e.of, e.bound))
        });
        Ok(Self {
            about: world.scenario.about.clone(),
            seed: world.seed(),
            unmet: unmet.collect(),
            beads,
            figures,
            cost_usd: stories.iter().map(|s| s.cost_usd).sum(),
            busy_hours: busy / 3600.0,
            most_at_once: world.seen(|seen| seen.most_at_once),
            virtual_hours: world.clock.elapsed().as_secs_f64() / 3600.0,
            events: events.len(),
            journal: short_hash(&text),
            points: world.seen(|seen| seen.points),
            struck: world.seen(|seen| seen.struck.clone()),
            violations,
        })
    }

    /// The checker found nothing, and what was expected came.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.unmet.is_empty()
    }

    /// The story for a person.
    pub fn story(&self) -> String {
        let mut out = String::new();
        let title = if self.about.is_empty() { String::new() } else { format!(": {}", self.about) };
        let _ = writeln!(out, "seed {}{title}", self.seed);
        let all: u64 = self.beads.values().sum();
        let parts: Vec<String> =
            self.beads.iter().map(|(name, n)| format!("{n} {}", name.replace('_', " "))).collect();
        let _ = writeln!(out, "  {all} beads: {}", parts.join(", "));
        let _ = writeln!(
            out,
            "  {:.1} h of the clock, {:.1} h of agents (at most {} at once), ${:.2}, {} attempts, {} events",
            self.virtual_hours,
            self.busy_hours,
            self.most_at_once,
            self.cost_usd,
            self.figures.get("attempts").copied().unwrap_or_default(),
            self.events
        );
        if !self.struck.is_empty() {
            let _ = writeln!(out, "  went wrong: {}", self.struck.join(", "));
        }
        for wrong in &self.violations {
            let _ = writeln!(out, "  violation: {wrong}");
        }
        for unmet in &self.unmet {
            let _ = writeln!(out, "  not as expected: {unmet}");
        }
        let _ = writeln!(out, "  {}", if self.holds() { "all right" } else { "WRONG" });
        out
    }
}

/// Beads by how their last story left them.
fn beads(world: &World, stories: &[Story]) -> BTreeMap<String, u64> {
    let mut beads: BTreeMap<String, u64> = BTreeMap::new();
    for project in &world.projects {
        for bead in project.tracker.all() {
            let last = stories.iter().rev().find(|s| s.project == project.id && s.bead == bead.id);
            let name = match last {
                Some(Story { phase: Phase::Suspended { .. }, .. }) => "suspended",
                Some(story) if !story.is_open() => story.finish.outcome.as_str(),
                Some(_) => "unfinished",
                None if bead.status == Status::Open => "open",
                None => "by_hand",
            };
            *beads.entry(name.to_owned()).or_default() += 1;
        }
    }
    beads
}

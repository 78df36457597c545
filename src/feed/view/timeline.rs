//! The runs of a night on a line each, drawn to scale.
//!
//! Owns the scale and which bar goes where, in percent of the width; a page draws it with SVG, without a style. Start
//! with [`Timeline::of`].

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::place;
use super::words::{Tone, When, moment, money, spaced, span};
use crate::domain::clean::clean_line;
use crate::journal::read::RunRow;

/// A page shows so many beads; the rest is in the history.
const MOST_LANES: usize = 40;
/// Nothing is narrower, so that a short run can be seen.
const NARROWEST: f64 = 0.7;

#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    pub lanes: Vec<Lane>,
    /// Whole hours.
    pub ticks: Vec<Tick>,
    /// The same in words, for those who see no picture.
    pub words: String,
}

/// One bead's runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub bead: String,
    pub link: String,
    pub bars: Vec<Bar>,
}

/// Percent of the width.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub x: String,
    pub width: String,
    pub tone: Tone,
    pub kind: String,
    pub link: String,
    /// What it was, in words.
    pub title: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub x: String,
    pub when: When,
    /// `03:00`
    pub label: String,
}

impl Timeline {
    /// Of runs that touch the stretch of time, in the order in which their beads began.
    pub fn of(rows: &[RunRow], from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let length = (to - from).max(Duration::minutes(10));
        let scale = Scale { from, length };
        let mut lanes: BTreeMap<(String, String), (DateTime<Utc>, Lane)> = BTreeMap::new();
        for row in rows {
            let (Some(project), Some(bead)) = (&row.project, &row.bead) else { continue };
            let Some(began) = moment(&row.started) else { continue };
            // Of a run whose process died nobody knows how long it went on.
            let open = if row.state == "interrupted" { began } else { to };
            let ended = row.ended.as_deref().and_then(moment).unwrap_or(open);
            if ended < from || began > from + length {
                continue;
            }
            let fresh =
                || Lane { bead: clean_line(bead), link: place::bead(project, bead), bars: Vec::new() };
            let lane = lanes.entry((project.clone(), bead.clone())).or_insert_with(|| (began, fresh()));
            lane.0 = lane.0.min(began);
            lane.1.bars.push(scale.bar(project, row, began, ended));
        }
        let mut lanes: Vec<_> = lanes.into_values().collect();
        lanes.sort_by_key(|(began, _)| *began);
        let beads = lanes.len();
        let words = format!("{beads} beads worked on between {} and {}", short(from), short(from + length));
        let lanes = lanes.into_iter().map(|(_, lane)| lane).take(MOST_LANES).collect();
        Self { lanes, ticks: scale.ticks(), words }
    }
}

struct Scale {
    from: DateTime<Utc>,
    length: Duration,
}

impl Scale {
    fn percent(&self, at: DateTime<Utc>) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a night has few seconds")]
        let share = (at - self.from).num_seconds() as f64 / self.length.num_seconds().max(1) as f64;
        (share * 100.0).clamp(0.0, 100.0)
    }

    fn bar(&self, project: &str, row: &RunRow, began: DateTime<Utc>, ended: DateTime<Utc>) -> Bar {
        let width = (self.percent(ended) - self.percent(began)).max(NARROWEST);
        let x = self.percent(began).min(100.0 - width);
        let tone = Tone::of(&row.state);
        let cause = row.cause.as_deref().map(|c| format!(" ({})", spaced(c))).unwrap_or_default();
        let (kind, state, cost) = (&row.kind, spaced(&row.state), money(row.cost_usd));
        let title = match state.as_str() {
            "interrupted" => format!("{kind} {state}{cause}, {cost}"),
            _ => format!("{kind} {state}{cause}, {}, {cost}", span(began, ended)),
        };
        Bar {
            x: format!("{x:.2}%"),
            width: format!("{width:.2}%"),
            tone,
            kind: row.kind.clone(),
            link: place::run(project, &row.run),
            title,
        }
    }

    /// At most seven whole hours.
    fn ticks(&self) -> Vec<Tick> {
        let hours = self.length.num_hours().max(1);
        let step = (hours / 6).max(1) * 3600;
        let first = self.from.timestamp().div_euclid(3600) * 3600 + 3600;
        let times = (0..).map(|n| first + n * step).map_while(|at| DateTime::from_timestamp(at, 0));
        let inside = times.take_while(|at| *at < self.from + self.length).take(7);
        // A label at the very edge would be cut off.
        let kept = inside.filter(|at| (4.0..=94.0).contains(&self.percent(*at)));
        kept.map(|at| Tick { x: format!("{:.2}%", self.percent(at)), when: When::of(at), label: short(at) })
            .collect()
    }
}

fn short(at: DateTime<Utc>) -> String {
    at.format("%H:%M").to_string()
}

#[cfg(test)]
mod tests;

//! Samples and what is said of them: minimum, median, maximum, and the ratio of two medians.
//!
//! Owns the arithmetic and the goal. It prints nothing by itself. Start with [`Samples`] and [`Pair`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A median of ours may be at most so much of the raw one.
pub(crate) const GOAL: f64 = 1.10;

/// Seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        match (sorted.get(low), sorted.get(high)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => f64::NAN,
        }
    }

    pub(crate) fn row(&self, name: &str) -> String {
        let sorted = self.sorted();
        let (min, max) = (sorted.first().unwrap_or(&f64::NAN), sorted.last().unwrap_or(&f64::NAN));
        format!("  {name:<34} {:8.3} {:8.3} {:8.3}", min, self.median(), max)
    }

    fn json(&self) -> Value {
        let sorted = self.sorted();
        json!({"min": sorted.first(), "median": self.median(), "max": sorted.last(), "all": self.0})
    }
}

/// `bead` and the raw containers, measured in turns.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    pub bead: Samples,
    pub raw: Samples,
}

impl Pair {
    pub(crate) fn ratio(&self) -> f64 {
        self.bead.median() / self.raw.median()
    }

    /// Each run against its neighbour: a machine that grows slower in between does not count.
    pub(crate) fn paired(&self) -> Samples {
        Samples(self.bead.0.iter().zip(&self.raw.0).map(|(bead, raw)| bead / raw).collect())
    }

    pub(crate) fn lines(&self, what: &str) -> Vec<String> {
        let verdict = if self.ratio() <= GOAL { "within" } else { "OVER" };
        vec![
            format!("{what:<36} {:>8} {:>8} {:>8}", "min", "median", "max"),
            self.bead.row("bead work (s)"),
            self.raw.row("raw API calls (s)"),
            self.paired().row("ratio, pair by pair"),
            format!("  ratio of medians {:.3}: {verdict} the goal of {GOAL:.2}", self.ratio()),
        ]
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "bead": self.bead.json(),
            "raw": self.raw.json(),
            "paired_ratio": self.paired().json(),
            "ratio": self.ratio(),
            "goal": GOAL,
        })
    }
}

/// Time between one event and the next, by the order in which the steps first came.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    order: Vec<String>,
    samples: BTreeMap<String, Samples>,
}

impl Steps {
    pub(crate) fn add(&mut self, step: &str, seconds: f64) {
        if !self.samples.contains_key(step) {
            self.order.push(step.to_owned());
        }
        self.samples.entry(step.to_owned()).or_default().add(seconds);
    }

    /// Steps that take less than this are told together.
    const SHORT: f64 = 0.005;

    pub(crate) fn lines(&self) -> Vec<String> {
        let long = |step: &&String| self.samples[*step].median() >= Self::SHORT;
        let mut lines: Vec<String> =
            self.order.iter().filter(long).map(|step| self.samples[step].row(step)).collect();
        let short: Vec<f64> =
            self.order.iter().filter(|step| !long(step)).map(|step| self.samples[step].median()).collect();
        if !short.is_empty() {
            let name = format!("{} shorter steps, in all", short.len());
            lines.push(format!("  {name:<34} {:17.3}", short.iter().sum::<f64>()));
        }
        lines
    }

    pub(crate) fn json(&self) -> Value {
        self.order.iter().map(|step| json!({"step": step, "seconds": self.samples[step].json()})).collect()
    }
}

//! A scenario as YAML, so that a failing night can be kept and played again.
//!
//! Owns the text that [`Scenario::parse`] reads back to the same scenario. Start with [`Scenario::to_yaml`].

use std::fmt::Write as _;

use super::{Scenario, spell};

impl Scenario {
    /// Reads back as the same scenario.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line(format!("about: {}", serde_json::Value::from(self.about.as_str())));
        line(format!("seed: {}", self.seed));
        line(format!("start: {}", self.start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
        line(format!("hours: {}", self.length.as_secs() / 3600));
        line(format!("slots: {}\nprojects: {}\nbeads: {}", self.slots, self.projects, self.beads));
        if self.edges > 0.0 {
            line(format!("edges: {}", self.edges));
        }
        let agents = self.agents.iter().map(|(nature, weight)| format!("{}: {weight}", nature.name()));
        line(format!("agents: {{ {} }}", agents.collect::<Vec<_>>().join(", ")));
        let gates = [("flaky", self.gate_flaky), ("out_of_memory", self.gate_out_of_memory)];
        let gates =
            gates.iter().filter(|(_, share)| *share > 0.0).map(|(key, share)| format!("{key}: {share}"));
        line(format!("gates: {{ {} }}", gates.collect::<Vec<_>>().join(", ")));
        line(format!("allowance: {}", self.allowance));
        for (key, text) in [("config", &self.config), ("project", &self.project)] {
            line(format!("{key}: {}", serde_json::Value::from(text.as_str())));
        }
        if !self.faults.is_empty() {
            line("faults:".to_owned());
        }
        for timed in &self.faults {
            let fault = timed.fault;
            let mut text = format!("  - {{ at: {}, fault: {}", spell(timed.at), fault.kind.name());
            let _ = write!(text, ", for: {}", spell(fault.lasts));
            match fault.by {
                0 => {}
                by if by < 0 => {
                    let span = std::time::Duration::from_secs(by.unsigned_abs());
                    let _ = write!(text, ", by: -{}", spell(span));
                }
                by => {
                    let _ = write!(text, ", by: {by}");
                }
            }
            line(format!("{text} }}"));
        }
        if !self.dies_at.is_empty() {
            let points: Vec<String> = self.dies_at.iter().map(ToString::to_string).collect();
            line(format!("dies_at: \"{}\"", points.join(" ")));
        }
        if !self.expect.is_empty() {
            line("expect:".to_owned());
        }
        for expectation in &self.expect {
            line(format!("  {}: {}", expectation.of, expectation.bound));
        }
        out
    }
}

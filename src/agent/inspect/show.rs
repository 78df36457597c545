//! A report for people: clean, and never wider than a terminal.
//!
//! Owns the layout alone; lines that say nothing are left out. Start with [`render`].

use std::fmt::Display;

use chrono::DateTime;

use super::Report;
use crate::domain::agent_event::RateLimit;
use crate::domain::clean::ellipsis;

const COLUMNS: usize = 80;
const LABEL: usize = 12;

/// One fact a line, at most 80 columns wide.
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    page.line("outcome", &report.outcome);
    page.wrapped("reason", &report.reason);
    page.line("session", report.session.as_deref().unwrap_or_default());
    page.line("model", report.model.as_deref().unwrap_or_default());
    page.line("version", report.version.as_deref().unwrap_or_default());
    page.line(
        "stream",
        format!(
            "{}, {}, {}",
            count(report.lines, "line"),
            count(report.results, "result"),
            count(report.turns, "turn")
        ),
    );
    for (model, usage) in &report.tokens {
        let name = if model.is_empty() { "unknown model" } else { model };
        let cached = format!("cached {} read, {} written", usage.cache_read, usage.cache_write);
        page.line("tokens", format!("{name}: {} in, {} out, {cached}", usage.input, usage.output));
    }
    page.line("cost", format!("${:.4} by the client's estimate", report.cost_usd));
    for retried in &report.retries {
        let status = retried.status.map_or("no answer".to_owned(), |status| status.to_string());
        page.line("retries", format!("{} x {} ({status})", retried.times, retried.error));
    }
    for fallback in &report.fallbacks {
        page.line("fallback", fallback);
    }
    if let Some(limit) = &report.rate_limit {
        page.line("limit", limit_line(limit));
    }
    page.line("resets", report.resets_at.map(moment).unwrap_or_default());
    let tools: Vec<String> = report.tools.iter().map(|(name, calls)| format!("{name} {calls}")).collect();
    page.wrapped("tools", &tools.join(", "));
    for (label, figure) in [
        ("failed calls", report.tool_failures),
        ("denied", report.denials),
        ("subagents", report.subagents),
        ("unreadable", report.unreadable),
    ] {
        page.line(label, if figure > 0 { figure.to_string() } else { String::new() });
    }
    for bad in &report.unreadable_lines {
        page.line("", format!("line {}: {}", bad.line, bad.reason));
    }
    page.wrapped("last words", &report.said);
    page.text
}

fn limit_line(limit: &RateLimit) -> String {
    let mut words = vec![limit.status.clone()];
    words.extend(limit.limit.clone());
    words.extend(limit.utilization.map(|share| format!("{:.0}% used", share * 100.0)));
    words.extend(limit.resets_at.map(|at| format!("resets {}", moment(at))));
    words.join(", ")
}

/// Unix seconds as a date; an absurd figure as it is.
fn moment(at: i64) -> String {
    DateTime::from_timestamp(at, 0)
        .map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

fn count(figure: u64, word: &str) -> String {
    if figure == 1 { format!("1 {word}") } else { format!("{figure} {word}s") }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// One line; nothing where there is nothing to say.
    fn line(&mut self, label: &str, value: impl Display) {
        let value = ellipsis(&value.to_string(), COLUMNS - LABEL - 1);
        if !value.is_empty() {
            self.put(label, &value);
        }
    }

    /// Up to four lines, broken between words.
    fn wrapped(&mut self, label: &str, value: &str) {
        let room = COLUMNS - LABEL - 1;
        let value = ellipsis(value, 4 * room - 40);
        let mut row = String::new();
        let mut label = label;
        for word in value.split(' ') {
            let word = ellipsis(word, room);
            let wider = unicode_width::UnicodeWidthStr::width(row.as_str())
                + unicode_width::UnicodeWidthStr::width(word.as_str())
                + 1;
            if !row.is_empty() && wider > room {
                self.put(label, &row);
                label = "";
                row.clear();
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(&word);
        }
        if !row.is_empty() {
            self.put(label, &row);
        }
    }

    fn put(&mut self, label: &str, value: &str) {
        self.text.push_str(&format!("{label:<LABEL$} {value}\n"));
    }
}

//! Runs over the night, a row for each bead.
//!
//! Owns the rows and how a run's end is marked: a colour and a sign. Start with [`draw`].

use std::collections::BTreeMap;

use super::{Axis, GREY, Markup, TOP, frame, label, number};
use crate::domain::clean::ellipsis;
use crate::feed::brief::{Bar, Brief};

const ROW: f64 = 18.0;
const LEFT: f64 = 120.0;
/// More rows are counted, not drawn.
const MOST_ROWS: usize = 60;
/// So much of a bead's name fits beside its row.
const COLUMNS: usize = 17;

/// How an end looks: its colour and, after the bar, its sign.
fn look(state: &str) -> (&'static str, &'static str) {
    match state {
        "completed" => ("#2e9d62", ""),
        "failed" => ("#d1454b", "x"),
        "timeout" => ("#c2571a", "t"),
        "suspended" => ("#b08a1e", "s"),
        "cancelled" => (GREY, "c"),
        "interrupted" => (GREY, "i"),
        _ => ("#3b82c4", ">"),
    }
}

pub(super) fn draw(brief: &Brief, title: &str) -> String {
    let mut rows: Vec<Vec<&Bar>> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for bar in &brief.series.runs {
        let place = *places.entry((&bar.project, &bar.bead)).or_insert(rows.len());
        if place == rows.len() {
            rows.push(Vec::new());
        }
        rows[place].push(bar);
    }
    let hidden = rows.len().saturating_sub(MOST_ROWS);
    let about = format!(
        "{} runs of {} beads; a sign behind a bar: x failed, t timed out, s suspended, c cancelled, i cut off, > still running",
        brief.series.runs.len(),
        rows.len()
    );
    rows.truncate(MOST_ROWS);
    #[expect(clippy::cast_precision_loss, reason = "at most sixty rows")]
    let floor = TOP + ROW * rows.len() as f64 + 2.0;
    let height = floor + 24.0 + if hidden > 0 { 30.0 } else { 16.0 };
    let mut out = frame("runs", title, &about, height);
    let time = Axis { left: LEFT, ..Axis::new(brief) };
    time.draw(&mut out, floor);
    let mut y = TOP;
    for row in rows {
        let bead = row.first().map_or("", |bar| bar.bead.as_str());
        // Marks that take no column of their own would pile up over the other rows.
        let name: String = ellipsis(bead, COLUMNS).chars().take(2 * COLUMNS).collect();
        label(&mut out, LEFT - 6.0, y + 12.0, "end", &name);
        for bar in row {
            draw_bar(&mut out, &time, bar, y);
        }
        y += ROW;
    }
    let legend = "x failed, t timed out, s suspended, c cancelled, i cut off, > still running";
    label(&mut out, LEFT, floor + 35.0, "start", legend);
    if hidden > 0 {
        label(&mut out, LEFT, floor + 49.0, "start", &format!("{hidden} more beads are not drawn"));
    }
    out.finish()
}

fn draw_bar(out: &mut Markup, time: &Axis, bar: &Bar, y: f64) {
    let (colour, sign) = look(&bar.state);
    let (from, to) = (time.x(bar.from), time.x(bar.to.unwrap_or(time.to)));
    // Work is a whole bar; gates and reviews are thinner ones on it.
    let (top, thick) = if bar.kind == "work" { (y + 2.0, 12.0) } else { (y + 5.0, 6.0) };
    let shape = [
        ("x", number(from)),
        ("y", number(top)),
        ("width", number((to - from).max(1.0))),
        ("height", number(thick)),
    ];
    let shape: Vec<(&str, &str)> = shape.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let opacity = if bar.kind == "work" { "0.85" } else { "1" };
    let class = format!("brief-run brief-run-{}", bar.state);
    let more = [("fill", colour), ("fill-opacity", opacity), ("stroke", "#ffffff"), ("stroke-width", "0.5")];
    out.tag("rect", &[&shape[..], &more[..], &[("class", &class)]].concat());
    let local = |at| time.zone.local(at).format("%H:%M").to_string();
    let end = bar.to.map_or_else(|| "now".to_owned(), local);
    let text =
        format!("{}: {} run {}, {} to {end}, {}", bar.bead, bar.kind, bar.run, local(bar.from), bar.state);
    out.leaf("title", &[], &text).end();
    if !sign.is_empty() && bar.kind == "work" {
        label(out, to + 2.0, y + 12.0, "start", sign);
    }
}

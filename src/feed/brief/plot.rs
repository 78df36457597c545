//! The night in pictures: slots, money, queue, landings and runs over time, as SVG.
//!
//! Owns the drawing. The palette is fixed and reads on white and on black; nothing is said by colour alone; the
//! same brief gives the same bytes. There is no script and no style in them. Start with [`plots`].

mod timeline;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};

use super::markup::Markup;
use super::{Brief, Step};
use crate::config::zone::Zone;

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// `slots`, `spend`, `queue`, `landed`, `runs`.
    pub name: &'static str,
    pub title: String,
    pub svg: String,
}

const WIDTH: f64 = 640.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 24.0;
const HEIGHT: f64 = 150.0;
/// Axes and words: between the inks of dark and light pages.
const GREY: &str = "#7d8590";
const LINE: &str = "#3b82c4";
const CAP: &str = "#c2571a";
/// No curve needs more points than there are columns.
const MOST_POINTS: usize = 1200;

/// All pictures that this brief has something for.
pub fn plots(brief: &Brief) -> Vec<Plot> {
    let series = &brief.series;
    let mut all = Vec::new();
    let mut add = |curve: Curve<'_>| {
        if curve.steps.len() > 1 || curve.cap.is_some() {
            let Curve { name, title, .. } = curve;
            all.push(Plot { name, title: title.to_owned(), svg: curve.draw(brief) });
        }
    };
    let slots = series.slots_most.map(|n| (f64::from(n), "slots"));
    let curve = |name, title, steps| Curve { name, title, steps, ..Curve::default() };
    add(Curve { cap: slots, ..curve("slots", "Beads under work at once", &series.slots) });
    let spend = series.spend_cap.map(|usd| (usd, "cap"));
    add(Curve { cap: spend, money: true, ..curve("spend", "US dollars spent", &series.spend) });
    let held = series.queue_held.iter().any(|step| step.value > 0.0);
    let title =
        if held { "Beads in the queue; dotted: held back by more than slots" } else { "Beads in the queue" };
    let part = if held { &series.queue_held[..] } else { &[] };
    add(Curve { part, ..curve("queue", title, &series.queue) });
    let landed = series.landed_expected.map(|n| (f64::from(n), "forecast"));
    add(Curve { cap: landed, ..curve("landed", "Beads landed", &series.landed) });
    if !series.runs.is_empty() {
        let title = "Runs by bead";
        all.push(Plot { name: "runs", title: title.to_owned(), svg: timeline::draw(brief, title) });
    }
    all
}

/// Values from each moment on.
#[derive(Default)]
struct Curve<'a> {
    name: &'static str,
    title: &'a str,
    steps: &'a [Step],
    /// A second line below the first, dotted.
    part: &'a [Step],
    cap: Option<(f64, &'a str)>,
    money: bool,
}

impl Curve<'_> {
    fn draw(&self, brief: &Brief) -> String {
        let last = self.steps.last().map_or(0.0, |step| step.value);
        let highest = self.steps.iter().map(|step| step.value).fold(0.0, f64::max);
        let most = highest.max(self.cap.map_or(0.0, |(cap, _)| cap)).max(if self.money { 0.01 } else { 1.0 });
        let shown = |value: f64| if self.money { format!("${value:.2}") } else { format!("{value:.0}") };
        let cap = self.cap.map(|(cap, word)| format!("; {word}: {}", shown(cap))).unwrap_or_default();
        let about = format!("at most {}, at the end {}{cap}", shown(highest), shown(last));
        let mut out = frame(self.name, self.title, &about, HEIGHT);
        let time = Axis::new(brief);
        let floor = HEIGHT - BOTTOM;
        let y = |value: f64| floor - (value / most).clamp(0.0, 1.0) * (floor - TOP);
        time.draw(&mut out, floor);
        // Beside the axis there is room for six letters.
        let round = self.money && most >= 100.0;
        let mark = |value: f64| if round { format!("${value:.0}") } else { shown(value) };
        label(&mut out, LEFT - 4.0, y(most) + 4.0, "end", &mark(most));
        label(&mut out, LEFT - 4.0, floor, "end", &mark(0.0));
        if let Some((cap, word)) = self.cap {
            let at = number(y(cap));
            let (from, to) = (number(LEFT), number(WIDTH - RIGHT));
            let line = [("x1", &*from), ("x2", &*to), ("y1", &*at), ("y2", &*at)];
            let look = [("stroke", CAP), ("stroke-dasharray", "5 4"), ("class", "brief-plot-cap")];
            out.lone("line", &[&line[..], &look[..]].concat());
            label(&mut out, WIDTH - RIGHT, y(cap) - 3.0, "end", word);
        }
        let whole = path(&time, self.steps, y);
        let look = [("d", &*whole), ("fill", "none"), ("stroke", LINE), ("stroke-width", "2")];
        out.lone("path", &[&look[..], &[("class", "brief-plot-line")]].concat());
        if !self.part.is_empty() {
            let path = path(&time, self.part, y);
            let look = [("d", &*path), ("fill", "none"), ("stroke", CAP), ("stroke-width", "1.5")];
            out.lone(
                "path",
                &[&look[..], &[("stroke-dasharray", "2 3"), ("class", "brief-plot-part")]].concat(),
            );
        }
        out.finish()
    }
}

/// Steps as a line from the night's beginning to its end.
fn path(time: &Axis, steps: &[Step], y: impl Fn(f64) -> f64) -> String {
    let first = steps.first().filter(|step| step.at <= time.from).map_or(0.0, |step| step.value);
    let mut path = format!("M{} {}", number(time.x(time.from)), number(y(first)));
    let skip = steps.len().div_ceil(MOST_POINTS).max(1);
    let ends = steps.len().saturating_sub(1);
    let points = steps.iter().enumerate().filter(|(at, _)| at % skip == 0 || *at == ends);
    for (_, step) in points {
        path.push_str(&format!("H{}V{}", number(time.x(step.at)), number(y(step.value))));
    }
    path.push_str(&format!("H{}", number(time.x(time.to))));
    path
}

/// The picture's frame with its words for those who do not see it.
fn frame(name: &str, title: &str, about: &str, height: f64) -> Markup {
    let mut out = Markup::default();
    let (view, id, ids) = (
        format!("0 0 {WIDTH:.0} {height:.0}"),
        format!("brief-{name}"),
        format!("brief-{name}-title brief-{name}-desc"),
    );
    out.tag(
        "svg",
        &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", &view),
            ("width", "640"),
            ("height", &format!("{height:.0}")),
            ("role", "img"),
            ("aria-labelledby", &ids),
            ("class", "brief-svg"),
            ("font-family", "system-ui, sans-serif"),
            ("font-size", "11"),
        ],
    );
    out.leaf("title", &[("id", &format!("{id}-title"))], title);
    out.leaf("desc", &[("id", &format!("{id}-desc"))], about);
    out
}

/// The axis of time.
struct Axis {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    left: f64,
    zone: Zone,
}

impl Axis {
    fn new(brief: &Brief) -> Self {
        let from = brief.night.opened;
        let to = brief.night.to.max(from + TimeDelta::minutes(1));
        Self { from, to, left: LEFT, zone: Zone::parse(&brief.night.zone).unwrap_or(Zone::UTC) }
    }

    fn x(&self, at: DateTime<Utc>) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a night")]
        let part =
            (at - self.from).num_milliseconds() as f64 / (self.to - self.from).num_milliseconds() as f64;
        self.left + part.clamp(0.0, 1.0) * (WIDTH - RIGHT - self.left)
    }

    /// The line, and the hours of the clock on the wall.
    fn draw(&self, out: &mut Markup, floor: f64) {
        let (y, from, to) = (number(floor), number(self.left), number(WIDTH - RIGHT));
        out.lone("line", &[("x1", &from), ("x2", &to), ("y1", &y), ("y2", &y), ("stroke", GREY)]);
        let hours = (self.to - self.from).num_hours();
        let every = [1, 2, 3, 6, 12, 24].into_iter().find(|every| hours / every <= 9).unwrap_or(48);
        let mut at = self.from;
        // To the next full hour on the wall; zones with half hours have theirs.
        let past = self.zone.local(at);
        at += TimeDelta::seconds((3600 - i64::from(past.num_seconds_from_midnight() % 3600)) % 3600);
        let mut drawn = 0;
        while at <= self.to && drawn < 24 {
            let local = self.zone.local(at);
            if i64::from(local.hour()) % every.min(24) == 0 {
                // Half of what strikes at the end would stand beyond the edge.
                let x = self.x(at).min(WIDTH - 18.0);
                label(out, x, floor + 14.0, "middle", &local.format("%H:%M").to_string());
                drawn += 1;
            }
            at += TimeDelta::hours(1);
        }
        if drawn == 0 {
            label(
                out,
                self.left,
                floor + 14.0,
                "start",
                &self.zone.local(self.from).format("%H:%M").to_string(),
            );
            let end = self.zone.local(self.to).format("%H:%M").to_string();
            label(out, WIDTH - RIGHT, floor + 14.0, "end", &end);
        }
    }
}

fn label(out: &mut Markup, x: f64, y: f64, anchor: &str, text: &str) {
    out.leaf("text", &[("x", &number(x)), ("y", &number(y)), ("text-anchor", anchor), ("fill", GREY)], text);
}

fn number(n: f64) -> String {
    format!("{n:.1}")
}

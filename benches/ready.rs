//! How long it takes to decide what is ready among 100,000 beads.
//!
//! Owns one made-up tracker: half of the beads wait for the other half, one in ten is a child, one in fifty
//! waits for children. It prints the time to load the file, to build the graph, and to decide; the goal for
//! the decision is 10 ms with the store loaded. Start with [`main`].
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use beadwork::beads::Snapshot;
use beadwork::beads::ready::{Graph, Rules};

const BEADS: usize = 100_000;
const ROUNDS: usize = 21;
const GOAL: Duration = Duration::from_millis(10);

fn main() {
    let text = tracker();
    println!("{BEADS} beads, {:.1} MB", text.len() as f64 / 1e6);
    let (load, snapshot) = median(5, || Snapshot::read(text.clone().into_bytes()));
    assert!(snapshot.problems.is_empty() && snapshot.beads.len() == BEADS, "the made-up tracker is readable");
    println!("load      {:8.2} ms", ms(load));
    let (build, graph) = median(5, || Graph::new(&snapshot.beads));
    println!("graph     {:8.2} ms", ms(build));
    let now = "2026-03-01T12:00:00Z".parse().expect("a fixed moment");
    for rules in [Rules::B, Rules::Classic] {
        let (decide, ready) = median(ROUNDS, || graph.ready(rules, now));
        let verdict = if decide <= GOAL { "within" } else { "OVER" };
        println!(
            "decide    {:8.2} ms  ({rules:?}, {} ready; {verdict} the goal of 10 ms)",
            ms(decide),
            ready.len()
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The median time of several runs, and the last result.
fn median<T>(rounds: usize, mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut times = Vec::with_capacity(rounds);
    loop {
        let start = Instant::now();
        let out = work();
        times.push(start.elapsed());
        if times.len() == rounds {
            times.sort_unstable();
            return (times[rounds / 2], out);
        }
    }
}

fn tracker() -> String {
    let mut text = String::new();
    for at in 0..BEADS {
        // Spread over priorities, and created in another order than they stand in the file.
        let (priority, minute) = (at % 5, (at * 7_919) % 40_000);
        let mut edges = Vec::new();
        if at % 2 == 1 {
            edges.push(edge(at, at - 1, "blocks", ""));
        }
        if at % 10 == 4 {
            edges.push(edge(at, at - 4, "parent-child", ""));
        }
        if at % 50 == 8 {
            edges.push(edge(at, at - 8, "waits-for", r#","metadata":"{\"gate\":\"all-children\"}""#));
        }
        let (day, hour, minute) = (1 + minute / 1_440, minute / 60 % 24, minute % 60);
        write!(
            text,
            r#"{{"id":"orc-{at:06}","title":"Bead number {at}","description":"What is to be done, in a sentence or two of ordinary length so that the file has ordinary lines.","status":"open","priority":{priority},"issue_type":"task","created_at":"2026-01-{day:02}T{hour:02}:{minute:02}:00Z","created_by":"bench","updated_at":"2026-02-01T00:00:00Z""#
        )
        .expect("writing to a String cannot fail");
        if !edges.is_empty() {
            write!(text, ",\"dependencies\":[{}]", edges.join(",")).expect("writing to a String cannot fail");
        }
        text.push_str("}\n");
    }
    text
}

fn edge(from: usize, to: usize, kind: &str, more: &str) -> String {
    format!(
        r#"{{"issue_id":"orc-{from:06}","depends_on_id":"orc-{to:06}","type":"{kind}","created_at":"2026-01-01T00:00:00Z","created_by":"bench"{more}}}"#
    )
}

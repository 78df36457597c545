//! Plots: the same every time, well-formed, and nothing in them that acts.

use super::super::*;
use super::{simulated, told};

pub(super) fn at(minutes: i64) -> chrono::DateTime<chrono::Utc> {
    let start: chrono::DateTime<chrono::Utc> = "2026-11-21T21:10:00Z".parse().unwrap();
    start + chrono::TimeDelta::minutes(minutes)
}

pub(super) fn bar(bead: &str, kind: &str, from: i64, to: Option<i64>, state: &str) -> Bar {
    Bar {
        run: "r00000000000001".into(),
        project: "p".into(),
        bead: bead.into(),
        kind: kind.into(),
        from: at(from),
        to: to.map(at),
        state: state.into(),
    }
}

pub(super) fn small() -> Brief {
    let step = |minutes, value| Step { at: at(minutes), value };
    Brief {
        night: Night {
            id: "2026-11-21".into(),
            state: NightState::Over,
            opened: at(0),
            until: None,
            to: at(200),
            why: None,
            zone: "Europe/Berlin".into(),
            first: 1,
            last: 9,
        },
        headline: Line { text: "a night".into(), seqs: vec![1] },
        tally: Tally::default(),
        sections: vec![],
        money: Money::default(),
        series: Series {
            slots: vec![step(0, 0.0), step(5, 1.0), step(60, 2.0), step(180, 0.0)],
            slots_most: Some(3),
            spend: vec![step(0, 0.0), step(60, 0.4), step(180, 1.25)],
            spend_cap: Some(2.0),
            queue: vec![step(0, 4.0), step(6, 3.0), step(61, 2.0), step(180, 1.0)],
            queue_held: vec![step(0, 0.0), step(6, 1.0), step(61, 0.0), step(180, 0.0)],
            landed: vec![step(0, 0.0), step(180, 1.0)],
            landed_expected: Some(2),
            runs: vec![
                bar("t-1", "work", 5, Some(90), "completed"),
                bar("t-1", "gate", 90, Some(100), "failed"),
                bar("<t&2>", "work", 60, None, "running"),
            ],
        },
        base: None,
    }
}

#[test]
fn a_small_night_looks_like_this() {
    let drawn: Vec<String> =
        plots(&small()).into_iter().map(|p| format!("{}: {}\n{}", p.name, p.title, p.svg)).collect();
    insta::assert_snapshot!(drawn.join("\n"));
}

#[test]
fn plots_are_well_formed_and_do_nothing() {
    let (journal, events) = simulated("three_projects");
    for brief in [small(), told(&journal, &events, &Which::Last)] {
        let all = plots(&brief);
        assert_eq!(
            all.iter().map(|p| p.name).collect::<Vec<_>>(),
            ["slots", "spend", "queue", "landed", "runs"]
        );
        for plot in all {
            assert_eq!(balance(&plot.svg), 0, "{}", plot.svg);
            for bad in ["<script", "style=", "onload", "href", "NaN", "inf", "<t&2>"] {
                assert!(!plot.svg.contains(bad), "{bad}: {}", plot.svg);
            }
            assert!(plot.svg.contains("<title id=") && plot.svg.contains("<desc id="));
            assert!(plot.svg.len() < 300_000, "{}: {} bytes", plot.name, plot.svg.len());
        }
    }
}

/// Opened minus closed tags.
fn balance(svg: &str) -> i64 {
    let tags = svg.split('<').skip(1);
    tags.fold(0, |open, tag| {
        let head = tag.split('>').next().unwrap();
        open + if head.starts_with('/') { -1 } else { i64::from(!head.ends_with('/')) }
    })
}

#[test]
fn a_night_without_anything_draws_nothing() {
    let mut brief = small();
    brief.series = Series::default();
    assert!(plots(&brief).is_empty());
    assert!(html(&brief).contains("a night"));
}

#[test]
fn words_stay_within_their_picture() {
    let mut brief = small();
    // An hour that strikes at the very end, and more money than fits with its cents.
    brief.night.to = at(230);
    brief.series.spend_cap = Some(100.0);
    for plot in plots(&brief) {
        for text in plot.svg.split("<text ").skip(1) {
            let (head, text) = text.split_once('>').unwrap();
            let text = text.split('<').next().unwrap().replace("&gt;", ">");
            let part =
                |name: &str| head.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap();
            // As wide as a letter of the font that mails are drawn with.
            let (x, wide) = (part("x").parse::<f64>().unwrap(), 6.63 * text.chars().count() as f64);
            let left = match part("text-anchor") {
                "start" => x,
                "middle" => x - wide / 2.0,
                _ => x - wide,
            };
            assert!(left >= 0.0 && left + wide <= 640.0, "{}: {text:?} from {left} on", plot.name);
        }
    }
}

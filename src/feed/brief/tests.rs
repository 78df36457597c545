use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use super::*;
use crate::config::zone::Zone;
use crate::daemon::simulate::{Manner, Scenario, embedded, play_and_keep};
use crate::domain::event::{Body, Event};
use crate::journal::Journal;
use crate::journal::read::Filter;

mod hand;
mod painted;
mod pictures;

fn zone() -> Zone {
    Zone::parse("Europe/Berlin").unwrap()
}

/// A night of everything: landings, parked, failed and suspended beads, deaths of the daemon.
fn simulated(name: &str) -> (Arc<Journal>, Vec<Event>) {
    type Played = BTreeMap<String, (Arc<Journal>, Vec<Event>)>;
    static PLAYED: Mutex<Played> = Mutex::new(BTreeMap::new());
    let mut played = PLAYED.lock().unwrap();
    played.entry(name.to_owned()).or_insert_with(|| play(name)).clone()
}

fn play(name: &str) -> (Arc<Journal>, Vec<Event>) {
    let scenario: Scenario = embedded(name).unwrap().unwrap();
    let (_, journal) = play_and_keep(&scenario, &Manner::default()).unwrap();
    let events = journal.events(0, &Filter::default(), usize::MAX).unwrap();
    (journal, events)
}

fn told(journal: &Journal, events: &[Event], which: &Which) -> Brief {
    let now = events.last().unwrap().at + TimeDelta::minutes(1);
    of(journal, which, now, zone()).unwrap().unwrap()
}

/// What is wrong with a brief, measured against the journal itself.
fn wrongs(brief: &Brief, events: &[Event]) -> Vec<String> {
    let mut wrong = Vec::new();
    let by_seq: BTreeMap<u64, &Event> = events.iter().map(|event| (event.seq, event)).collect();
    for line in brief.lines() {
        // Of an empty journal nothing can be said but that.
        if line.seqs.is_empty() && brief.night.last > 0 {
            wrong.push(format!("rests on nothing: {}", line.text));
        }
        for seq in line.seqs.iter().filter(|seq| !by_seq.contains_key(seq)) {
            wrong.push(format!("rests on {seq}, which is no event: {}", line.text));
        }
        if line.text.chars().any(char::is_control) || line.text.ends_with('.') {
            wrong.push(format!("is no plain sentence: {:?}", line.text));
        }
    }
    for item in brief.sections.iter().flat_map(|section| &section.items) {
        let Some(bead) = &item.bead else { continue };
        let lines = std::iter::once(&item.line).chain(&item.more).chain(&item.settled);
        for seq in lines.flat_map(|line| &line.seqs) {
            let Some(event) = by_seq.get(seq) else { continue };
            let made = item.facts.on.as_deref();
            let its =
                event.bead.as_ref().is_some_and(|id| id.as_str() == bead.id || Some(id.as_str()) == made)
                    && event.project.as_ref().is_some_and(|id| id.as_str() == bead.project);
            let names = matches!(&event.body, Body::NightEnded { left, .. } if left.iter().any(|l| l.bead.as_str() == bead.id));
            if !its && !names {
                wrong.push(format!("{} rests on {seq}, which is another's", bead.id));
            }
        }
    }
    let within = |event: &&Event| (brief.night.first..=brief.night.last).contains(&event.seq);
    let story = [Kind::NeedsYou, Kind::Landed, Kind::Failed, Kind::Cancelled, Kind::Blocked];
    for event in events.iter().filter(within) {
        if !matches!(event.body, Body::Finished(_)) {
            continue;
        }
        let items = brief.sections.iter().filter(|s| story.contains(&s.kind)).flat_map(|s| &s.items);
        let times = items.filter(|item| item.line.seqs.contains(&event.seq)).count();
        if times != 1 {
            wrong.push(format!("the story that ended at {} is told {times} times", event.seq));
        }
    }
    let spent: f64 = events.iter().filter(within).filter_map(sums::bill).sum();
    if (spent - brief.money.usd).abs() > 1e-9 {
        wrong.push(format!("spent {spent}, told {}", brief.money.usd));
    }
    let parts: f64 = brief.money.projects.iter().map(|project| project.usd).sum();
    if (parts - brief.money.usd).abs() > 1e-6 {
        wrong.push(format!("projects spent {parts}, all of it is {}", brief.money.usd));
    }
    let landed = events
        .iter()
        .filter(within)
        .filter(|e| matches!(&e.body, Body::Finished(f) if f.outcome == crate::domain::run::Outcome::Landed));
    if landed.count() != usize::try_from(brief.tally.landed).unwrap() {
        wrong.push(format!("the tally has {} landed", brief.tally.landed));
    }
    wrong
}

#[test]
fn every_sentence_of_simulated_nights_rests_on_their_events() {
    for name in [
        "hands_of_the_user",
        "money",
        "f26_usage_limit_for_three_hours",
        "f07_stopped_in_the_middle",
        "three_projects",
        "f15_image_is_missing",
    ] {
        let (journal, events) = simulated(name);
        for night in nights(&journal, events.last().unwrap().at).unwrap() {
            let brief = told(&journal, &events, &Which::Named(night.id.clone()));
            let wrong = wrongs(&brief, &events);
            assert!(wrong.is_empty(), "{name} {}: {wrong:#?}", night.id);
            assert!(brief.section(Kind::Forecast).is_some(), "{name}: no forecast was journalled");
        }
        let day = told(&journal, &events, &Which::Named(DAY.to_owned()));
        assert_eq!(day.night.state, NightState::Day);
        let wrong = wrongs(&day, &events);
        assert!(wrong.is_empty(), "{name} day: {wrong:#?}");
    }
}

#[test]
fn the_walk_notices_what_is_wrong() {
    let (journal, events) = simulated("three_projects");
    let brief = told(&journal, &events, &Which::Last);
    let break_it = |change: &dyn Fn(&mut Brief)| {
        let mut broken = brief.clone();
        change(&mut broken);
        assert!(!wrongs(&broken, &events).is_empty());
    };
    break_it(&|b| b.headline.seqs.clear());
    break_it(&|b| b.headline.seqs.push(1_000_000));
    break_it(&|b| b.money.usd += 0.01);
    break_it(&|b| b.tally.landed += 1);
    break_it(&|b| drop(b.sections.iter_mut().find(|s| s.kind == Kind::Landed).unwrap().items.pop()));
    break_it(&|b| {
        let landed = b.sections.iter_mut().find(|s| s.kind == Kind::Landed).unwrap();
        let twice = landed.items[0].clone();
        landed.items.push(twice);
    });
    break_it(&|b| {
        let landed = b.sections.iter_mut().find(|s| s.kind == Kind::Landed).unwrap();
        let other = landed.items[1].line.clone();
        landed.items[0].more.push(other);
    });
}

#[test]
fn the_same_journal_tells_the_same_story() {
    let (journal, events) = simulated("three_projects");
    let (a, b) = (told(&journal, &events, &Which::Last), told(&journal, &events, &Which::Last));
    assert_eq!(a, b);
    assert_eq!(html(&a), html(&b));
    let back: Brief = serde_json::from_str(&serde_json::to_string(&a).unwrap()).unwrap();
    assert_eq!(back, a);
}

#[test]
fn a_night_is_told_while_it_goes_on() {
    let (journal, events) = simulated("three_projects");
    let opened = events.iter().find(|e| matches!(e.body, Body::NightOpened { .. })).unwrap();
    let middle = events.len() / 2;
    let mut material = material(&journal, &Which::Last, events[middle].at, zone()).unwrap().unwrap();
    material.events.retain(|event| event.seq <= events[middle].seq);
    material.night.state = NightState::SoFar;
    material.night.to = events[middle].at;
    material.night.last = events[middle].seq;
    let brief = assemble(&material);
    assert!(brief.tally.running > 0, "{:?}", brief.tally);
    assert!(brief.headline.text.contains("so far"), "{}", brief.headline.text);
    assert!(brief.headline.seqs.contains(&opened.seq));
    assert!(wrongs(&brief, &events).is_empty());
    assert!(brief.section(Kind::NotStarted).is_none());
}

#[test]
fn a_run_that_nobody_saw_end_does_not_go_on_after_its_claim() {
    let (journal, events) = simulated("three_projects");
    let mut material = material(&journal, &Which::Last, events.last().unwrap().at, zone()).unwrap().unwrap();
    let seen = |event: &Event| matches!(event.body, Body::AgentEnded(_)).then(|| event.run.clone())?;
    let run = material.events.iter().find_map(seen).unwrap();
    let unseen = |event: &Event| {
        event.run.as_ref() == Some(&run) && matches!(event.body, Body::AgentEnded(_) | Body::RunEnded { .. })
    };
    material.events.retain(|event| !unseen(event));
    let brief = assemble(&material);
    let bars: Vec<&Bar> = brief.series.runs.iter().filter(|bar| bar.run == run.as_str()).collect();
    assert!(bars.iter().all(|bar| bar.to.is_some() && bar.state == "interrupted"), "{bars:?}");
    let over = material.events.iter().filter(|event| matches!(event.body, Body::Finished(_)));
    let bead = &bars[0].bead;
    let of_bead = |event: &&Event| event.bead.as_ref().is_some_and(|id| id.as_str() == bead);
    assert!(over.filter(of_bead).any(|event| Some(event.at) == bars[0].to));
}

#[test]
fn text_fits_any_terminal() {
    use unicode_width::UnicodeWidthStr as _;
    let (journal, events) = simulated("three_projects");
    let brief = told(&journal, &events, &Which::Last);
    for width in [24, 40, 80, 200] {
        for (ink, line) in text(&brief, width) {
            let long_word = line.split_whitespace().any(|word| word.width() + 8 > width);
            assert!(line.width() <= width || ink == Ink::Command || long_word, "{width}: {line:?}");
        }
    }
}

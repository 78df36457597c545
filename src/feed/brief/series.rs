//! What the plots of a night are drawn from.
//!
//! Owns how events become steps and bars. Start with [`series`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::chapter::Chapter;
use super::sums;
use super::{Bar, Material, Money, Series, Step};
use crate::domain::event::{Body, Event};
use crate::domain::night::Queue;
use crate::domain::run::RunKind;

pub(super) fn series(material: &Material, chapters: &[Chapter<'_>], money: &Money) -> Series {
    let expected = sums::prospect(material).map(|(_, prospect)| prospect);
    let opened = material.night.opened;
    let mut spent = 0.0;
    let bills = material.events.iter().filter_map(|event| sums::bill(event).map(|usd| (event.at, usd)));
    let bills = bills.map(|(at, usd)| {
        spent += usd;
        Step { at, value: spent }
    });
    let landed = material.events.iter().filter(|e| matches!(e.body, Body::Landed { .. }));
    let landed = landed.zip(1_u32..).map(|(event, n)| Step { at: event.at, value: f64::from(n) });
    let zero = || std::iter::once(Step { at: opened, value: 0.0 });
    let queue = queue(material);
    let steps = |value: fn(&Queue) -> u32| {
        queue.iter().map(|(at, queue)| Step { at: *at, value: f64::from(value(queue)) }).collect()
    };
    Series {
        slots: slots(material, chapters),
        slots_most: expected.map(|p| p.slots),
        spend: zero().chain(bills).collect(),
        spend_cap: money.cap,
        queue: steps(|queue| queue.ready.saturating_add(queue.held)),
        queue_held: steps(|queue| queue.held),
        landed: zero().chain(landed).collect(),
        landed_expected: expected.map(|p| p.forecast.landed.0),
        runs: runs(&material.events),
    }
}

/// How long the queue was: as expected at first, then as it was told.
fn queue(material: &Material) -> Vec<(DateTime<Utc>, Queue)> {
    let told = material.events.iter().filter_map(|event| match &event.body {
        Body::NightOpened { prospect: Some(prospect), .. } => {
            Some((event.at, Queue { ready: prospect.queue, held: 0 }))
        }
        Body::QueueChanged(queue) => Some((event.at, *queue)),
        _ => None,
    });
    told.collect()
}

/// How many beads were under work at once.
fn slots(material: &Material, chapters: &[Chapter<'_>]) -> Vec<Step> {
    let opened = material.night.opened;
    let mut changes: Vec<(DateTime<Utc>, i32)> = Vec::new();
    for chapter in chapters {
        let mut busy = false;
        for event in &chapter.events {
            let now = match &event.body {
                Body::Claiming { .. } | Body::Resumed { .. } => true,
                Body::Suspended { .. } | Body::Finished(_) | Body::ClaimLost { .. } => false,
                _ => continue,
            };
            if now != busy {
                busy = now;
                changes.push((event.at.max(opened), if now { 1 } else { -1 }));
            }
        }
    }
    changes.sort_by_key(|(at, _)| *at);
    let mut steps = vec![Step { at: opened, value: 0.0 }];
    let mut now = 0;
    for (at, by) in changes {
        now += by;
        match steps.last_mut().filter(|step| step.at == at) {
            Some(step) => step.value = f64::from(now),
            None => steps.push(Step { at, value: f64::from(now) }),
        }
    }
    steps
}

/// Runs by their beginning; one that goes on after a suspension has a bar for each stretch.
fn runs(events: &[Event]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    // Each with whether it belongs to a claim.
    let mut open: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for event in events {
        if matches!(event.body, Body::Finished(_)) {
            cut_off(&mut bars, &mut open, event);
        }
        let (Some(run), Some(project), Some(bead)) = (&event.run, &event.project, &event.bead) else {
            continue;
        };
        let begins = match &event.body {
            Body::RunStarted { kind, outside, .. } => Some((*kind, outside.is_none())),
            Body::AgentStarting { .. } => Some((RunKind::Work, true)),
            _ => None,
        };
        if let Some((kind, claimed)) = begins {
            if let std::collections::btree_map::Entry::Vacant(place) = open.entry(run.as_str()) {
                place.insert((bars.len(), claimed));
                bars.push(Bar {
                    run: run.to_string(),
                    project: project.to_string(),
                    bead: super::line(bead.as_str()),
                    kind: kind.as_str().to_owned(),
                    from: event.at,
                    to: None,
                    state: "running".to_owned(),
                });
            }
            continue;
        }
        let state = match &event.body {
            Body::AgentEnded(end) => end.ending.run_state().as_str(),
            Body::RunEnded { state, .. } => state.as_str(),
            _ => continue,
        };
        if let Some((at, _)) = open.remove(run.as_str()) {
            bars[at].to = Some(event.at);
            state.clone_into(&mut bars[at].state);
        }
    }
    bars
}

/// A claim that is over has no run that goes on: what nobody saw end was cut off before.
fn cut_off(bars: &mut [Bar], open: &mut BTreeMap<&str, (usize, bool)>, over: &Event) {
    let (Some(project), Some(bead)) = (&over.project, &over.bead) else { return };
    let bead = super::line(bead.as_str());
    open.retain(|_, (at, claimed)| {
        let bar = &mut bars[*at];
        let its = *claimed && bar.project == project.as_str() && bar.bead == bead;
        if its {
            bar.to = Some(over.at);
            "interrupted".clone_into(&mut bar.state);
        }
        !its
    });
}

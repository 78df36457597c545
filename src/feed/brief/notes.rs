//! What is not about one claim's end: beads from findings, pushes, troubles, what had no turn, the forecast.
//!
//! Owns those sentences and how they are grouped, so that a night with a thousand notices stays readable. Start
//! with `Teller::troubles`.

use std::collections::BTreeMap;

use super::assemble::Teller;
use super::{Item, Line, Tally, needs, sums};
use crate::domain::event::{Body, Event};
use crate::domain::verdict::Filed;
use crate::feed::tell;

/// More of one kind are counted, not listed.
const LISTED: usize = 50;

impl Teller<'_> {
    /// Beads that findings made, and the events of those that wait for approval.
    pub(super) fn findings(&self) -> (Vec<Item>, Vec<u64>) {
        let (mut items, mut proposed) = (Vec::new(), Vec::new());
        for event in &self.material.events {
            let Body::FindingsFiled { filed, left_out } = &event.body else { continue };
            for one in filed.iter().filter(|one| one.created) {
                let item = self.finding(event, one);
                if one.proposed && item.settled.is_none() {
                    proposed.push(event.seq);
                }
                items.push(item);
            }
            if *left_out > 0 {
                let text = format!("{} left out", tell::count(*left_out, "more finding"));
                items.push(self.of_event(event, text));
            }
        }
        (items, proposed)
    }

    fn finding(&self, event: &Event, filed: &Filed) -> Item {
        let id = filed.bead.as_ref().map(|id| super::line(id.as_str())).unwrap_or_default();
        let how = if filed.proposed { "is proposed" } else { "was added" };
        let mut item = self.of_event(event, format!("{id} {how}: {}", super::line(&filed.title)));
        let named = event.project.as_ref().filter(|project| self.is_named(project));
        let name = named.map(|project| self.name(project));
        item.facts.on = Some(id.clone()).filter(|id| !id.is_empty());
        let made = event.project.as_ref().zip(filed.bead.as_ref()).filter(|_| filed.proposed);
        item.settled = made.and_then(|made| self.settled(made, event.seq));
        item.action = made
            .filter(|_| item.settled.is_none() && !id.is_empty())
            .map(|_| needs::open_proposed(&id, name.as_deref()));
        item
    }

    /// Branches of remotes whose last push failed.
    pub(super) fn unsent(&self) -> Vec<Item> {
        let mut last: BTreeMap<(String, &str, &str), &Event> = BTreeMap::new();
        for event in &self.material.events {
            if let Body::Pushed { remote, branch, .. } | Body::PushFailed { remote, branch, .. } = &event.body
            {
                let project = event.project.as_ref().map(ToString::to_string).unwrap_or_default();
                last.insert((project, remote, branch), event);
            }
        }
        let failed = last.into_values().filter(|event| matches!(event.body, Body::PushFailed { .. }));
        let mut failed: Vec<&Event> = failed.collect();
        failed.sort_by_key(|event| event.seq);
        failed.into_iter().map(|event| self.of_event(event, tell::sentence(&event.body))).collect()
    }

    /// Deaths, notices and stops, the same ones counted.
    pub(super) fn troubles(&self) -> Vec<Item> {
        let mut groups: Vec<(String, Vec<&Event>)> = Vec::new();
        let mut places = BTreeMap::new();
        for event in &self.material.events {
            let text = match &event.body {
                Body::NightStopped { why, .. } => format!("nothing more was started: {}", super::line(why)),
                Body::Recovered { .. } => "its process died and another took over".to_owned(),
                Body::Notice { text } => super::line(text),
                Body::GatesBroken { reason } => format!("a gate could not run: {}", super::line(reason)),
                _ => continue,
            };
            let place =
                *places.entry((&event.project, &event.bead, text)).or_insert_with_key(|(_, _, text)| {
                    groups.push((text.clone(), Vec::new()));
                    groups.len() - 1
                });
            groups[place].1.push(event);
        }
        let more: Vec<u64> = groups.iter().skip(LISTED).flat_map(|(_, e)| e.iter().map(|e| e.seq)).collect();
        let listed = groups.iter().take(LISTED).map(|(text, events)| {
            let text =
                if events.len() > 1 { format!("{text} ({} times)", events.len()) } else { text.clone() };
            let mut item = self.of_event(events[0], text);
            item.line = Line::new(item.line.text, events.iter().map(|event| event.seq).collect());
            item
        });
        let mut items: Vec<Item> = listed.collect();
        if !more.is_empty() {
            items.push(Item::told(Line::new(
                format!("and {} more; `bead events` has them", more.len()),
                more,
            )));
        }
        items
    }

    /// Beads that had no turn.
    pub(super) fn not_started(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for event in &self.material.events {
            let Body::NightEnded { left, left_out, .. } = &event.body else { continue };
            for one in left.iter().take(LISTED) {
                let bead = self.bead(&one.project, &one.bead, &one.title);
                let line = Line::new(format!("waits: {}", super::line(&one.reason)), vec![event.seq]);
                items.push(Item { bead: Some(bead), ..Item::told(line) });
            }
            let more = left.len().saturating_sub(LISTED);
            let more = u32::try_from(more).unwrap_or(u32::MAX).saturating_add(*left_out);
            if more > 0 {
                let text = format!("{} had no turn", tell::count(more, "more bead"));
                items.push(Item::told(Line::new(text, vec![event.seq])));
            }
        }
        items
    }

    /// What was expected, and what came.
    pub(super) fn forecast(&self, tally: &Tally, usd: f64, ended: &[u64]) -> Vec<Item> {
        let Some((seq, prospect)) = sums::prospect(self.material) else { return Vec::new() };
        let expected = &prospect.forecast;
        let so_far = if self.is_over() { "" } else { " so far" };
        let with = |seqs: &[u64]| seqs.iter().copied().chain([seq]).collect::<Vec<_>>();
        let landed = format!(
            "landed {}{so_far}; {} or more were expected in half of such nights, {} or more in nine of ten",
            tally.landed, expected.landed.0, expected.landed.1
        );
        let spent = format!(
            "spent ${usd:.2}{so_far}; expected ${:.2}, in nine of ten at most ${:.2}",
            expected.usd.0, expected.usd.1
        );
        let over = format!(
            "{}; expected to be over by {}, in nine of ten by {}",
            if self.is_over() {
                format!("over at {}", self.clock(self.night().to))
            } else {
                "not over yet".to_owned()
            },
            self.clock(expected.ends.0),
            self.clock(expected.ends.1)
        );
        let basis = match expected.history {
            0 => "no history yet: the forecast assumed small changes of 8 min to 2 h".to_owned(),
            n => format!("the forecast rests on {}", tell::count(n, "past bead")),
        };
        let start = format!(
            "{} could be started, {} at once; {basis}",
            tell::count(prospect.queue, "bead"),
            prospect.slots
        );
        let bills: Vec<u64> =
            self.material.events.iter().filter(|e| sums::bill(e).is_some()).map(|e| e.seq).collect();
        let last: Vec<u64> = if self.is_over() { vec![self.night().last] } else { Vec::new() };
        [(landed, with(ended)), (spent, with(&bills)), (over, with(&last)), (start, vec![seq])]
            .map(|(text, seqs)| Item::told(Line::new(text, seqs)))
            .into()
    }

    /// An entry about one event, and its bead where it has one.
    fn of_event(&self, event: &Event, text: String) -> Item {
        let bead = event.project.as_ref().zip(event.bead.as_ref());
        let bead = bead.map(|(project, id)| self.bead(project, id, &self.title(project, id)));
        Item { bead, ..Item::told(Line::new(super::line(&text), vec![event.seq])) }
    }
}

//! A night's brief as a page: the same sentences, with buttons where a route does what is to be done.
//!
//! Owns what of a [`Brief`] a page shows. The sentences are `feed::brief`'s and stand in the journal. Start with
//! [`BriefPage`].

use super::action::{Action, On};
use super::place;
use super::words::When;
use crate::domain::clean::ellipsis;
use crate::feed::brief::{Act, BeadRef, Brief, Item};

#[derive(Debug, Clone, PartialEq)]
pub struct BriefPage {
    pub night: String,
    pub headline: String,
    pub opened: When,
    pub to: When,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub title: &'static str,
    /// Its items are beads, and worth a number.
    pub counted: bool,
    pub items: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub bead: Option<Bead>,
    pub line: String,
    pub more: Vec<String>,
    pub settled: Option<String>,
    pub actions: Vec<Action>,
    /// What is done by hand.
    pub command: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bead {
    pub id: String,
    pub title: String,
    pub project: String,
    pub link: String,
}

/// Columns of a sentence.
const WIDE: usize = 1200;

impl BriefPage {
    /// `shown` tells which commit of a bead an approval would be for.
    pub fn of(brief: &Brief, shown: &dyn Fn(&BeadRef) -> Option<String>) -> Self {
        let section = |section: &crate::feed::brief::Section| Section {
            title: section.kind.title(),
            counted: section.items.iter().any(|item| item.bead.is_some()),
            items: section.items.iter().map(|item| entry(item, shown)).collect(),
        };
        Self {
            night: ellipsis(&brief.night.id, 60),
            headline: ellipsis(&brief.headline.text, WIDE),
            opened: When::of(brief.night.opened),
            to: When::of(brief.night.to),
            sections: brief.sections.iter().map(section).collect(),
        }
    }
}

fn entry(item: &Item, shown: &dyn Fn(&BeadRef) -> Option<String>) -> Entry {
    let line = |line: &crate::feed::brief::Line| ellipsis(&line.text, WIDE);
    let bead = item.bead.as_ref().map(|bead| Bead {
        id: ellipsis(&bead.id, 80),
        title: ellipsis(&bead.title, 200),
        project: ellipsis(&bead.project_name, 60),
        link: place::bead(&bead.project, &bead.id),
    });
    let asked = item.action.as_ref().zip(item.bead.as_ref()).filter(|_| item.settled.is_none());
    let actions = asked.map_or_else(Vec::new, |(action, bead)| {
        // What a finding made is answered for itself, not for the bead it was found in, and has no work to be shown.
        let made = item.facts.on.as_deref();
        let tip = if action.kind == Act::Approve && made.is_none() { shown(bead) } else { None };
        let on = On { tip: tip.as_deref(), ..On::of(&bead.project, made.unwrap_or(&bead.id)) };
        match action.kind {
            Act::Approve => vec![on.approve("Approve")],
            Act::Answer => vec![on.answer()],
            Act::Retry => vec![on.retry()],
            Act::ByHand | Act::Look => Vec::new(),
        }
    });
    let by_hand = item.action.as_ref().filter(|_| actions.is_empty() && item.settled.is_none());
    Entry {
        bead,
        line: line(&item.line),
        more: item.more.iter().map(line).collect(),
        settled: item.settled.as_ref().map(line),
        command: by_hand.map(|action| ellipsis(&action.command, WIDE)),
        actions,
    }
}

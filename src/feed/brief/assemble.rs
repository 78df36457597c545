//! A brief from its material: pure, so that the same journal always tells the same story.
//!
//! Owns which sections there are, their order, the tally and the headline. Every claim of the night stands in
//! exactly one of landed, needs you, failed, cancelled, blocked, suspended, under way. Start with [`assemble`].

use chrono::{DateTime, Utc};

use super::chapter::{Chapter, chapters};
use super::{Brief, Item, Kind, Line, Material, Night, NightState, Section, Tally, series, sums};
use crate::domain::event::{Body, GivenBack};
use crate::domain::ids::{BeadId, ProjectId};
use crate::feed::tell::count;

/// What the sentences of a brief are made with.
pub(super) struct Teller<'a> {
    pub(super) material: &'a Material,
    chapters: Vec<Chapter<'a>>,
}

/// Puts a brief together.
pub fn assemble(material: &Material) -> Brief {
    let teller = Teller { material, chapters: chapters(material) };
    let mut rows: Vec<(Kind, Item)> = Vec::new();
    let mut ended: Vec<u64> = Vec::new();
    for chapter in &teller.chapters {
        if let Some((seq, finish)) = chapter.finish() {
            ended.push(seq);
            rows.push(teller.finished(chapter, seq, finish));
        } else if let Some((seq, reason)) = chapter.lost() {
            rows.push((Kind::Troubles, teller.lost(chapter, seq, reason)));
        } else if let Some(aside) = chapter.aside() {
            ended.push(aside.seq);
            rows.push((Kind::Suspended, teller.suspended(chapter, &aside)));
        } else {
            rows.push((Kind::Running, teller.under_way(chapter)));
        }
    }
    let (found, proposed) = teller.findings();
    if !proposed.is_empty() {
        let n = u32::try_from(proposed.len()).unwrap_or(u32::MAX);
        let text = format!("{} from findings for your approval, listed below", count(n, "proposed bead"));
        rows.push((Kind::NeedsYou, Item::told(Line::new(text, proposed.clone()))));
    }
    rows.extend(found.into_iter().map(|item| (Kind::Findings, item)));
    let money = sums::money(material);
    let tally = tally(&rows, proposed.len());
    rows.extend(teller.forecast(&tally, money.usd, &ended).into_iter().map(|item| (Kind::Forecast, item)));
    rows.extend(teller.unsent().into_iter().map(|item| (Kind::Unsent, item)));
    rows.extend(teller.troubles().into_iter().map(|item| (Kind::Troubles, item)));
    rows.extend(teller.not_started().into_iter().map(|item| (Kind::NotStarted, item)));
    let headline = teller.headline(&tally, money.usd, ended);
    let mut sections: Vec<Section> = Vec::new();
    // What landed, in the order in which it did; all else as it began.
    rows.sort_by_key(|(kind, item)| {
        let landed = if *kind == Kind::Landed { item.line.seqs.last().copied() } else { None };
        (*kind, landed)
    });
    for (kind, item) in rows {
        match sections.last_mut().filter(|section| section.kind == kind) {
            Some(section) => section.items.push(item),
            None => sections.push(Section { kind, title: kind.title().to_owned(), items: vec![item] }),
        }
    }
    let place = sections.iter().position(|s| s.kind > Kind::Money).unwrap_or(sections.len());
    if let Some(section) = sums::section(material, &money) {
        sections.insert(place, section);
    }
    let series = series::series(material, &teller.chapters, &money);
    Brief { night: material.night.clone(), headline, tally, sections, money, series, base: None }
}

fn tally(rows: &[(Kind, Item)], proposed: usize) -> Tally {
    let of = |wanted: Kind| {
        let open = |item: &Item| item.settled.is_none() || wanted != Kind::NeedsYou;
        let n =
            rows.iter().filter(|(kind, item)| *kind == wanted && item.bead.is_some() && open(item)).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    Tally {
        landed: of(Kind::Landed),
        needs_you: of(Kind::NeedsYou).saturating_add(u32::try_from(proposed).unwrap_or(u32::MAX)),
        failed: of(Kind::Failed),
        blocked: of(Kind::Blocked),
        cancelled: of(Kind::Cancelled),
        suspended: of(Kind::Suspended),
        running: of(Kind::Running),
    }
}

impl Teller<'_> {
    pub(super) fn night(&self) -> &Night {
        &self.material.night
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.night().state, NightState::Over | NightState::CutOff)
    }

    /// A time as the clock on the wall shows it; with its date when it is not of this night.
    pub(super) fn clock(&self, at: DateTime<Utc>) -> String {
        let near = (at - self.night().opened).num_hours().abs() < 20;
        let form = if near { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        self.material.zone.local(at).format(form).to_string()
    }

    /// What people call the project.
    pub(super) fn name(&self, project: &ProjectId) -> String {
        self.material.names.get(project).cloned().unwrap_or_else(|| project.to_string())
    }

    /// Whether commands can name it.
    pub(super) fn is_named(&self, project: &ProjectId) -> bool {
        self.material.names.contains_key(project)
    }

    pub(super) fn title(&self, project: &ProjectId, bead: &BeadId) -> String {
        let of = self.chapters.iter().rev().find(|c| c.project == project && c.bead == bead);
        of.map(|chapter| chapter.order.title.clone()).unwrap_or_default()
    }

    /// What a person did about a bead since this event.
    pub(super) fn settled(&self, (project, bead): (&ProjectId, &BeadId), since: u64) -> Option<Line> {
        let later = self.material.events.iter().chain(&self.material.after).filter(|event| event.seq > since);
        let own = later.filter(|e| e.project.as_ref() == Some(project) && e.bead.as_ref() == Some(bead));
        for event in own {
            let text = match &event.body {
                Body::GivenBack { how, .. } => match how {
                    GivenBack::Approved { .. } => "approved since",
                    GivenBack::Answered { .. } => "answered since",
                    GivenBack::Retried { .. } => "to be tried again",
                    GivenBack::Reworked { .. } => "worked on by a person since",
                }
                .to_owned(),
                Body::ByHand { what } => format!("by hand since: {}", super::line(what)),
                Body::Claiming { .. } => "taken up again since".to_owned(),
                _ => continue,
            };
            return Some(Line::new(text, vec![event.seq]));
        }
        None
    }

    fn headline(&self, tally: &Tally, usd: f64, ended: Vec<u64>) -> Line {
        let night = self.night();
        let parts = [
            (tally.landed, "landed"),
            (tally.needs_you, if tally.needs_you == 1 { "needs you" } else { "need you" }),
            (tally.failed, "failed"),
            (tally.cancelled, "stopped by a person"),
            (tally.suspended, "suspended"),
            (tally.blocked, "blocked"),
            (tally.running, "under way"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        let what = if parts.is_empty() { "nothing was started".to_owned() } else { parts.join(", ") };
        let span = match night.state {
            NightState::Over => format!("{} to {}", self.clock(night.opened), self.clock(night.to)),
            NightState::SoFar => format!("since {}, so far", self.clock(night.opened)),
            NightState::CutOff => format!("since {}, and nothing tells its end", self.clock(night.opened)),
            NightState::Day => "no night: the last 24 hours".to_owned(),
        };
        let name =
            if night.state == NightState::Day { String::new() } else { format!("Night {} ", night.id) };
        let mut seqs = ended;
        seqs.extend(self.chapters.iter().map(Chapter::opening));
        seqs.extend(self.material.events.iter().filter(|e| sums::bill(e).is_some()).map(|e| e.seq));
        match night.state {
            NightState::Over => seqs.extend([night.first, night.last]),
            NightState::SoFar | NightState::CutOff => seqs.push(night.first),
            // That nothing happened is said by the newest event, which is older.
            NightState::Day if seqs.is_empty() && night.last > 0 => seqs.push(night.last),
            NightState::Day => {}
        }
        Line::new(format!("{name}({span}): {what}; ${usd:.2}"), seqs)
    }
}

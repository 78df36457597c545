//! Which events become alerts, and when: the rules that keep a phone quiet at night.
//!
//! Owns dwell, grouping, quiet hours, the cap of a night, and what a summary counts. Pure: events and the time go
//! in, alerts come out, and everything that is remembered is one value that the outbox keeps with its cursor. What
//! is not sent is counted in the next summary, never lost. Start with [`State::see`] and [`State::ripe`].

mod night;
mod quiet;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::alert::{Alert, BeadEnd, Item, Kind, Lane, What};
use crate::domain::event::{Body, Event, Finish, Wish};
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::order::BY_A_PERSON;
use crate::domain::run::Outcome;
use crate::lifecycle::Story;
use night::Night;
pub use quiet::QuietHours;

/// The user's wishes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// What a person resolves within this time is not sent.
    pub dwell: TimeDelta,
    /// What comes within this time becomes one alert.
    pub group: TimeDelta,
    pub quiet: Option<QuietHours>,
    /// Alerts about unattended runs in one night.
    pub max_per_night: u32,
}

/// Older than this when it is first seen, an end wakes nobody: it is counted. What a person asked for while no daemon
/// ran ended before their own eyes.
const STALE: TimeDelta = TimeDelta::hours(12);
const STALE_ASKED: TimeDelta = TimeDelta::hours(1);
/// More wait at once only when something is very wrong; the rest is counted.
const MOST_PENDING: usize = 200;

/// Everything that is remembered between two events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The newest event that was seen.
    pub seq: u64,
    /// Claims that are open, by project and bead.
    claims: BTreeMap<String, Claim>,
    pending: Vec<Pending>,
    night: Option<Night>,
    /// Alerts about unattended runs since the night began.
    sent: u32,
    /// Items that were held back since the last summary.
    held: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Claim {
    /// The number of its first event.
    id: u64,
    title: String,
    asked: bool,
    run: Option<RunId>,
    tip: Option<Oid>,
    /// A person ended it with their own hand.
    #[serde(default)]
    wished: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pending {
    item: Item,
    /// From then on it could have been resolved by nobody.
    from: DateTime<Utc>,
    due: DateTime<Utc>,
}

impl State {
    /// Begins to listen after `seq`: the past is nobody's news, but claims that are open are known.
    pub fn beginning(seq: u64, open: &[Story]) -> Self {
        let claims = open.iter().map(|story| {
            let claim = Claim {
                id: story.id,
                title: story.order.title.clone(),
                asked: !story.order.unattended,
                run: story.tip.as_ref().map(|kept| kept.run.clone()),
                tip: story.tip.as_ref().map(|kept| kept.tip.clone()),
                wished: false,
            };
            (place(&story.project, &story.bead), claim)
        });
        Self { seq, claims: claims.collect(), ..Self::default() }
    }

    /// What the outbox kept. A newer program's memory is not guessed: what it read stays read.
    pub fn kept(seq: u64, text: &str) -> Self {
        Self { seq, ..serde_json::from_str(text).unwrap_or_default() }
    }

    /// Whether nothing but the place of reading differs.
    pub fn remembers_the_same(&self, other: &Self) -> bool {
        Self { seq: other.seq, ..self.clone() } == *other
    }

    /// Takes one event in. Events come in their order; one that was seen before changes nothing. True when
    /// something is remembered of it.
    pub fn see(&mut self, event: &Event, now: DateTime<Utc>, rules: &Rules) -> bool {
        if event.seq <= self.seq {
            return false;
        }
        self.seq = event.seq;
        match &event.body {
            Body::NightOpened { night, .. } => self.open_night(event, now, night),
            // Whatever it was spent on, as the brief counts it too.
            Body::AgentEnded(end) => {
                let Some(night) = &mut self.night else { return false };
                night.bill(end.cost_usd);
            }
            Body::NightEnded { night, why, .. } => self.end_night(event, now, night, why),
            Body::NightStopped { why, .. } => {
                let what = What::Stopped { why: cut(why, 300) };
                let item = Item {
                    key: format!("stopped/{}", event.seq),
                    at: event.at.min(now),
                    kind: Kind::NeedsYou,
                    lane: Lane::Night,
                    what,
                };
                self.wait(item, now, rules);
            }
            _ => return self.see_bead(event, now, rules),
        }
        true
    }

    fn see_bead(&mut self, event: &Event, now: DateTime<Utc>, rules: &Rules) -> bool {
        let (Some(project), Some(bead)) = (&event.project, &event.bead) else { return false };
        let place = place(project, bead);
        match &event.body {
            Body::Claiming { order } => {
                // That the night takes it up again is no answer to a person who waits for theirs.
                self.resolved((project, bead), |lane| !order.unattended || lane != Lane::Asked);
                let title = cut(&order.title, 200);
                let asked = !order.unattended;
                // Without kept work a claim goes on at its base: that is nothing to be looked at.
                let kept = order.again.as_ref().filter(|again| again.tip != again.base);
                let (run, tip) = kept.map(|a| (a.run.clone(), a.tip.clone())).unzip();
                self.claims.insert(place, Claim { id: event.seq, title, asked, run, tip, wished: false });
            }
            Body::Suspended { .. } => {
                let Some(night) = &mut self.night else { return false };
                night.put_aside(place);
            }
            Body::Resumed { why, .. } => {
                self.goes_on(&place);
                let by_a_person = BY_A_PERSON.iter().any(|by| why.starts_with(by));
                if let Some(claim) = self.claims.get_mut(&place).filter(|_| by_a_person) {
                    claim.asked = true;
                }
            }
            Body::Exported { tip, .. } => {
                if let Some(claim) = self.claims.get_mut(&place) {
                    claim.run.clone_from(&event.run);
                    claim.tip = Some(tip.clone());
                }
            }
            Body::Wished { wish: Wish::Cancel | Wish::Park { .. }, .. } => {
                if let Some(claim) = self.claims.get_mut(&place) {
                    claim.wished = true;
                }
            }
            Body::GivenBack { .. } | Body::ByHand { .. } => self.resolved((project, bead), |_| true),
            Body::ClaimLost { reason } => {
                self.goes_on(&place);
                let claim = self.claims.remove(&place);
                // Nobody's claim: the night looks for another bead, a person wants to know.
                if let Some(claim) = claim.filter(|claim| claim.asked) {
                    let finish = not_begun(reason);
                    self.finished(event, Some(claim), &finish, (now, rules));
                }
            }
            Body::Finished(finish) => {
                self.goes_on(&place);
                let claim = self.claims.remove(&place);
                self.finished(event, claim, finish, (now, rules));
            }
            _ => return false,
        }
        true
    }

    fn finished(
        &mut self,
        event: &Event,
        claim: Option<Claim>,
        finish: &Finish,
        (now, rules): (DateTime<Utc>, &Rules),
    ) {
        let (Some(project), Some(bead)) = (&event.project, &event.bead) else { return };
        let title = claim.as_ref().map_or("", |claim| claim.title.as_str());
        let mut end = BeadEnd::new(project.clone(), bead.clone(), title, finish);
        let asked = claim.as_ref().is_some_and(|claim| claim.asked);
        let id = claim.as_ref().map_or(event.seq, |claim| claim.id);
        let wished = claim.as_ref().is_some_and(|claim| claim.wished);
        if let Some(claim) = claim {
            (end.claim, end.run, end.tip) = (Some(claim.id), claim.run, claim.tip);
        }
        if let Some(night) = &mut self.night {
            night.count(&end);
        }
        // What a person did themselves is no news to them.
        if wished && matches!(end.outcome, Outcome::Cancelled | Outcome::Parked) {
            return;
        }
        let (kind, lane) = (end.kind(), if asked { Lane::Asked } else { Lane::Unattended });
        // What went well by itself is told in the morning.
        if lane == Lane::Unattended && kind == Kind::Completion {
            return;
        }
        let key = format!("{}/{id}", place(project, bead));
        self.wait(Item { key, at: event.at.min(now), kind, lane, what: What::Bead(end) }, now, rules);
    }

    fn wait(&mut self, item: Item, now: DateTime<Utc>, rules: &Rules) {
        let limit = if item.lane == Lane::Asked { STALE_ASKED } else { STALE };
        if now - item.at > limit || self.pending.len() >= MOST_PENDING {
            self.held = self.held.saturating_add(1);
            return;
        }
        let dwell = match (item.kind, item.lane) {
            (_, Lane::Night) => TimeDelta::zero(),
            (Kind::NeedsYou, _) => rules.dwell,
            _ => TimeDelta::zero(),
        };
        let group = if item.lane == Lane::Night { TimeDelta::zero() } else { rules.group };
        let (from, due) = (item.at + dwell, item.at + dwell.max(group));
        self.pending.push(Pending { item, from, due });
    }

    /// A bead is not aside any more.
    fn goes_on(&mut self, place: &str) {
        if let Some(night) = &mut self.night {
            night.goes_on(place);
        }
    }

    /// Somebody saw to it: what waits about the bead in these lanes is no news any more.
    fn resolved(&mut self, (project, bead): (&ProjectId, &BeadId), lanes: impl Fn(Lane) -> bool) {
        self.pending.retain(|pending| match &pending.item.what {
            What::Bead(end) if &end.project == project && &end.bead == bead => {
                end.kind() == Kind::Completion || !lanes(pending.item.lane)
            }
            _ => true,
        });
    }

    fn open_night(&mut self, event: &Event, now: DateTime<Utc>, name: &str) {
        // A daemon that comes back in the middle of its night opens no other. So that night is over, unsaid.
        if let Some(open) = self.night.take() {
            self.sum_up(open, event.at.min(now), "its daemon was stopped or died");
        }
        self.sent = 0;
        self.night = Some(Night::new(event.seq, name));
    }

    fn end_night(&mut self, event: &Event, now: DateTime<Utc>, name: &str, why: &str) {
        let night = self.night.take().unwrap_or_else(|| Night::new(0, name));
        self.sum_up(night.ended(event.seq, name), event.at.min(now), why);
    }

    fn sum_up(&mut self, night: Night, at: DateTime<Utc>, why: &str) {
        // Their beads stand in the summary: nothing is told twice within a minute. A bead that ended before this
        // night was opened is counted as held back.
        let before = self.pending.len();
        self.pending.retain(|pending| pending.item.lane != Lane::Unattended);
        let folded = before - self.pending.len();
        let held = self.held.saturating_add(u32::try_from(folded).unwrap_or(u32::MAX));
        self.held = 0;
        if let Some(item) = night.summed_up(at, why, held) {
            self.pending.push(Pending { item, from: at, due: at });
        }
    }

    /// The alerts whose time has come. They are forgotten here: whoever takes them keeps them.
    pub fn ripe(&mut self, now: DateTime<Utc>, rules: &Rules) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for lane in [Lane::Asked, Lane::Unattended, Lane::Night] {
            let may_go = |pending: &Pending| pending.item.lane == lane && !rules.hold(&pending.item, now);
            if !self.pending.iter().any(|pending| may_go(pending) && pending.due <= now) {
                continue;
            }
            let all = std::mem::take(&mut self.pending);
            let (go, stay) = all.into_iter().partition(|p| may_go(p) && p.from <= now);
            self.pending = stay;
            let items: Vec<Item> = Vec::into_iter(go).map(|pending: Pending| pending.item).collect();
            match lane {
                Lane::Night => alerts.extend(items.into_iter().map(|item| alert(vec![item], now))),
                Lane::Asked => alerts.push(alert(items, now)),
                Lane::Unattended if self.sent < rules.max_per_night => {
                    self.sent += 1;
                    alerts.push(alert(items, now));
                }
                Lane::Unattended => {
                    let more = u32::try_from(items.len()).unwrap_or(u32::MAX);
                    self.held = self.held.saturating_add(more);
                }
            }
        }
        alerts
    }

    /// When something may ripen without another event.
    pub fn next(&self, now: DateTime<Utc>, rules: &Rules) -> Option<DateTime<Utc>> {
        let when = |pending: &Pending| {
            let due = pending.due.max(now);
            let quiet = rules.quiet.as_ref().filter(|_| rules.hold(&pending.item, due));
            quiet.map_or(due, |quiet| quiet.end(due))
        };
        self.pending.iter().map(when).min()
    }

    /// Nothing more will come for now: what only waits for company goes at once.
    pub fn hurry(&mut self, now: DateTime<Utc>) {
        for pending in &mut self.pending {
            (pending.from, pending.due) = (pending.from.min(now), pending.due.min(now));
        }
    }

    /// How many things wait, and how many were held back since the last summary.
    pub fn waiting(&self) -> (usize, u32) {
        (self.pending.len(), self.held)
    }
}

impl Rules {
    /// Whether quiet hours keep it back now.
    fn hold(&self, item: &Item, now: DateTime<Utc>) -> bool {
        let breaks = |quiet: &QuietHours| quiet.needs_you && item.kind == Kind::NeedsYou;
        self.quiet.as_ref().is_some_and(|quiet| !breaks(quiet) && quiet.cover(now))
    }
}

fn alert(items: Vec<Item>, now: DateTime<Utc>) -> Alert {
    let kind = items.iter().map(|item| item.kind).max().unwrap_or(Kind::Completion);
    let key = items.first().map(|item| item.key.clone()).unwrap_or_default();
    Alert { key, kind, at: now, items }
}

/// A text that grows in no table of ours.
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn place(project: &ProjectId, bead: &BeadId) -> String {
    format!("{project}/{bead}")
}

fn not_begun(reason: &str) -> Finish {
    Finish {
        outcome: Outcome::Failed,
        cause: None,
        commit: None,
        branch: None,
        attempts: 0,
        cost_usd: 0.0,
        reason: format!("it was not begun: {reason}"),
    }
}

#[cfg(test)]
mod tests;

//! What is true of this one night: when it began, what it spent, and which beads have had their turn.
//!
//! Owns the fold of the journal since the night's beginning, so that a restart in the middle of a night knows
//! what its forerunner knew. It writes nothing. Start with [`Notes::begin`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Key;
use super::length::Length;
use super::status::Tally;
use crate::daemon::spending::Spending;
use crate::domain::event::Body;
use crate::domain::ids::ProjectId;
use crate::domain::run::Outcome;
use crate::journal::{Journal, JournalError};
use crate::lifecycle::Story;
use crate::scheduler::budget::Spent;
use crate::scheduler::window::NightKey;

/// How many ended stories a night can have.
const ENDED: usize = 5000;

#[derive(Debug, Default)]
pub(super) struct Notes {
    pub night: Option<NightKey>,
    pub since: Option<DateTime<Utc>>,
    /// Why nothing more is started tonight.
    pub stopped: Option<String>,
    /// By a person.
    pub paused: bool,
    pub tally: Tally,
    pub queue: Length,
    /// Beads that ended without landing tonight: one turn a night.
    turns: BTreeMap<Key, String>,
    bills: Vec<Bill>,
    billed_from: Option<DateTime<Utc>>,
    week: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Bill {
    seq: u64,
    at: DateTime<Utc>,
    project: Option<ProjectId>,
    spent: Spent,
}

impl Notes {
    /// A night begins, or goes on after a restart: `since` is its true beginning.
    pub(super) fn begin(
        &mut self,
        journal: &Journal,
        night: NightKey,
        since: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        *self = Self { night: Some(night), since: Some(since), paused: self.paused, ..Self::default() };
        self.queue = Length::of(journal, since)?;
        for (story, _) in journal.ended_since(since, ENDED)? {
            self.ended(&story);
        }
        let stopped = journal.last_of("night_stopped")?.filter(|event| event.at >= since);
        self.stopped = stopped.and_then(|event| match event.body {
            Body::NightStopped { why, .. } => Some(why),
            _ => None,
        });
        Ok(())
    }

    /// No night, as a person left it.
    pub(super) fn paused(paused: bool) -> Self {
        Self { paused, ..Self::default() }
    }

    pub(super) fn ended(&mut self, story: &Story) {
        self.tally.count(story.finish.outcome);
        if story.finish.outcome != Outcome::Landed {
            let how = format!("{}: {}", story.finish.outcome.as_str(), story.finish.reason);
            self.turns.insert((story.project.clone(), story.bead.clone()), how);
        }
    }

    /// How the bead's turn of tonight ended, if it had one without landing.
    pub(super) fn had_its_turn(&self, key: &Key) -> Option<&str> {
        self.turns.get(key).map(String::as_str)
    }

    /// A person wants it again: another turn.
    pub(super) fn again(&mut self, key: &Key) {
        self.turns.remove(key);
    }

    /// Reads the bills that came since the last look.
    pub(super) fn count(&mut self, journal: &Journal, now: DateTime<Utc>) -> Result<(), JournalError> {
        // The week is the last seven days, so that no cap is fresh again at midnight.
        let week = now - TimeDelta::days(7);
        let from = self.since.map_or(week, |since| since.min(week));
        if self.billed_from.is_none_or(|before| before > from) {
            self.bills.clear();
            self.billed_from = Some(from);
        }
        self.week = Some(week);
        let (seq, at) = self.bills.last().map_or((0, from), |bill| (bill.seq, bill.at));
        for event in journal.events_of("agent_ended", at)? {
            if event.seq <= seq {
                continue;
            }
            if let Body::AgentEnded(end) = &event.body {
                let spent = Spent::new(end.cost_usd, end.usage.total());
                self.bills.push(Bill { seq: event.seq, at: event.at, project: event.project, spent });
            }
        }
        Ok(())
    }

    pub(super) fn night_spent(&self) -> Spent {
        self.sum(self.since, |_| true)
    }

    pub(super) fn week_spent(&self) -> Spent {
        self.sum(self.week, |_| true)
    }

    /// Tonight's spending of one project, runs that go on included.
    pub(super) fn spent_by(&self, project: &ProjectId, live: &Spending, stories: &[Story]) -> Spent {
        let billed = self.sum(self.since, |bill| bill.project.as_ref() == Some(project));
        let runs = stories.iter().filter(|s| &s.project == project).filter_map(Story::at_work);
        runs.fold(billed, |sum, run| sum.plus(live.of(run)))
    }

    fn sum(&self, from: Option<DateTime<Utc>>, counts: impl Fn(&Bill) -> bool) -> Spent {
        let Some(from) = from else { return Spent::default() };
        let bills = self.bills.iter().filter(|bill| bill.at >= from && counts(bill));
        bills.fold(Spent::default(), |sum, bill| sum.plus(bill.spent))
    }
}

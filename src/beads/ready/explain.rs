//! The sentence behind a decision: what keeps a bead out, or who it waits for.
//!
//! Owns the order in which reasons are told (the bead's own state first, then dates, then edges) and their
//! words. The decision itself is the graph's; a test keeps the two in step. Start with [`Graph::explain`].

use chrono::{DateTime, SecondsFormat, Utc};

use super::graph::{CLASSIC_DEPTH, Edge, Kind, is_excluded_type, is_wisp};
use super::{Blocker, Graph, Readiness, Reason, Rules};
use crate::domain::bead::{Bead, Status};
use crate::domain::ids::BeadId;

impl Graph<'_> {
    /// Why a bead is or is not ready; `None` where no bead has the id.
    pub fn explain(&self, id: &BeadId, rules: Rules, now: DateTime<Utc>) -> Option<Readiness> {
        let at = self.at(id)?;
        let bead = self.bead(at);
        let why =
            of_status(bead, now).or_else(|| of_flags(bead, rules)).or_else(|| self.of_dates(at, rules, now));
        if let Some(why) = why {
            return Some(Readiness::NotReady { why });
        }
        let by = self.blockers(at, rules);
        Some(if by.is_empty() { Readiness::Ready } else { Readiness::Blocked { by } })
    }

    fn of_dates(&self, at: u32, rules: Rules, now: DateTime<Utc>) -> Option<String> {
        if self.is_deferred(at, now) {
            return Some(format!("deferred until {}", day(self.bead(at).defer_until)));
        }
        if rules == Rules::Classic {
            return None;
        }
        let parent =
            self.parents_of(at).iter().map(|(_, parent)| *parent).find(|p| self.is_deferred(*p, now))?;
        let parent = self.bead(parent);
        Some(format!("its parent `{}` is deferred until {}", parent.id, day(parent.defer_until)))
    }

    /// Who the bead, or the nearest ancestor that waits, waits for.
    fn blockers(&self, at: u32, rules: Rules) -> Vec<Blocker> {
        let mut seen = vec![at];
        let mut level = vec![at];
        for depth in 0.. {
            if level.is_empty() || (rules == Rules::Classic && depth > CLASSIC_DEPTH) {
                break;
            }
            for &waiting in &level {
                let by = self.direct(waiting, rules);
                if !by.is_empty() {
                    let via = (waiting != at).then(|| self.bead(waiting).id.clone());
                    return by
                        .into_iter()
                        .map(|(id, reason)| Blocker { id, reason, via: via.clone() })
                        .collect();
                }
            }
            let mut next = Vec::new();
            for parent in level.into_iter().flat_map(|l| self.parents_of(l)).map(|(_, parent)| *parent) {
                if self.can_wait(parent, rules) && !seen.contains(&parent) {
                    seen.push(parent);
                    next.push(parent);
                }
            }
            level = next;
        }
        Vec::new()
    }

    fn direct(&self, at: u32, rules: Rules) -> Vec<(BeadId, Reason)> {
        if !self.can_wait(at, rules) {
            return Vec::new();
        }
        let mut found: Vec<(BeadId, Reason)> = Vec::new();
        for edge in self.edges_of(at).iter().filter(|edge| self.holds_back(edge, rules)) {
            for one in self.reasons(edge, rules) {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
        found
    }

    fn reasons(&self, edge: &Edge, rules: Rules) -> Vec<(BeadId, Reason)> {
        let target = self.bead(edge.to);
        match edge.kind.under(rules) {
            Some(Kind::Conditional) if target.status == Status::Closed => {
                vec![(target.id.clone(), Reason::ClosedWithoutFailure)]
            }
            Some(Kind::Blocks | Kind::Conditional) => {
                vec![(target.id.clone(), Reason::Status(words(&target.status)))]
            }
            _ => {
                let waited =
                    self.children_of(edge.to).iter().filter(|(_, child)| !self.is_done(*child, rules));
                let of = |child: &Bead| {
                    let status = words(&child.status);
                    (child.id.clone(), Reason::Child { of: target.id.clone(), status })
                };
                let children: Vec<_> = waited.map(|(_, child)| of(self.bead(*child))).collect();
                if children.is_empty() { vec![(target.id.clone(), Reason::NoClosedChild)] } else { children }
            }
        }
    }
}

fn of_status(bead: &Bead, now: DateTime<Utc>) -> Option<String> {
    Some(match &bead.status {
        Status::Open => return None,
        Status::Closed => match (bead.closed_at, bead.close_reason.as_deref().filter(|r| !r.is_empty())) {
            (None, None) => "closed".to_owned(),
            (at @ Some(_), None) => format!("closed since {}", day(at)),
            (None, Some(reason)) => format!("closed: {reason}"),
            (at, Some(reason)) => format!("closed since {}: {reason}", day(at)),
        },
        Status::InProgress => match &bead.assignee {
            Some(name) => format!("in progress, claimed by `{name}`"),
            None => "in progress, and nobody is assigned".to_owned(),
        },
        Status::Blocked if bead.has_label(crate::beads::PARKED) => "parked: it waits for a person".to_owned(),
        Status::Deferred => match bead.defer_until {
            Some(until) if until > now => format!("deferred until {}", day(Some(until))),
            Some(past) => format!("its status is deferred, though its date {} has passed", day(Some(past))),
            None => "deferred without a date".to_owned(),
        },
        Status::Tombstone => "deleted; only its tombstone is left".to_owned(),
        other => format!("its status is {}", words(other)),
    })
}

fn of_flags(bead: &Bead, rules: Rules) -> Option<String> {
    if bead.pinned {
        return Some("pinned: it is kept for reading, not for working".to_owned());
    }
    if bead.ephemeral || (rules == Rules::Classic && is_wisp(bead.id.as_str())) {
        return Some("ephemeral: it is a passing record, not work".to_owned());
    }
    is_excluded_type(&bead.issue_type)
        .then(|| format!("its type is `{}`, which is never worked on", bead.issue_type))
}

fn words(status: &Status) -> String {
    status.as_str().replace('_', " ")
}

fn day(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

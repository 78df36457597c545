//! What gates and reviewers found, newest first, with what became of it.
//!
//! Owns the reading of ledgers and failed gates from the journal: the last ledger of a claim counts, since it holds the
//! earlier ones. Start with [`collect`].

use std::collections::BTreeMap;

use super::action::{Action, On};
use super::decided::Decided;
use super::place;
use super::words::{Tone, When, spaced};
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::event::{Body, Event};
use crate::domain::finding::Severity;
use crate::domain::verdict::{Entry, Standing};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub title: String,
    pub detail: String,
    /// `src/a.rs:12`
    pub at: String,
    pub severity: &'static str,
    pub tone: Tone,
    pub source: String,
    pub standing: String,
    pub open: bool,
    /// The project's id.
    pub project: String,
    pub bead: String,
    pub bead_link: String,
    pub when: When,
    /// The bead it became, with its page.
    pub filed: Option<(String, String)>,
    /// Approving or closing a proposed bead.
    pub actions: Vec<Action>,
    /// The event that says how it stands.
    pub seq: u64,
}

/// Of any events, newest first.
pub fn collect(events: &[Event]) -> Vec<Finding> {
    // By bead and fingerprint: a later round says anew how each one stands.
    let mut all: BTreeMap<(String, String, String), (u64, Finding)> = BTreeMap::new();
    for event in events {
        let (Some(project), Some(bead)) = (&event.project, &event.bead) else { continue };
        let key = (project.to_string(), bead.to_string());
        match &event.body {
            Body::GatesFailed { findings, .. } => {
                for finding in findings {
                    let one = finding_of(event, finding);
                    let id = (key.0.clone(), key.1.clone(), format!("{}{}", finding.source, finding.title));
                    all.insert(id, (event.seq, one));
                }
            }
            Body::Reviewed { review, .. } => {
                for entry in &review.ledger {
                    let id = (key.0.clone(), key.1.clone(), entry.fingerprint.clone());
                    all.insert(id, (event.seq, of_ledger(event, entry)));
                }
            }
            Body::FindingsFiled { filed, .. } => {
                for one in filed {
                    let id = (key.0.clone(), key.1.clone(), one.fingerprint.clone());
                    let known = all.entry(id).or_insert_with(|| (event.seq, empty(event, &one.title)));
                    become_bead(&mut known.1, &key.0, one);
                    known.1.seq = event.seq;
                }
            }
            _ => {}
        }
    }
    let mut list: Vec<(u64, Finding)> = all.into_values().collect();
    list.sort_by_key(|(seq, finding)| (std::cmp::Reverse(*seq), rank(finding.severity)));
    list.into_iter().map(|(_, finding)| finding).collect()
}

fn empty(event: &Event, title: &str) -> Finding {
    let finding = crate::domain::finding::Finding {
        source: "review".to_owned(),
        title: title.to_owned(),
        severity: Severity::Note,
        ..crate::domain::finding::Finding::default()
    };
    finding_of(event, &finding)
}

fn finding_of(event: &Event, finding: &crate::domain::finding::Finding) -> Finding {
    let project = event.project.as_ref().map(ToString::to_string).unwrap_or_default();
    let bead = event.bead.as_ref().map(ToString::to_string).unwrap_or_default();
    let file = finding.file.as_deref().map(|file| ellipsis(file, 160)).unwrap_or_default();
    let at = match finding.line {
        Some(line) if !file.is_empty() => format!("{file}:{line}"),
        _ => file,
    };
    Finding {
        title: ellipsis(&finding.title, 300),
        detail: crate::domain::clean::clean(&finding.detail).chars().take(4000).collect(),
        at,
        severity: finding.severity.as_str(),
        tone: if finding.severity.is_material() { Tone::Bad } else { Tone::Plain },
        source: clean_line(&finding.source).replace(':', " "),
        standing: "told the author".to_owned(),
        open: false,
        bead_link: place::bead(&project, &bead),
        bead: clean_line(&bead),
        project,
        when: When::of(event.at),
        filed: None,
        actions: Vec::new(),
        seq: event.seq,
    }
}

fn of_ledger(event: &Event, entry: &Entry) -> Finding {
    let mut finding = finding_of(event, &entry.finding);
    finding.open = entry.standing == Standing::Open;
    finding.standing = match &entry.standing {
        Standing::Open => "open".to_owned(),
        Standing::Fixed => "fixed".to_owned(),
        Standing::Filed { bead } => {
            let project = event.project.as_ref().map(ToString::to_string).unwrap_or_default();
            finding.filed = Some((clean_line(bead.as_str()), place::bead(&project, bead.as_str())));
            "a bead now".to_owned()
        }
        Standing::Waived { reason } => format!("left: {}", ellipsis(reason, 200)),
    };
    if !finding.open {
        finding.tone = Tone::Plain;
    }
    finding
}

fn become_bead(finding: &mut Finding, project: &str, filed: &crate::domain::verdict::Filed) {
    let Some(bead) = &filed.bead else {
        if let Some(why) = &filed.why {
            finding.standing = format!("left: {}", spaced(why));
        }
        return;
    };
    finding.filed = Some((clean_line(bead.as_str()), place::bead(project, bead.as_str())));
    finding.open = false;
    if filed.proposed {
        let on = On::of(project, bead.as_str());
        finding.standing = "proposed as a bead".to_owned();
        finding.tone = Tone::Ask;
        finding.actions = vec![on.approve("Approve"), on.close()];
    } else {
        finding.standing = "a bead now".to_owned();
    }
}

/// Takes the buttons away from what a person decided about since.
pub fn settle(findings: &mut [Finding], decided: &Decided) {
    for finding in findings.iter_mut().filter(|finding| !finding.actions.is_empty()) {
        let Some((bead, _)) = &finding.filed else { continue };
        if decided.since(&finding.project, bead, finding.seq) {
            finding.actions.clear();
            finding.standing = "proposed as a bead, and decided about".to_owned();
            finding.tone = Tone::Plain;
        }
    }
}

fn rank(severity: &str) -> usize {
    ["critical", "major", "minor", "note"].iter().position(|word| *word == severity).unwrap_or(4)
}

#[cfg(test)]
mod tests;

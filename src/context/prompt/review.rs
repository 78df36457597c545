//! What a reviewer is told.
//!
//! Owns the pieces that only a reviewer gets: the beginning of the diff, what gates said, and the ledger so far, all of
//! it fenced and bounded (T19, T55). What its reply is worth is for `review`. Start with [`Review`].

use std::fmt::Write as _;

use minijinja::context;
use serde::Serialize;

use super::parts::{fit, parts};
use super::{PromptError, Prompts, TITLE_CHARS};
use crate::domain::bead::Bead;
use crate::domain::finding::Origin;
use crate::domain::text::{clip, one_line, visible};
use crate::domain::verdict::{Entry, Standing};

const DIFF_BYTES: usize = 48 << 10;
/// Of what is not the author's task, so many are shown.
const OTHERS: usize = 60;
const DETAIL_BYTES: usize = 1 << 10;
/// All details together: the more there are, the shorter each.
const EARLIER_BYTES: usize = 64 << 10;

/// One gate's result on the very work that is reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    pub gate: String,
    pub passed: bool,
    pub summary: String,
}

/// All that a reviewer is told.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    pub bead: &'a Bead,
    /// The commit the work began at.
    pub base: &'a str,
    pub target: &'a str,
    /// The work as a diff; its beginning is shown.
    pub diff: &'a str,
    pub gates: &'a [Proven],
    /// The ledger of the rounds before.
    pub earlier: &'a [Entry],
    pub round: u32,
    pub rounds: u32,
    pub nonce: &'a str,
}

#[derive(Serialize)]
struct GateResult {
    name: String,
    result: String,
}

impl Prompts {
    pub fn review(&self, review: &Review<'_>) -> Result<String, PromptError> {
        let Review { bead, nonce, .. } = *review;
        let gates = review.gates.iter().map(|gate| {
            let word = if gate.passed { "passed" } else { "failed" };
            let summary = fit(&gate.summary, nonce, |text| one_line(text, 200));
            let gap = if summary.is_empty() { "" } else { ", " };
            GateResult { name: one_line(&gate.gate, 80), result: format!("{word}{gap}{summary}") }
        });
        self.render(
            "review",
            context! {
                nonce,
                id => one_line(bead.id.as_str(), 200),
                title => fit(&bead.title, nonce, |text| one_line(text, TITLE_CHARS)),
                parts => parts(bead, nonce),
                base => review.base,
                target => one_line(review.target, 200),
                diff => fit(review.diff, nonce, |text| clip(&visible(text.trim_end()), DIFF_BYTES)),
                gates => gates.collect::<Vec<_>>(),
                earlier => earlier_text(review.earlier, nonce),
                round => review.round,
                rounds => review.rounds,
            },
        )
    }
}

/// Each with its place, weight and standing. All that the author is asked to fix stand first, for what the reviewer
/// says nothing of counts as fixed; then other open ones, and the settled.
fn earlier_text(entries: &[Entry], nonce: &str) -> String {
    let is_open = |entry: &&Entry| entry.standing == Standing::Open;
    let holding: Vec<&Entry> = entries.iter().filter(|entry| entry.holds()).collect();
    let others = entries.iter().filter(|entry| !entry.holds());
    let (open, settled): (Vec<&Entry>, Vec<&Entry>) = others.partition(is_open);
    let shown = holding.len() + OTHERS;
    let room = (EARLIER_BYTES / shown.min(entries.len()).max(1)).min(DETAIL_BYTES);
    let mut text = String::new();
    for entry in holding.into_iter().chain(open).chain(settled).take(shown) {
        let finding = &entry.finding;
        let title = fit(&finding.title, nonce, |text| one_line(text, 200));
        let file = finding.file.as_deref().map(|file| fit(file, nonce, |text| one_line(text, 200)));
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = file.map(|file| format!(" at {file}{line}")).unwrap_or_default();
        let origin = match entry.origin {
            Origin::PreExisting => "there before".to_owned(),
            Origin::ThisChange => "in this change".to_owned(),
            Origin::Fix(n) => format!("by fix {n}"),
        };
        let standing = match &entry.standing {
            Standing::Open if entry.holds() => "open, the author was asked to fix it".to_owned(),
            Standing::Open => "open".to_owned(),
            Standing::Fixed => "not reported again after a fix".to_owned(),
            Standing::Filed { bead } => format!("is bead {}", one_line(bead.as_str(), 100)),
            Standing::Waived { .. } => "put aside".to_owned(),
        };
        let _ = writeln!(text, "- {title}{place} ({}, {origin}; {standing})", finding.severity.as_str());
        if entry.standing == Standing::Open && !finding.detail.trim().is_empty() {
            let detail = fit(&finding.detail, nonce, |text| clip(&visible(text), room));
            let _ = writeln!(text, "  {}", detail.trim().replace('\n', "\n  "));
        }
    }
    if entries.len() > shown {
        let _ =
            writeln!(text, "[... {} more, none of which the author was asked to fix]", entries.len() - shown);
    }
    text.trim_end().to_owned()
}

//! The pieces that prompts are made of: texts of others, fenced by a nonce, visible and bounded (T19).
//!
//! Owns the bounds and the fences of beads, findings, ledgers and gates. Which prompt has which pieces is decided
//! beside it. Start with [`fit`].

use std::fmt::Write as _;

use serde::Serialize;

use crate::config::project::Gate;
use crate::domain::bead::{Bead, Comment};
use crate::domain::finding::Finding;
use crate::domain::text::{clip, clip_front, one_line, visible};

const DESCRIPTION_BYTES: usize = 64 << 10;
const PART_BYTES: usize = 32 << 10;
const COMMENTS: usize = 20;
const COMMENT_BYTES: usize = 4 << 10;
const FINDING_BYTES: usize = 8 << 10;
/// All details together: the more there are, the shorter each, but every finding is told.
const FINDINGS_BYTES: usize = 128 << 10;

#[derive(Serialize)]
pub(super) struct Part {
    name: &'static str,
    text: String,
}

/// Text of others, made visible and bounded; should it know the nonce, it loses it.
pub(super) fn fit(text: &str, nonce: &str, bound: impl Fn(&str) -> String) -> String {
    let text = bound(text);
    if text.contains(nonce) { text.replace(nonce, "[...]") } else { text }
}

pub(super) fn parts(bead: &Bead, nonce: &str) -> Vec<Part> {
    let fields = [
        ("Description", &bead.description, DESCRIPTION_BYTES),
        ("Design", &bead.design, PART_BYTES),
        ("Acceptance criteria", &bead.acceptance_criteria, PART_BYTES),
        ("Notes", &bead.notes, PART_BYTES),
    ];
    let part = |(name, text, bytes): (&'static str, &String, usize)| {
        let text = fit(text, nonce, |text| clip(&visible(text), bytes));
        Part { name, text }
    };
    let mut parts: Vec<Part> =
        fields.into_iter().filter(|(_, text, _)| !text.trim().is_empty()).map(part).collect();
    let skipped = bead.comments.len().saturating_sub(COMMENTS);
    if !bead.comments.is_empty() {
        let mut text = String::new();
        if skipped > 0 {
            let _ = writeln!(text, "[... {skipped} earlier comments left out]\n");
        }
        let shown: Vec<String> = bead.comments[skipped..].iter().map(comment_text).collect();
        text.push_str(&shown.join("\n\n"));
        parts.push(Part { name: "Comments", text: fit(&text, nonce, str::to_owned) });
    }
    parts
}

fn comment_text(comment: &Comment) -> String {
    let author = one_line(&comment.author, 80);
    let day = comment.created_at.map(|at| format!(", {}", at.format("%Y-%m-%d"))).unwrap_or_default();
    format!("{author}{day}:\n{}", clip(&visible(&comment.text), COMMENT_BYTES))
}

/// Each finding with its place, its detail fenced; the end of a detail says more than its beginning.
pub(super) fn findings_text(findings: &[Finding], nonce: &str) -> String {
    let mut text = String::new();
    let room = (FINDINGS_BYTES / findings.len().max(1)).min(FINDING_BYTES);
    for finding in findings {
        let title = fit(&finding.title, nonce, |text| one_line(text, 300));
        let _ = write!(text, "\n- {} ({}", title, one_line(&finding.source, 80));
        if let Some(file) = &finding.file {
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let _ = write!(text, ", {}{line}", fit(file, nonce, |text| one_line(text, 200)));
        }
        text.push_str(")\n");
        if !finding.detail.trim().is_empty() {
            let detail = fit(&finding.detail, nonce, |text| clip_front(&visible(text), room));
            let _ =
                write!(text, "\n<output-{nonce}>\n{}\n</output-{nonce}>\n", detail.trim_end_matches('\n'));
        }
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

#[derive(Serialize)]
pub(super) struct GateLine {
    name: String,
    run: String,
    timeout: String,
}

pub(super) fn gates_text(gates: &[Gate]) -> Vec<GateLine> {
    // A command of several lines stays readable when it is indented below its name.
    let run = |run: &str| {
        if run.contains('\n') {
            format!("\n\n      {}", visible(run).replace('\n', "\n      "))
        } else {
            format!(" `{}`", visible(run))
        }
    };
    let line = |gate: &Gate| GateLine {
        name: gate.name.clone(),
        run: run(&gate.run),
        timeout: gate.timeout.to_string(),
    };
    gates.iter().map(line).collect()
}

//! The words an agent gets: what is wanted, what the project is like, how the work is judged.
//!
//! Owns the prompt templates, the fences around text of others and its bounds (T19). Values are put in after
//! the template was read, so braces in a bead are only braces. It sends nothing: prompts go over stdin, never
//! through a shell. Start with [`Prompts::work`].

use std::fmt::Write as _;

use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::project::Summary;
use super::stack::main_tests;
use crate::config::project::Gate;
use crate::domain::bead::{Bead, Comment};
use crate::domain::finding::Finding;
use crate::domain::text::{clip, clip_front, one_line, visible};

const TITLE_CHARS: usize = 500;
const DESCRIPTION_BYTES: usize = 64 << 10;
const PART_BYTES: usize = 32 << 10;
const COMMENTS: usize = 20;
const COMMENT_BYTES: usize = 4 << 10;
const FINDINGS: usize = 20;
const PATHS: usize = 100;
const OTHERS: usize = 5;
const FINDING_BYTES: usize = 8 << 10;

/// The templates, read once.
#[derive(Debug)]
pub struct Prompts {
    templates: Environment<'static>,
}

/// All that a first (or fresh) conversation about a bead is told.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    pub bead: &'a Bead,
    pub summary: &'a Summary,
    pub gates: &'a [Gate],
    /// Of the attempt before, where its conversation cannot be continued.
    pub findings: &'a [Finding],
    /// Why an earlier conversation of the same attempt ended, where the clone holds its unfinished work.
    pub carried: Option<&'a str>,
    /// Hard to guess and new for every prompt, so that no text can close its own fence.
    pub nonce: &'a str,
}

/// What the run is told that unites the work with what landed meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Conflict<'a> {
    pub bead: &'a Bead,
    /// What landed on the same paths meanwhile.
    pub others: &'a [Bead],
    pub paths: &'a [String],
    pub gates: &'a [Gate],
    pub nonce: &'a str,
}

/// What the next attempt is told in the same conversation.
#[derive(Debug, Clone, Copy)]
pub struct Fix<'a> {
    pub bead: &'a Bead,
    pub gates: &'a [Gate],
    pub findings: &'a [Finding],
    pub nonce: &'a str,
}

#[derive(Debug, thiserror::Error)]
#[error("prompt template `{name}`: {source}")]
pub struct PromptError {
    name: &'static str,
    source: minijinja::Error,
}

#[derive(Serialize)]
struct Other {
    id: String,
    title: String,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    name: &'static str,
    text: String,
}

impl Prompts {
    /// The templates that are part of the binary.
    pub fn embedded() -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (name, source) in [
            ("work", include_str!("../../prompts/work.md")),
            ("fix", include_str!("../../prompts/fix.md")),
            ("confirm", include_str!("../../prompts/confirm.md")),
            ("conflict", include_str!("../../prompts/conflict.md")),
        ] {
            templates.add_template(name, source).expect("the embedded templates are rendered by tests");
        }
        Self { templates }
    }

    pub fn work(&self, work: &Work<'_>) -> Result<String, PromptError> {
        let Work { bead, summary, gates, findings, carried, nonce } = *work;
        let cut = if summary.tree.cut { ", not all of them" } else { "" };
        let readme = summary.readme.as_ref();
        let stacks: Vec<&str> = summary.stacks.iter().map(|stack| stack.name.as_str()).collect();
        self.render(
            "work",
            context! {
                nonce,
                imported => bead.is_imported(),
                id => one_line(bead.id.as_str(), 200),
                title => fit(&bead.title, nonce, |text| one_line(text, TITLE_CHARS)),
                kind => one_line(&bead.issue_type, 40),
                priority => bead.priority,
                parts => parts(bead, nonce),
                findings => findings_text(findings, nonce),
                carried => carried.map(|why| fit(why, nonce, |text| one_line(text, 300))),
                stacks => stacks.join(", "),
                tests => main_tests(&summary.stacks).map(|tests| one_line(&tests.run, 500)),
                tree => summary.tree.lines.join("\n"),
                tree_note => format!("{} in all{cut}", summary.tree.files),
                commits => summary.commits.join("\n"),
                readme_path => readme.map(|(path, _)| path),
                readme => readme.map(|(_, text)| text),
                gates => gates_text(gates),
            },
        )
    }

    pub fn fix(&self, fix: &Fix<'_>) -> Result<String, PromptError> {
        let findings = findings_text(fix.findings, fix.nonce);
        let (id, gates) = (one_line(fix.bead.id.as_str(), 200), gates_text(fix.gates));
        self.render("fix", context! { id, findings, gates })
    }

    /// Asks a run that ended near a usage limit to finish or to confirm.
    pub fn confirm(&self, bead: &Bead, gates: &[Gate]) -> Result<String, PromptError> {
        let (id, gates) = (one_line(bead.id.as_str(), 200), gates_text(gates));
        self.render("confirm", context! { id, gates })
    }

    pub fn conflict(&self, conflict: &Conflict<'_>) -> Result<String, PromptError> {
        let Conflict { bead, others, paths, gates, nonce } = *conflict;
        let shown: Vec<String> =
            paths.iter().take(PATHS).map(|p| fit(p, nonce, |text| one_line(text, 300))).collect();
        let more = paths.len().saturating_sub(PATHS);
        let more = if more > 0 { format!("\n[... {more} more]") } else { String::new() };
        self.render(
            "conflict",
            context! {
                nonce,
                id => one_line(bead.id.as_str(), 200),
                title => fit(&bead.title, nonce, |text| one_line(text, TITLE_CHARS)),
                parts => parts(bead, nonce),
                paths => shown.join("\n") + &more,
                others => others.iter().take(OTHERS).map(|other| Other {
                    id: one_line(other.id.as_str(), 200),
                    title: fit(&other.title, nonce, |text| one_line(text, TITLE_CHARS)),
                    parts: parts(other, nonce),
                }).collect::<Vec<_>>(),
                gates => gates_text(gates),
            },
        )
    }

    fn render(&self, name: &'static str, values: minijinja::Value) -> Result<String, PromptError> {
        let failed = |source| PromptError { name, source };
        self.templates.get_template(name).and_then(|template| template.render(values)).map_err(failed)
    }
}

/// Text of others, made visible and bounded; should it know the nonce, it loses it.
fn fit(text: &str, nonce: &str, bound: impl Fn(&str) -> String) -> String {
    let text = bound(text);
    if text.contains(nonce) { text.replace(nonce, "[...]") } else { text }
}

fn parts(bead: &Bead, nonce: &str) -> Vec<Part> {
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
fn findings_text(findings: &[Finding], nonce: &str) -> String {
    let mut text = String::new();
    for finding in findings.iter().take(FINDINGS) {
        let title = fit(&finding.title, nonce, |text| one_line(text, 300));
        let _ = write!(text, "\n- {} ({}", title, one_line(&finding.source, 80));
        if let Some(file) = &finding.file {
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let _ = write!(text, ", {}{line}", fit(file, nonce, |text| one_line(text, 200)));
        }
        text.push_str(")\n");
        if !finding.detail.trim().is_empty() {
            let detail = fit(&finding.detail, nonce, |text| clip_front(&visible(text), FINDING_BYTES));
            let _ =
                write!(text, "\n<output-{nonce}>\n{}\n</output-{nonce}>\n", detail.trim_end_matches('\n'));
        }
    }
    if findings.len() > FINDINGS {
        let _ = write!(text, "\n[... {} more findings left out]\n", findings.len() - FINDINGS);
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

#[derive(Serialize)]
struct GateLine {
    name: String,
    run: String,
    timeout: String,
}

fn gates_text(gates: &[Gate]) -> Vec<GateLine> {
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

#[cfg(test)]
mod tests;

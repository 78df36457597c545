//! The words an agent gets: what is wanted, what the project is like, how the work is judged.
//!
//! Owns the prompt templates, the fences around text of others and its bounds (T19). Values are put in after
//! the template was read, so braces in a bead are only braces. A project's own templates are `overrides`'. It sends
//! nothing: prompts go over stdin, never through a shell. Start with [`Prompts::work`].

mod overrides;
mod parts;
mod review;

use std::collections::BTreeMap;

use minijinja::{Environment, context};
use serde::Serialize;

use super::project::Summary;
use super::stack::main_tests;
use crate::config::project::Gate;
use crate::domain::bead::Bead;
use crate::domain::finding::Finding;
use crate::domain::text::{clip, one_line, visible};
use parts::{Part, findings_text, fit, gates_text, parts};

pub use overrides::{FOLDER, NAMES, PromptError, Stray, path_of, strays};
pub use review::{Proven, Review};

const TITLE_CHARS: usize = 500;
const WHY_CHARS: usize = 300;
/// A person's word may be a whole answer.
const WORD_BYTES: usize = 16 << 10;
const PATHS: usize = 100;
const OTHERS: usize = 5;

/// The templates, read once: those of the binary, or a project's own in their place.
#[derive(Debug)]
pub struct Prompts {
    templates: Environment<'static>,
    /// The files of a project's own templates, by name.
    own: BTreeMap<String, String>,
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

/// What is said where an earlier claim's work goes on.
#[derive(Debug, Clone, Copy)]
pub struct GoesOn<'a> {
    pub bead: &'a Bead,
    /// A person's own words, which come first.
    pub word: Option<&'a str>,
    /// The bead it waited for.
    pub blocker: Option<&'a str>,
    /// There is earlier work in the clone.
    pub kept: bool,
    /// The commit of the target that was merged in meanwhile.
    pub moved: Option<&'a str>,
    pub target: &'a str,
    /// Of reviews of the kept work: what its author has to answer.
    pub findings: &'a [Finding],
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

#[derive(Serialize)]
struct Other {
    id: String,
    title: String,
    parts: Vec<Part>,
}

impl Prompts {
    /// What a first (or fresh) conversation about a bead begins with.
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

    /// Goes on in the same conversation with what was found.
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

    /// Asks the author, whose last run was ended by a limit, to finish.
    pub fn wrap_up(&self, bead: &Bead, gates: &[Gate], why: &str) -> Result<String, PromptError> {
        let (id, gates) = (one_line(bead.id.as_str(), 200), gates_text(gates));
        self.render("wrap-up", context! { id, gates, why => one_line(why, WHY_CHARS) })
    }

    /// Goes on with what an earlier claim kept: after a blocker was closed, or a person gave the bead back.
    pub fn blocked(&self, on: &GoesOn<'_>) -> Result<String, PromptError> {
        self.render(
            "blocked",
            context! {
                id => one_line(on.bead.id.as_str(), 200),
                word => on.word.map(|word| clip(&visible(word), WORD_BYTES)),
                blocker => on.blocker.map(|id| one_line(id, 200)),
                kept => on.kept,
                moved => on.moved,
                target => one_line(on.target, 200),
                findings => findings_text(on.findings, on.nonce),
            },
        )
    }

    /// Has one run unite the work with what landed meanwhile.
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
}

#[cfg(test)]
mod tests;

//! What was worked on before: every claim that ended, searched and filtered.
//!
//! Owns the filter and the rows. Start with [`Wanted`] and [`rows`].

use chrono::{DateTime, Utc};

use super::place;
use super::words::{Tone, When, money, spaced, span};
use crate::domain::clean::{clean_line, ellipsis};
use crate::lifecycle::Story;

/// Rows of one page.
pub const PAGE: usize = 50;

/// What a reader looks for. Empty words want everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Words that all have to be there, in id, title, reason or cause.
    pub words: String,
    pub project: String,
    pub outcome: String,
    /// Pages before this one.
    pub page: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub bead: String,
    pub title: String,
    pub project: String,
    pub link: String,
    pub run: Option<String>,
    pub outcome: String,
    pub tone: Tone,
    pub cause: String,
    pub reason: String,
    pub ended: When,
    pub took: String,
    pub cost: String,
    pub attempts: u32,
}

/// The wanted page, and whether there are more.
pub fn rows(stories: &[(Story, DateTime<Utc>)], wanted: &Wanted) -> (Vec<Row>, bool) {
    let words: Vec<String> = wanted.words.split_whitespace().map(str::to_lowercase).collect();
    let mut found = stories.iter().filter(|(story, _)| fits(story, wanted, &words)).skip(wanted.page * PAGE);
    let rows: Vec<Row> = found.by_ref().take(PAGE).map(|(story, ended)| row(story, *ended)).collect();
    (rows, found.next().is_some())
}

fn fits(story: &Story, wanted: &Wanted, words: &[String]) -> bool {
    let finish = &story.finish;
    let of_project = wanted.project.is_empty() || story.project.as_str() == wanted.project;
    let of_outcome = wanted.outcome.is_empty() || finish.outcome.as_str() == wanted.outcome;
    let cause = finish.cause.as_ref().map_or("", |c| c.as_str());
    let text = format!("{} {} {} {cause}", story.bead, story.order.title, finish.reason).to_lowercase();
    of_project && of_outcome && words.iter().all(|word| text.contains(word))
}

fn row(story: &Story, ended: DateTime<Utc>) -> Row {
    let finish = &story.finish;
    let project = story.project.as_str();
    Row {
        bead: clean_line(story.bead.as_str()),
        title: ellipsis(&story.order.title, 200),
        project: project.to_owned(),
        link: place::bead(project, story.bead.as_str()),
        run: story.run().map(|run| place::run(project, run.as_str())),
        outcome: spaced(finish.outcome.as_str()),
        tone: Tone::of(finish.outcome.as_str()),
        cause: finish.cause.as_ref().map(|c| spaced(c.as_str())).unwrap_or_default(),
        reason: ellipsis(&finish.reason, 300),
        ended: When::of(ended),
        took: span(story.started, ended),
        cost: money(story.cost_usd.max(finish.cost_usd)),
        attempts: story.attempt,
    }
}

#[cfg(test)]
mod tests;

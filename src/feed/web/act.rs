//! The page behind a one-time link: it says what would be done, and does it by one press (rules 19.2).
//!
//! Owns the page and its script. It works without a login, because the link is its own secret, and shows no more than
//! the message that carried the link. Fetching it changes nothing, so a mail scanner may. Start with [`page`].

use askama::Template;

use super::pages::{Alone, html};
use crate::domain::clean::ellipsis;

const PATH: &str = "/act/";
/// Where the script stands; no secret has a dot.
pub const SCRIPT_PATH: &str = "/act/page.js";
pub const SCRIPT: &str = include_str!("act/page.js");

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// What would be done: `Approve`, `Try again`, `Put aside`; none where nothing can be done any more.
    pub press: Option<&'static str>,
    pub bead: String,
    pub title: String,
    /// What follows, or why nothing can.
    pub words: &'static str,
}

#[derive(Template)]
#[template(path = "act.html")]
struct Page {
    alone: Alone,
    press: Option<&'static str>,
    bead: String,
    title: String,
    words: &'static str,
}

/// The page as text. The secret is not in it: its script takes it from the address.
pub fn page(question: &Question) -> String {
    html(&Page {
        alone: Alone { title: "Beadwork", script: SCRIPT_PATH },
        press: question.press,
        bead: ellipsis(&question.bead, 60),
        title: ellipsis(&question.title, 200),
        words: question.words,
    })
}

/// What strangers may fetch of it.
pub(super) fn is_open(path: &str) -> bool {
    path.starts_with(PATH)
}

#[cfg(test)]
mod tests;

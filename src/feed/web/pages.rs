//! One template a page, escaped by default and checked when the program is built.
//!
//! Owns the frame around a page and which template shows which view. `safe` is used once, for plots; a test reads
//! them all. Start with [`Shell`] and [`html`].

use askama::Template;

use crate::feed::brief::Plot;
use crate::feed::view::action::Action;
use crate::feed::view::bead::BeadPage;
use crate::feed::view::brief;
use crate::feed::view::findings::Finding;
use crate::feed::view::history::{Row, Wanted};
use crate::feed::view::run::RunPage;
use crate::feed::view::settings::{Section, Told};
use crate::feed::view::tonight::Tonight;
use crate::feed::view::words::When;

/// What is around a page.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    pub title: String,
    /// The page's word: its place in the navigation, and what its script goes by.
    pub page: &'static str,
    /// Without: a login or confirm page, which leads nowhere else.
    pub nav: bool,
    /// The one stream that the page listens to, and the number from which on.
    pub stream: Option<String>,
    pub since: u64,
}

impl Shell {
    /// A page of its own, without stream and navigation.
    pub fn bare(page: &'static str, title: &str) -> Self {
        Self { title: title.to_owned(), page, ..Self::default() }
    }

    fn places(&self) -> [(&'static str, &'static str); 5] {
        [
            ("Tonight", "/"),
            ("History", "/history"),
            ("Findings", "/findings"),
            ("Brief", "/brief"),
            ("Settings", "/settings"),
        ]
    }
}

/// Pages that show one view and nothing beside it.
macro_rules! shows {
    ($($path:tt: $page:ident { $field:ident: $view:ty })*) => {$(
        #[derive(Template)]
        #[template(path = $path)]
        pub struct $page<'a> {
            pub shell: Shell,
            pub $field: &'a $view,
        }
    )*};
}

shows! {
    "tonight.html": TonightHtml { t: Tonight }
    "bead.html": BeadHtml { b: BeadPage }
    "run.html": RunHtml { r: RunPage }
}

#[derive(Template)]
#[template(path = "history.html")]
pub struct HistoryHtml<'a> {
    pub shell: Shell,
    pub wanted: &'a Wanted,
    /// Id and name.
    pub projects: &'a [(String, String)],
    pub outcomes: &'a [&'a str],
    pub rows: &'a [Row],
    pub newer: Option<String>,
    pub older: Option<String>,
}

#[derive(Template)]
#[template(path = "findings.html")]
pub struct FindingsHtml<'a> {
    pub shell: Shell,
    pub findings: &'a [Finding],
    pub open_only: bool,
    pub days: i64,
}

/// The one page with markup that a template did not make: plots, drawn by the program from figures alone.
#[derive(Template)]
#[template(path = "brief.html")]
pub struct BriefHtml<'a> {
    pub shell: Shell,
    pub night: &'a str,
    pub headline: &'a str,
    pub opened: &'a When,
    pub to: &'a When,
    pub sections: &'a [brief::Section],
    pub plots: &'a [Plot],
    /// A night's name and its page.
    pub earlier: Option<(String, String)>,
    pub later: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "settings.html")]
pub struct SettingsHtml<'a> {
    pub shell: Shell,
    pub sections: &'a [Section],
    pub told: Option<&'a Told>,
}

/// A few lines and at most one thing to do: refusals, confirmations, the page without a connection.
#[derive(Template)]
#[template(path = "plain.html")]
pub struct PlainHtml<'a> {
    pub shell: Shell,
    pub heading: &'a str,
    pub lines: &'a [String],
    pub action: Option<Action>,
    pub back: Option<(&'a str, &'a str)>,
}

/// What is around a page that stands alone, without any state and for strangers too.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    pub title: &'static str,
    /// The one script that it has.
    pub script: &'static str,
}

/// Where a login link leads.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginHtml {
    pub alone: Alone,
}

/// What a browser gets that nobody knows.
#[derive(Template)]
#[template(path = "stranger.html")]
pub struct StrangerHtml {
    pub alone: Alone,
}

/// The page as text. Templates cannot fail but for want of memory.
pub fn html(page: &impl Template) -> String {
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be made");
        "<!doctype html><title>Beadwork</title><p>This page could not be made.</p>".to_owned()
    })
}

#[cfg(test)]
mod tests;

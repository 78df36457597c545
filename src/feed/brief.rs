//! The report of a night, every sentence of it derived from the journal.
//!
//! Owns its shape for API, page, mail and terminal, how it is put together from events (`assemble`) and how it is
//! written (`text`, `html`, `plot`, `raster`). It asks nobody but the journal: each [`Line`] carries the numbers of the
//! events it rests on. Text in it is on one line and free of control characters, but not escaped. Start with
//! [`of`] and [`Brief`].

mod assemble;
mod chapter;
mod endings;
mod html;
mod load;
mod mail;
mod markup;
mod needs;
mod notes;
mod plot;
mod raster;
mod series;
mod shape;
mod sums;
mod text;

pub use assemble::assemble;
pub use html::{html, page};
pub use load::{DAY, Material, NightRow, Which, material, nights, of};
pub use mail::{Image, MailBody, mail};
pub use plot::{Plot, plots};
pub use shape::{
    Act, Action, Bar, BeadRef, Brief, Change, Facts, Item, Kind, Line, Money, Night, NightState,
    ProjectMoney, Section, Series, Step, Tally,
};
pub use text::{Ink, text};

impl Brief {
    pub fn section(&self, kind: Kind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }

    /// Every line of it, headline first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        let items = self.sections.iter().flat_map(|section| &section.items);
        let lines =
            items.flat_map(|item| std::iter::once(&item.line).chain(&item.more).chain(item.settled.as_ref()));
        std::iter::once(&self.headline).chain(lines)
    }

    /// Whether beads of more than one project are in it.
    fn has_many_projects(&self) -> bool {
        let items = self.sections.iter().flat_map(|section| &section.items);
        let mut beads = items.filter_map(|item| item.bead.as_ref().map(|bead| &bead.project));
        beads.next().is_some_and(|first| beads.any(|other| other != first))
    }

    /// The link to a page below the base, where there is a base.
    pub fn link(&self, path: &str) -> Option<String> {
        self.base.as_ref().map(|base| format!("{}{path}", base.trim_end_matches('/')))
    }
}

impl Kind {
    pub fn title(self) -> &'static str {
        match self {
            Self::NeedsYou => "Needs you",
            Self::Landed => "Landed",
            Self::Failed => "Failed",
            Self::Cancelled => "Stopped by a person",
            Self::Suspended => "Suspended",
            Self::Running => "Still under way",
            Self::Blocked => "Blocked",
            Self::Findings => "Beads that findings made",
            Self::Forecast => "Forecast and outcome",
            Self::Money => "Money",
            Self::Unsent => "Not pushed yet",
            Self::Troubles => "What went wrong on the way",
            Self::NotStarted => "Not started",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs_you",
            Self::Landed => "landed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Suspended => "suspended",
            Self::Running => "running",
            Self::Blocked => "blocked",
            Self::Findings => "findings",
            Self::Forecast => "forecast",
            Self::Money => "money",
            Self::Unsent => "unsent",
            Self::Troubles => "troubles",
            Self::NotStarted => "not_started",
        }
    }
}

impl BeadRef {
    /// The path of the bead's page.
    pub fn path(&self) -> String {
        format!("/projects/{}/beads/{}", segment(&self.project), segment(&self.id))
    }
}

/// Untrusted text as one line of a sentence.
fn line(text: &str) -> String {
    crate::domain::text::one_line(text, 500)
}

/// A part of a path that stands for itself whatever it holds.
fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

impl Line {
    fn new(text: impl Into<String>, mut seqs: Vec<u64>) -> Self {
        seqs.sort_unstable();
        seqs.dedup();
        Self { text: text.into(), seqs }
    }
}

impl Item {
    /// A sentence about the whole night.
    fn told(line: Line) -> Self {
        Self { bead: None, line, more: Vec::new(), action: None, settled: None, facts: Facts::default() }
    }
}

#[cfg(test)]
mod tests;

//! A brief as lines for a terminal or a mail's text, broken at any width.
//!
//! Owns the layout and what each line means; whoever prints gives the colours. A command is never broken: it
//! must survive being copied. Start with [`text`].

use unicode_width::UnicodeWidthStr as _;

use super::{Brief, Item, Kind};
use crate::domain::clean::clean_line;

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Headline,
    /// A section begins.
    Title,
    Good,
    Bad,
    /// A bead that waits for somebody.
    Mind,
    Plain,
    /// Further details.
    Dim,
    Command,
}

/// The narrowest terminal that is thought of.
const LEAST: usize = 24;

/// All lines, each at most `width` columns but for commands and words that are longer.
pub fn text(brief: &Brief, width: usize) -> Vec<(Ink, String)> {
    let width = width.max(LEAST);
    let many = brief.has_many_projects();
    let mut out = Vec::new();
    wrap(&mut out, Ink::Headline, &brief.headline.text, 0, width);
    for section in &brief.sections {
        out.push((Ink::Title, section.title.clone()));
        for entry in &section.items {
            item(&mut out, section.kind, entry, (many, width));
        }
    }
    out
}

fn item(out: &mut Vec<(Ink, String)>, kind: Kind, item: &Item, (many, width): (bool, usize)) {
    let ink = match kind {
        _ if item.settled.is_some() => Ink::Dim,
        Kind::Landed => Ink::Good,
        Kind::Failed => Ink::Bad,
        Kind::NeedsYou | Kind::Suspended | Kind::Blocked | Kind::Unsent => Ink::Mind,
        _ => Ink::Plain,
    };
    let indent = match &item.bead {
        Some(bead) => {
            let project = if many { format!(" ({})", bead.project_name) } else { String::new() };
            wrap(out, ink, &format!("{} {}{project}", bead.id, bead.title), 2, width);
            4
        }
        None => 2,
    };
    wrap(out, Ink::Plain, &item.line.text, indent, width);
    for more in &item.more {
        wrap(out, Ink::Dim, &more.text, indent, width);
    }
    if let Some(settled) = &item.settled {
        wrap(out, Ink::Good, &settled.text, indent, width);
    }
    let shown = item.facts.change.as_ref().filter(|_| matches!(kind, Kind::Landed | Kind::NeedsYou));
    let commands =
        shown.map(|change| &change.command).into_iter().chain(item.action.as_ref().map(|a| &a.command));
    for command in commands {
        out.push((Ink::Command, format!("{:indent$}$ {}", "", clean_line(command))));
    }
}

/// Words as they fit, further lines two columns deeper.
fn wrap(out: &mut Vec<(Ink, String)>, ink: Ink, text: &str, indent: usize, width: usize) {
    let text = clean_line(text);
    let mut line = " ".repeat(indent);
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.width() + 1 + word.width() > width {
            out.push((ink, std::mem::replace(&mut line, " ".repeat(indent + 2))));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push((ink, line));
}

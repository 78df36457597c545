//! A brief as a fragment of a page: headings, lists, plots.
//!
//! Owns its structure and class names, each of which begins with `brief`. It has no script, no style and no
//! address but paths of our own: what it looks like is the page's matter. Start with [`html`].

use super::markup::Markup;
use super::{Brief, Item, Line, plots};

/// The whole brief with its plots inline.
pub fn html(brief: &Brief) -> String {
    let mut out = Markup::default();
    out.tag("article", &[("class", "brief")]);
    out.leaf("h1", &[("class", "brief-headline")], &brief.headline.text);
    sections(&mut out, brief, |bead| Some(bead.path()));
    out.tag("section", &[("class", "brief-section brief-plots")]);
    out.leaf("h2", &[], "The night in pictures");
    for plot in plots(brief) {
        out.tag("figure", &[("class", "brief-plot")]).put(&plot.svg);
        out.leaf("figcaption", &[], &plot.title).end();
    }
    out.finish()
}

/// A page of its own, which needs nothing beside it.
pub fn page(brief: &Brief) -> String {
    let mut out = Markup::default();
    out.tag("html", &[("lang", "en")]).tag("head", &[]).lone("meta", &[("charset", "utf-8")]);
    out.lone("meta", &[("name", "viewport"), ("content", "width=device-width")]);
    out.lone("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    out.leaf("title", &[], &brief.headline.text).end();
    out.tag("body", &[]).put(&html(brief));
    format!("<!DOCTYPE html>\n{}", out.finish())
}

/// The sections alone; `link` says where a bead's page is.
pub(super) fn sections(out: &mut Markup, brief: &Brief, link: impl Fn(&super::BeadRef) -> Option<String>) {
    for section in &brief.sections {
        let class = format!("brief-section brief-{}", section.kind.as_str().replace('_', "-"));
        out.tag("section", &[("class", &class)]);
        let title = format!("{} ({})", section.title, section.items.len());
        let counted = section.items.iter().any(|item| item.bead.is_some());
        out.leaf("h2", &[], if counted { &title } else { &section.title });
        out.tag("ul", &[("class", "brief-items")]);
        for entry in &section.items {
            item(out, entry, &link);
        }
        out.end().end();
    }
}

fn item(out: &mut Markup, item: &Item, link: &impl Fn(&super::BeadRef) -> Option<String>) {
    out.tag("li", &[("class", "brief-item")]);
    if let Some(bead) = &item.bead {
        out.tag("p", &[("class", "brief-bead")]);
        match link(bead) {
            Some(href) => out.leaf("a", &[("href", &href), ("class", "brief-id")], &bead.id),
            None => out.leaf("code", &[("class", "brief-id")], &bead.id),
        };
        out.text(" ").leaf("span", &[("class", "brief-title")], &bead.title).text(" ");
        out.leaf("span", &[("class", "brief-project")], &bead.project_name).end();
    }
    line(out, "brief-line", &item.line);
    for more in &item.more {
        line(out, "brief-more", more);
    }
    if let Some(change) = &item.facts.change {
        out.tag("p", &[("class", "brief-diff")]).leaf("code", &[], &change.command).end();
    }
    if let Some(settled) = &item.settled {
        line(out, "brief-settled", settled);
    }
    if let Some(action) = &item.action {
        out.tag("p", &[("class", "brief-action")]).text(&action.label).text(": ");
        out.leaf("code", &[], &action.command).end();
    }
    out.end();
}

fn line(out: &mut Markup, class: &str, line: &Line) {
    let seqs: Vec<String> = line.seqs.iter().take(20).map(ToString::to_string).collect();
    out.leaf("p", &[("class", class), ("data-seqs", &seqs.join(" "))], &line.text);
}

//! A brief as a mail: a text that stands alone, and the same with plots.
//!
//! Owns what a mail of a brief holds; its subject and how it is sent are not its matter. Many people have pictures
//! switched off, so nothing is said by a plot alone. Links are there only where the brief has a base (rules 19.2).
//! Drawing takes a while: [`mail`] is not for a thread on which others wait.

use super::markup::Markup;
use super::raster::{self, NotDrawn};
use super::{Brief, Ink, Plot, plots, text};

/// Columns of the text.
const WIDTH: usize = 72;

/// Everything but the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailBody {
    pub text: String,
    pub html: String,
    pub images: Vec<Image>,
}

/// A picture that the HTML names as `cid:<cid>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// As the plot's.
    pub name: &'static str,
    pub png: Vec<u8>,
}

impl Image {
    pub fn cid(&self) -> String {
        cid(self.name)
    }
}

fn cid(name: &str) -> String {
    format!("{name}@brief")
}

/// The mail of a brief.
pub fn mail(brief: &Brief) -> MailBody {
    written(brief, |plot| raster::png(&plot.svg))
}

/// A picture that `draw` does not give is missing, and the mail says so; everything else stays.
pub(super) fn written(brief: &Brief, draw: impl Fn(&Plot) -> Result<Vec<u8>, NotDrawn>) -> MailBody {
    let own = brief.link(&format!("/brief/{}", super::segment(&brief.night.id)));
    let mut plain = String::new();
    for (ink, line) in text(brief, WIDTH) {
        if ink == Ink::Title && !plain.is_empty() {
            plain.push('\n');
        }
        plain.push_str(&line);
        plain.push('\n');
    }
    let mut out = Markup::default();
    out.tag("html", &[]).tag("head", &[]).lone("meta", &[("charset", "utf-8")]);
    out.leaf("title", &[], &brief.headline.text).end().tag("body", &[]);
    out.leaf("h1", &[], &brief.headline.text);
    if let Some(own) = &own {
        plain.push_str(&format!("\n{own}\n"));
        out.tag("p", &[]).leaf("a", &[("href", own)], "Open the brief").end();
    }
    super::html::sections(&mut out, brief, |bead| brief.link(&bead.path()));
    let mut images = Vec::new();
    for plot in plots(brief) {
        match draw(&plot) {
            Ok(png) => {
                out.tag("p", &[]).text(&plot.title).lone("br", &[]);
                let src = format!("cid:{}", cid(plot.name));
                out.lone("img", &[("src", &src), ("alt", &plot.title), ("width", "640")]).end();
                images.push(Image { name: plot.name, png });
            }
            Err(error) => {
                tracing::warn!(plot = plot.name, %error, "a picture is missing in a mail");
                out.leaf("p", &[], &format!("{}: no picture here, {error}", plot.title));
            }
        }
    }
    let html = format!("<!DOCTYPE html>\n{}", out.finish());
    MailBody { text: plain, html, images }
}

//! A plot as PNG: most mail programs show no SVG.
//!
//! Owns turning our own SVG into pixels: on white, at twice its size for sharp screens, and with the one font that is
//! part of the program, so that a server without fonts draws it and every machine draws the same bytes. What is too
//! large is refused, and no drawing takes more down with it than itself. Start with [`png`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use epaint_default_fonts::HACK_REGULAR;
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, FontResolver, Options, Tree, fontdb};

const SCALE: f32 = 2.0;
/// In pixels: the tallest picture that the house draws, the runs of sixty beads, and some more.
const MOST_WIDE: f32 = 1280.0;
const MOST_TALL: f32 = 2560.0;
/// In bytes: several thousand runs, a second or two of drawing. It is what bounds the time.
const MOST_SVG: usize = 2 << 20;
/// In bytes: flat colours and thin lines press well.
const MOST_PNG: usize = 2 << 20;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDrawn {
    #[error("it would be too large")]
    Large,
    // What cannot be read may quote what somebody else wrote.
    #[error("it cannot be read")]
    Read(#[from] usvg::Error),
    #[error("drawing it failed")]
    Failed,
}

/// The pixels of an SVG of ours.
pub(super) fn png(svg: &str) -> Result<Vec<u8>, NotDrawn> {
    if svg.len() > MOST_SVG {
        return Err(NotDrawn::Large);
    }
    // Names of beads are in it, and shaping foreign letters is a lot of foreign code.
    catch_unwind(AssertUnwindSafe(|| draw(svg))).unwrap_or(Err(NotDrawn::Failed))
}

fn draw(svg: &str) -> Result<Vec<u8>, NotDrawn> {
    let tree = Tree::from_str(svg, &options())?;
    let (width, height) = (tree.size().width() * SCALE, tree.size().height() * SCALE);
    if width > MOST_WIDE || height > MOST_TALL {
        return Err(NotDrawn::Large);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and bounded above"
    )]
    let mut pixels = Pixmap::new(width.ceil() as u32, height.ceil() as u32).ok_or(NotDrawn::Large)?;
    // Dark readers put a page's own ground behind what is clear, and grey words on it.
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|_| NotDrawn::Failed)?;
    if png.len() > MOST_PNG { Err(NotDrawn::Large) } else { Ok(png) }
}

/// One font for everything. A letter that it lacks is a box, whatever fonts the machine has.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let ids = options.fontdb_mut().load_font_source(fontdb::Source::Binary(Arc::new(HACK_REGULAR)));
    let font = ids.first().copied();
    options.font_resolver =
        FontResolver { select_font: Box::new(move |_, _| font), select_fallback: Box::new(|_, _, _| None) };
    options
}

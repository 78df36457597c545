//! Plots as pixels, in the mail: every one of them, on white, with its words, whatever the night was.

use proptest::prelude::*;
use resvg::tiny_skia::Pixmap;

use super::super::mail::written;
use super::super::raster::{NotDrawn, png};
use super::super::*;
use super::pictures::{at, bar, small};
use super::{simulated, told};

/// Right of this the names of beads end, in pixels.
const NAMES: u32 = 228;

fn pixels(png: &[u8]) -> Pixmap {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    Pixmap::decode_png(png).unwrap()
}

fn picture(brief: &Brief, name: &str) -> Pixmap {
    let plot = plots(brief).into_iter().find(|plot| plot.name == name).unwrap();
    pixels(&png(&plot.svg).unwrap())
}

/// The small night with one bead of this name.
fn named(bead: &str) -> Brief {
    let mut brief = small();
    brief.series.runs = vec![bar(bead, "work", 5, Some(90), "completed")];
    brief
}

/// How many pixels are not white, where the names stand.
fn ink(pixels: &Pixmap) -> usize {
    let rows = pixels.pixels().chunks(pixels.width() as usize);
    let names = rows.flat_map(|row| &row[..NAMES as usize]);
    names.filter(|pixel| (pixel.red(), pixel.green(), pixel.blue()) != (255, 255, 255)).count()
}

#[test]
fn a_mail_shows_every_plot_as_png_on_white() {
    let (journal, events) = simulated("three_projects");
    for brief in [small(), told(&journal, &events, &Which::Last)] {
        let (body, all) = (mail(&brief), plots(&brief));
        assert_eq!((body.images.len(), all.len()), (5, 5));
        for (image, plot) in body.images.iter().zip(&all) {
            let pixels = pixels(&image.png);
            let height: f64 =
                plot.svg.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
            assert_eq!((pixels.width(), f64::from(pixels.height())), (1280, 2.0 * height), "{}", plot.name);
            assert!(
                pixels.pixels().iter().all(|pixel| pixel.alpha() == 255),
                "dark readers show what is behind"
            );
            let white = pixels.pixels().iter().filter(|p| (p.red(), p.green(), p.blue()) == (255, 255, 255));
            assert!(
                (pixels.pixels().len() / 2..pixels.pixels().len()).contains(&white.count()),
                "{}",
                plot.name
            );
            let shown = format!(
                "<p>{title}<br/><img src=\"cid:{}\" alt=\"{title}\" width=\"640\"/></p>",
                image.cid(),
                title = plot.title
            );
            assert!(body.html.contains(&shown), "{}", body.html);
        }
        assert!(!body.html.contains("<svg"));
        assert_eq!(mail(&brief), body, "the same brief is the same mail");
    }
}

#[test]
fn words_in_pictures_need_no_font_of_the_machine() {
    assert_eq!(ink(&picture(&named(""), "runs")), 0);
    let (one, other) = (picture(&named("t-1"), "runs"), picture(&named("t-2"), "runs"));
    assert!(ink(&one) > 50 && ink(&other) > 50 && one != other);
    assert!(ink(&picture(&named("shop-api-1234.56"), "runs")) > 3 * ink(&one));
    // Hours of the clock on the wall, and money.
    let (mut there, mut dear) = (small(), small());
    there.night.zone = "America/New_York".into();
    assert_ne!(picture(&there, "slots"), picture(&small(), "slots"));
    dear.series.spend_cap = Some(20.0);
    dear.series.spend.iter_mut().for_each(|step| step.value *= 10.0);
    assert_ne!(picture(&dear, "spend"), picture(&small(), "spend"));
}

#[test]
fn t34_t39_no_name_of_a_bead_keeps_a_picture_away() {
    let plain = picture(&named("t-1"), "runs");
    let piled = format!("a{}", "\u{301}".repeat(499));
    let long = "W".repeat(500);
    let names = [
        "<t&2>",
        "]]><!--",
        "\"/><image href=\"file:///etc/passwd\"/>",
        "&#0;&evil;",
        "<![CDATA[",
        "\u{0}\u{b}\u{1b}[2J",
        "x\u{fffe}\u{ffff}",
        "\u{fdd0}\u{10ffff}",
        "\u{202e}abc\u{2066}",
        "日本語",
        "🦀👩‍👩‍👧",
        "سلام",
        "นี่",
        &piled,
        &long,
    ];
    for name in names {
        let body = mail(&named(name));
        assert_eq!(body.images.len(), 5, "{name:?}: {}", body.html);
        let drawn = pixels(&body.images[4].png);
        assert_eq!((drawn.width(), drawn.height()), (plain.width(), plain.height()), "{name:?}");
    }
}

#[test]
fn a_giant_night_makes_no_giant_picture() {
    let mut brief = small();
    let beads = (0..2000).map(|n| bar(&format!("t-{n}"), "work", n % 150, Some(n % 150 + 40), "failed"));
    brief.series.runs = beads.collect();
    let body = mail(&brief);
    let tallest = pixels(&body.images[4].png);
    assert!(tallest.height() <= 2400, "{}", tallest.height());
    assert!(body.images.iter().map(|image| image.png.len()).sum::<usize>() < 1 << 20);
    // Sixty beads of the maddest kind.
    let runs =
        (0..20_000).map(|n| bar(&format!("t-{}", n % 60), "gate", n % 190, Some(n % 190 + 5), "failed"));
    brief.series.runs = runs.collect();
    let body = mail(&brief);
    assert_eq!(body.images.len(), 4);
    assert!(
        body.html.contains("<p>Runs by bead: no picture here, it would be too large</p>"),
        "{}",
        body.html
    );
}

#[test]
fn a_picture_that_cannot_be_drawn_is_missing_and_the_mail_says_so() {
    let brief = small();
    let body =
        written(&brief, |plot| if plot.name == "spend" { Err(NotDrawn::Failed) } else { png(&plot.svg) });
    assert_eq!(
        body.images.iter().map(|image| image.name).collect::<Vec<_>>(),
        ["slots", "queue", "landed", "runs"]
    );
    assert_eq!(body.html.matches("<img ").count(), 4);
    assert!(
        body.html.contains("<p>US dollars spent: no picture here, drawing it failed</p>"),
        "{}",
        body.html
    );
    assert_eq!(body.text, mail(&brief).text);
    assert!(matches!(png("<svg"), Err(NotDrawn::Read(_))));
    let giant = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"90000\"/>";
    assert!(matches!(png(giant), Err(NotDrawn::Large)));
}

fn step() -> impl Strategy<Value = Step> {
    (-10_000_i64..10_000, any::<f64>()).prop_map(|(minutes, value)| Step { at: at(minutes), value })
}

fn run() -> impl Strategy<Value = Bar> {
    let times = (-10_000_i64..10_000, proptest::option::of(-10_000_i64..10_000));
    let state = prop_oneof![Just("completed".to_owned()), Just("timeout".to_owned()), any::<String>()];
    (any::<String>(), prop_oneof!["work", "gate"], times, state)
        .prop_map(|(bead, kind, (from, to), state)| bar(&bead, &kind, from, to, &state))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_brief_has_its_mail(
        slots in proptest::collection::vec(step(), 0..20),
        spend in proptest::collection::vec(step(), 0..20),
        cap in proptest::option::of(any::<f64>()),
        runs in proptest::collection::vec(run(), 0..70),
        lasts in -100_i64..1_000_000,
    ) {
        let mut brief = small();
        brief.night.to = at(lasts);
        brief.series = Series { slots, spend, spend_cap: cap, runs, ..Series::default() };
        let body = mail(&brief);
        for image in &body.images {
            let pixels = pixels(&image.png);
            prop_assert!(pixels.width() == 1280 && pixels.height() <= 2560);
        }
        let missing = body.html.matches("no picture here").count();
        prop_assert_eq!((missing, body.images.len()), (0, plots(&brief).len()));
    }
}

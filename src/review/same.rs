//! Whether two findings are one defect, told twice.
//!
//! Owns the rule of place and words, used between rounds, within a reply and against beads. How alike words are is
//! for `similar`. Start with [`sameness`].

use super::origin::is_same_file;
use super::similar::{Similarity, normalised};
use crate::domain::finding::Finding;

/// So alike must words be, by how many lines lie between the places: the nearer, the less.
const NEEDED: [(u32, f64); 3] = [(2, 0.30), (10, 0.45), (40, 0.60)];
/// And where nothing is known of the lines, or of the file.
const NEEDED_ANYWHERE: f64 = 0.80;
/// Where the titles alone do not say it, title and detail together must be so much more alike.
const DETAIL_MORE: f64 = 0.10;
/// Of a detail, the beginning says what it is about.
const DETAIL_CHARS: usize = 300;

/// `None`: two defects. Else how sure that it is one; more is surer.
pub(crate) fn sameness(a: &Finding, b: &Finding, similar: &dyn Similarity) -> Option<f64> {
    let (apart, needed) = match (&a.file, &b.file) {
        (Some(one), Some(other)) if !is_same_file(one, other) => return None,
        (Some(_), Some(_)) => match (a.line, b.line) {
            (Some(one), Some(other)) => {
                let apart = one.abs_diff(other);
                (apart, needed(apart))
            }
            _ => (NEEDED[2].0, NEEDED[2].1),
        },
        (None, None) => (NEEDED[2].0, NEEDED[2].1),
        _ => (u32::MAX, NEEDED_ANYWHERE),
    };
    let nearness = 1.0 / (1.0 + f64::from(apart));
    if has_same_title(a, b) {
        return Some(2.0 + nearness);
    }
    let titles = similar.of(&a.title, &b.title);
    if titles >= needed {
        return Some(titles + nearness);
    }
    // Details share phrases that say nothing; they only help titles that have something in common.
    let whole = similar.of(&words(a), &words(b));
    (titles >= needed / 2.0 && whole >= needed + DETAIL_MORE).then_some(whole + nearness)
}

pub(crate) fn has_same_title(a: &Finding, b: &Finding) -> bool {
    let title = normalised(&a.title);
    !title.is_empty() && title == normalised(&b.title)
}

fn needed(apart: u32) -> f64 {
    NEEDED.iter().find(|(lines, _)| apart <= *lines).map_or(NEEDED_ANYWHERE, |(_, needed)| *needed)
}

fn words(finding: &Finding) -> String {
    let detail: String = finding.detail.chars().take(DETAIL_CHARS).collect();
    format!("{} {detail}", finding.title)
}

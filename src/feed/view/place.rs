//! Where things are: the paths of pages and of the API.
//!
//! Owns the escaping of ids in a path, so that a bead or project of any spelling stays one segment of our own
//! origin. Start with [`bead`].

use std::fmt::Write as _;

/// A page of one bead.
pub fn bead(project: &str, bead: &str) -> String {
    format!("/projects/{}/beads/{}", segment(project), segment(bead))
}

/// A page of one run.
pub fn run(project: &str, run: &str) -> String {
    format!("/projects/{}/runs/{}", segment(project), segment(run))
}

/// The brief of one night.
pub fn brief(night: &str) -> String {
    format!("/brief/{}", segment(night))
}

/// A verb of the API on a bead.
pub fn bead_api(project: &str, bead: &str, verb: &str) -> String {
    format!("/api/projects/{}/beads/{}/{verb}", segment(project), segment(bead))
}

/// A verb of the API on a run.
pub fn run_api(project: &str, run: &str, verb: &str) -> String {
    format!("/api/projects/{}/runs/{}/{verb}", segment(project), segment(run))
}

/// Where work on a bead is asked for, and followed with `/stream`.
pub fn work_api(project: &str, bead: &str) -> String {
    format!("/api/projects/{}/work/{}", segment(project), segment(bead))
}

/// One segment of a path or one value of a query. A segment of dots alone would be a way up.
pub fn segment(text: &str) -> String {
    let dots = !text.is_empty() && text.bytes().all(|b| b == b'.');
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !dots) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests;

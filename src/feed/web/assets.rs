//! The files beside the pages: scripts, style, icons, manifest, service worker.
//!
//! Owns their bytes and kinds; everything is in the program, nothing comes from elsewhere and nothing is built.
//! They hold no secret and are the same for everybody. Start with [`find`].

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its path on our origin.
    pub path: &'static str,
    pub kind: &'static str,
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($path:literal, $kind:expr, $file:literal) => {
        Asset {
            path: $path,
            kind: $kind,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $file)),
        }
    };
}

/// All of them. The service worker stands at the root: it may act only beneath its own path.
pub const ALL: &[Asset] = &[
    asset!("/assets/style.css", "text/css; charset=utf-8", "style.css"),
    asset!("/assets/app.js", SCRIPT, "app.js"),
    asset!("/assets/acts.js", SCRIPT, "acts.js"),
    asset!("/assets/live.js", SCRIPT, "live.js"),
    asset!("/assets/log.js", SCRIPT, "log.js"),
    asset!("/assets/push.js", SCRIPT, "push.js"),
    asset!("/assets/times.js", SCRIPT, "times.js"),
    asset!("/sw.js", SCRIPT, "sw.js"),
    asset!("/manifest.webmanifest", "application/manifest+json", "manifest.webmanifest"),
    asset!("/icon.svg", "image/svg+xml", "icon.svg"),
    asset!("/icon-192.png", "image/png", "icon-192.png"),
    asset!("/icon-512.png", "image/png", "icon-512.png"),
];

/// The file at a path.
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests;

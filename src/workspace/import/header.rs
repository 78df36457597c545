//! The two headers of an export: our own line, and the bundle's.
//!
//! Owns their reading, byte by byte and bounded, so that git is given a bare pack and never a bundle
//! (rules 2.5). Of a bundle's refs only the one tip that our line names counts (T26). Start with
//! [`Header::read`].

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{ImportError, rejected};
use crate::domain::ids::Oid;

/// What the export says it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Header {
    Unchanged,
    /// A pack follows in the stream.
    Work {
        tip: Oid,
        wip: bool,
    },
}

const LONGEST_LINE: usize = 8 << 10;
const MOST_LINES: usize = 10_000;

impl Header {
    /// Reads up to the first byte of the pack.
    pub(crate) async fn read(
        reader: &mut (dyn AsyncRead + Unpin + Send),
        most_bytes: u64,
    ) -> Result<Self, ImportError> {
        let mut lines = Lines { reader, left: most_bytes };
        let first = lines.next().await?.ok_or(ImportError::Silent)?;
        let first = String::from_utf8_lossy(&first).into_owned();
        let bad =
            || rejected("header", format!("expected `BEADEXPORT1 <status> <tip> <0|1>`, found {first:?}"));
        let words: Vec<&str> = first.split(' ').collect();
        let ["BEADEXPORT1", status, tip, wip] = words[..] else { return Err(bad()) };
        match status {
            "ok" => {}
            "unchanged" => return Ok(Self::Unchanged),
            other => {
                let plain = other.len() <= 40 && other.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                return Err(if plain { rejected(other, explain(other)) } else { bad() });
            }
        }
        let tip = Oid::parse(tip).map_err(|_| bad())?;
        let wip = match wip {
            "0" => false,
            "1" => true,
            _ => return Err(bad()),
        };
        lines.bundle(&tip).await?;
        Ok(Self::Work { tip, wip })
    }
}

fn explain(status: &str) -> &'static str {
    match status {
        "clone_replaced" => "the clone or its `.git` is no longer the folder that was handed over",
        "alternates" => "the clone's `.git` points at objects elsewhere",
        "object_files" => "there is something among the clone's objects that is not a file",
        "special_file" => "there is a pipe or device where git reads its own settings",
        "no_head" => "the clone's HEAD names no branch or commit",
        "unborn" => "the clone's HEAD names a branch without a commit",
        "tip_missing" | "tip_unreadable" => "the commit the clone stands at is not in it",
        "base_missing" => "the base commit is no longer in the clone",
        "not_ahead" => "the clone stands behind or beside its base",
        "no_space" => "the uncommitted work does not fit the export's memory",
        _ => "the export said so",
    }
}

struct Lines<'a> {
    reader: &'a mut (dyn AsyncRead + Unpin + Send),
    left: u64,
}

impl Lines<'_> {
    /// One line without its end; `None` at the end of the stream.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ImportError> {
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            if self.reader.read(&mut byte).await.map_err(ImportError::Read)? == 0 {
                return if line.is_empty() {
                    Ok(None)
                } else {
                    Err(rejected("header", "a header line is cut off"))
                };
            }
            self.left = self.left.saturating_sub(1);
            if byte[0] == b'\n' {
                return Ok(Some(line));
            }
            line.push(byte[0]);
            if line.len() > LONGEST_LINE || self.left == 0 {
                return Err(rejected("header", "a header line is too long"));
            }
        }
    }

    async fn bundle(&mut self, tip: &Oid) -> Result<(), ImportError> {
        let cut = || rejected("header", "the bundle's header is cut off");
        let version = self.next().await?.ok_or_else(cut)?;
        if version != b"# v2 git bundle" && version != b"# v3 git bundle" {
            return Err(rejected("header", "what follows is not a bundle of version 2 or 3"));
        }
        let mut named = false;
        for _ in 0..MOST_LINES {
            let line = self.next().await?.ok_or_else(cut)?;
            match line.first() {
                None if named => return Ok(()),
                None => return Err(rejected("header", format!("the bundle does not hold the tip {tip}"))),
                // Prerequisites are not believed: the strict unpacking finds what is missing.
                Some(b'-') => {}
                Some(b'@') if line == b"@object-format=sha1" => {}
                Some(b'@') => return Err(rejected("header", "the bundle asks for an unknown capability")),
                Some(_) => named |= line.starts_with(tip.as_str().as_bytes()) && line.get(40) == Some(&b' '),
            }
        }
        Err(rejected("header", format!("the bundle's header has more than {MOST_LINES} lines")))
    }
}

#[cfg(test)]
mod tests;

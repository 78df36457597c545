//! A unified diff as blocks of replaced lines.
//!
//! Owns the reading, which never fails: what is no diff is skipped. Content that looks like a header cannot be taken
//! for one, because every hunk says how many lines it has. Start with [`Diff::read`].

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// No more blocks of one diff are kept: what is beyond counts as changed as a whole.
const BLOCKS: usize = 200_000;

/// What a diff says, by the new name of each file.
#[derive(Debug, Default)]
pub(super) struct Diff {
    pub files: BTreeMap<String, Vec<Block>>,
    /// Old name to new name.
    pub renamed: BTreeMap<String, String>,
}

/// `removed` lines from `old` on were replaced by `added` ones from `new` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub old: u32,
    pub removed: u32,
    pub new: u32,
    pub added: u32,
}

impl Block {
    /// The lines of the new side. Where lines only went, those on both sides of the gap.
    pub(super) fn changed(&self) -> RangeInclusive<u32> {
        if self.added == 0 {
            self.new.saturating_sub(1).max(1)..=self.new.max(1)
        } else {
            self.new..=self.new.saturating_add(self.added - 1)
        }
    }
}

/// What stays of a range of old lines, in new numbers.
pub(super) fn moved(range: &RangeInclusive<u32>, blocks: &[Block]) -> Vec<RangeInclusive<u32>> {
    let (mut from, to) = (i64::from(*range.start()), i64::from(*range.end()));
    let mut shift = 0_i64;
    let mut kept = Vec::new();
    let mut keep = |from: i64, to: i64, shift: i64| {
        let line = |at: i64| u32::try_from((at + shift).max(1)).unwrap_or(u32::MAX);
        if from <= to {
            kept.push(line(from)..=line(to));
        }
    };
    for block in blocks {
        let (first, past) = (i64::from(block.old), i64::from(block.old) + i64::from(block.removed));
        if first > to {
            break;
        }
        if past > from || block.removed == 0 && first > from {
            keep(from, first - 1, shift);
            from = from.max(past);
        }
        shift += i64::from(block.added) - i64::from(block.removed);
    }
    keep(from, to, shift);
    kept
}

/// Where a reader stands inside a hunk.
#[derive(Debug, Default)]
struct Hunk {
    old: u32,
    new: u32,
    old_left: u32,
    new_left: u32,
    open: Option<Block>,
}

impl Diff {
    pub(super) fn read(text: &str) -> Self {
        let mut diff = Self::default();
        let (mut path, mut from, mut old) = (None::<String>, None::<String>, None::<String>);
        let mut hunk = Hunk::default();
        let mut blocks = 0;
        for line in text.split('\n') {
            if hunk.is_inside() {
                if let Some(block) = hunk.line(line) {
                    diff.keep(path.as_deref(), block, &mut blocks);
                }
                if !hunk.is_inside()
                    && let Some(block) = hunk.open.take()
                {
                    diff.keep(path.as_deref(), block, &mut blocks);
                }
                continue;
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            if let Some(rest) = line.strip_prefix("diff --git ") {
                (path, from, old) = (both_names(rest), None, None);
                diff.touch(path.as_deref());
            } else if let Some(name) = line.strip_prefix("rename from ") {
                from = Some(unquoted(name));
            } else if let Some(name) = line.strip_prefix("rename to ") {
                let name = unquoted(name);
                if let Some(from) = from.take() {
                    diff.renamed.insert(from, name.clone());
                }
                path = Some(name);
                diff.touch(path.as_deref());
            } else if let Some(name) = line.strip_prefix("--- ") {
                old = side(name, "a/");
            } else if let Some(name) = line.strip_prefix("+++ ") {
                match side(name, "b/") {
                    Some(name) => path = Some(name),
                    // The file is gone: whatever is said of it is about its going.
                    None => {
                        path = old.take();
                        let all = Block { old: 1, removed: 0, new: 1, added: u32::MAX };
                        diff.keep(path.as_deref(), all, &mut blocks);
                    }
                }
                diff.touch(path.as_deref());
            } else if let Some(rest) = line.strip_prefix("@@ ") {
                hunk = Hunk::begin(rest).unwrap_or_default();
            }
        }
        if let Some(block) = hunk.open {
            diff.keep(path.as_deref(), block, &mut blocks);
        }
        diff
    }

    fn touch(&mut self, path: Option<&str>) {
        if let Some(path) = path {
            self.files.entry(path.to_owned()).or_default();
        }
    }

    fn keep(&mut self, path: Option<&str>, block: Block, blocks: &mut usize) {
        let Some(path) = path else { return };
        *blocks += 1;
        let list = self.files.entry(path.to_owned()).or_default();
        match list.last_mut() {
            Some(last) if *blocks > BLOCKS => last.added = u32::MAX,
            _ => list.push(block),
        }
    }
}

impl Hunk {
    /// `-a,b +c,d @@ ...`
    fn begin(rest: &str) -> Option<Self> {
        let mut words = rest.split(' ');
        let (old, old_left) = span(words.next()?.strip_prefix('-')?)?;
        let (new, new_left) = span(words.next()?.strip_prefix('+')?)?;
        // Without lines, git names the line before the gap.
        let first = |at: u32, count: u32| if count == 0 { at.saturating_add(1) } else { at };
        Some(Self { old: first(old, old_left), new: first(new, new_left), old_left, new_left, open: None })
    }

    fn is_inside(&self) -> bool {
        self.old_left > 0 || self.new_left > 0
    }

    /// Takes a line of the hunk; a block that ended with it.
    fn line(&mut self, line: &str) -> Option<Block> {
        let (old, new) = (self.old, self.new);
        match line.as_bytes().first() {
            Some(b'-') => {
                self.old_left = self.old_left.saturating_sub(1);
                self.old = self.old.saturating_add(1);
                self.open.get_or_insert(Block { old, removed: 0, new, added: 0 }).removed += 1;
                None
            }
            Some(b'+') => {
                self.new_left = self.new_left.saturating_sub(1);
                self.new = self.new.saturating_add(1);
                self.open.get_or_insert(Block { old, removed: 0, new, added: 0 }).added += 1;
                None
            }
            Some(b'\\') => None,
            _ => {
                self.old_left = self.old_left.saturating_sub(1);
                self.new_left = self.new_left.saturating_sub(1);
                self.old = self.old.saturating_add(1);
                self.new = self.new.saturating_add(1);
                self.open.take()
            }
        }
    }
}

fn span(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// `a/x b/x`, where both names are the same: of a file without hunks.
fn both_names(rest: &str) -> Option<String> {
    if rest.starts_with('"') {
        let second = rest.find("\" \"")? + 2;
        return side(&rest[second..], "b/");
    }
    let middle = rest.len() / 2;
    let (a, b) = (rest.get(..middle)?, rest.get(middle + 1..)?);
    let (a, b) = (a.strip_prefix("a/")?, b.strip_prefix("b/")?);
    (a == b).then(|| b.to_owned())
}

/// The name behind `---` or `+++`; `None` for `/dev/null`.
fn side(name: &str, prefix: &str) -> Option<String> {
    // A name with a blank has a tab behind it.
    let name = unquoted(name.strip_suffix('\t').unwrap_or(name));
    if name == "/dev/null" {
        return None;
    }
    Some(name.strip_prefix(prefix).map_or_else(|| name.clone(), str::to_owned))
}

/// As git quotes names with odd bytes: `"b/sp\303\251.txt"`.
fn unquoted(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(first @ b'0'..=b'7') => {
                let mut value = u32::from(first - b'0');
                for _ in 0..2 {
                    if let Some(digit) = bytes.next_if(|b| (b'0'..=b'7').contains(b)) {
                        value = value * 8 + u32::from(digit - b'0');
                    }
                }
                out.push(value as u8);
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

//! Secrets out of a stream before anything stores it (T37).
//!
//! Owns the masking: known secrets in every usual spelling and a few unmistakable shapes, also where escape
//! sequences or line breaks cut them, become `*` byte for byte. The length never changes, because the stored
//! length is where a run's output is taken up again. It is a net under the gateway, not a wall: an agent that
//! wants to can still spell a secret backwards. Start with [`Redactor`].

mod automaton;
mod forms;
mod shapes;
mod skeleton;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use automaton::Automaton;
use shapes::Extent;
use skeleton::Skeleton;

/// A secret shorter than this would mask ordinary words, and is not looked for.
pub const SHORTEST_SECRET: usize = 8;

/// What is held back is let go at this size, whatever it might become: longer than any shape.
const MOST_HELD: usize = 64 << 10;

/// Masks one stream. What might be the beginning of a secret is held back until it is known; a line end
/// always lets go of what came before, unless a secret could go on over it.
pub struct Redactor {
    rules: Arc<Automaton>,
    held: Vec<u8>,
}

impl Redactor {
    /// Secrets of fewer than [`SHORTEST_SECRET`] bytes are left alone.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut spellings = Vec::new();
        for secret in secrets {
            spellings.extend(forms::of(secret.as_ref()));
        }
        Self { rules: Arc::new(Automaton::new(&spellings)), held: Vec::new() }
    }

    /// The same secrets, for another stream.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self { rules: Arc::clone(&self.rules), held: Vec::new() }
    }

    /// Takes bytes in and appends to `out` what is certain. Over a whole stream as many bytes come out as
    /// went in, the same ones for any chunking.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.held.is_empty() {
            let kept = self.mask(bytes, false, out);
            self.held.extend_from_slice(&bytes[kept..]);
        } else {
            let mut text = std::mem::take(&mut self.held);
            text.extend_from_slice(bytes);
            let kept = self.mask(&text, false, out);
            text.drain(..kept);
            self.held = text;
        }
    }

    /// The end of the stream: nothing is held back any more.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        self.mask(&text, true, out);
    }

    /// A whole text at once.
    pub fn redact_text(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        let mut stream = self.fresh();
        stream.push(text.as_bytes(), &mut out);
        stream.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the certain part of `text`, masked, and says how long it is.
    fn mask(&self, text: &[u8], ended: bool, out: &mut Vec<u8>) -> usize {
        let mut found = scan(&self.rules, text, ended);
        let skeleton = Skeleton::of(text, ended);
        if let Some(skeleton) = &skeleton {
            let inner = scan(&self.rules, &skeleton.bytes, ended);
            found.live = found.live.min(skeleton.original(inner.live)).min(skeleton.open);
            found.cover.extend(inner.cover.into_iter().flat_map(|range| skeleton.originals(range)));
            found.spans.extend(inner.spans.into_iter().map(|span| skeleton.span(span)));
        }
        for range in &mut found.cover {
            *range = widen(text, range.clone());
        }
        let certain = if ended { text.len() } else { certain(text, skeleton.as_ref(), &mut found) };
        let base = out.len();
        out.extend_from_slice(&text[..certain]);
        for range in found.cover {
            let (from, to) = (range.start.min(certain), range.end.min(certain));
            out[base + from..base + to].fill(b'*');
        }
        certain
    }
}

impl fmt::Debug for Redactor {
    /// Says nothing of the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// What a text holds.
#[derive(Debug, Default)]
struct Found {
    /// Bytes to mask.
    cover: Vec<Range<usize>>,
    /// The matches they belong to: never cut in two.
    spans: Vec<Range<usize>>,
    /// From here on something may still become a match.
    live: usize,
}

/// Every occurrence of every spelling and shape, overlapping ones too: so it does not matter where the text
/// was cut before.
fn scan(rules: &Automaton, text: &[u8], ended: bool) -> Found {
    let mut found = Found { live: text.len(), ..Found::default() };
    let mut state = automaton::ROOT;
    let mut at = 0;
    while at < text.len() {
        if state == automaton::ROOT {
            at += rules.boring(&text[at..]);
            if at == text.len() {
                break;
            }
        }
        state = rules.next(state, text[at]);
        at += 1;
        if !rules.tells(state) {
            continue;
        }
        if let Some(length) = rules.literal(state) {
            found.cover.push(at - length..at);
            found.spans.push(at - length..at);
        }
        for shape in rules.shapes(state) {
            match shape.extent(text, at, ended) {
                Extent::No => {}
                Extent::Open => found.live = found.live.min(at - shape.prefix().len()),
                Extent::Secret(ranges) => {
                    let end = ranges.last().map_or(at, |range| range.end);
                    found.spans.push(at - shape.prefix().len()..end);
                    found.cover.extend(ranges);
                }
            }
        }
    }
    found.live = found.live.min(text.len() - rules.live(state));
    found
}

/// How much of the text may go out: no live beginning, no match and no escape is cut in two. So what comes
/// next can be looked at without what went before.
fn certain(text: &[u8], skeleton: Option<&Skeleton>, found: &mut Found) -> usize {
    let boundary = |at: usize| {
        let at = skeleton.map_or(at, |skeleton| skeleton.token_start(at));
        escape_start(text, at)
    };
    found.spans.sort_unstable_by_key(|span| std::cmp::Reverse(span.end));
    let mut certain = boundary(found.live);
    for span in &found.spans {
        if span.start < certain && certain < span.end {
            certain = boundary(span.start);
        }
    }
    if text.len() - certain > MOST_HELD { text.len() } else { certain }
}

/// A mask never leaves half of a JSON escape behind, or the line could not be read any more.
fn widen(text: &[u8], range: Range<usize>) -> Range<usize> {
    let start = escape_start(text, range.start);
    let odd = backslashes(text, range.end) % 2 == 1;
    let end = if odd { (range.end + 1).min(text.len()) } else { range.end };
    start..end
}

/// The beginning of the JSON escape that `at` lies in, else `at`.
fn escape_start(text: &[u8], at: usize) -> usize {
    if backslashes(text, at) % 2 == 1 {
        return at - 1;
    }
    for back in 2..=5.min(at) {
        let start = at - back;
        if text[start] == b'\\' && text[start + 1] == b'u' && backslashes(text, start + 1) % 2 == 1 {
            return start;
        }
    }
    at
}

/// How many backslashes stand right before `at`.
fn backslashes(text: &[u8], at: usize) -> usize {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count()
}

#[cfg(test)]
mod tests;

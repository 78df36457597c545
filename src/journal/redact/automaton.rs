//! All spellings and shape prefixes in one pass: an Aho-Corasick automaton with a dense table.
//!
//! Own and small because masking needs what search crates do not tell: how deep a state is, that is, how
//! many of the last bytes may still become a match. Start with [`Automaton::next`].

use std::collections::VecDeque;

use super::shapes::Shape;

pub(super) const ROOT: usize = 0;

/// A built automaton. States are offsets into the table.
pub(super) struct Automaton {
    class: [u8; 256],
    /// Table row length: the number of byte classes.
    width: usize,
    next: Vec<u32>,
    info: Vec<Info>,
    /// Bytes that leave the root where it is.
    boring: [bool; 256],
}

/// What a state knows.
#[derive(Debug, Clone, Copy, Default)]
struct Info {
    depth: u32,
    /// Depth of the longest suffix that something still goes on from.
    live: u32,
    /// Length of the longest spelling that ends here; 0 for none.
    literal: u32,
    /// Shapes whose prefix ends here, as bits.
    shapes: u32,
}

impl Automaton {
    pub(super) fn new(spellings: &[Vec<u8>]) -> Self {
        let class = classes(spellings);
        let width = usize::from(class.iter().copied().max().unwrap_or(0)) + 1;
        let mut trie = Trie { class, width, next: vec![0; width], info: vec![Info::default()] };
        for spelling in spellings {
            let end = trie.insert(spelling);
            trie.info[end].literal = u32::try_from(spelling.len()).unwrap_or(u32::MAX);
        }
        for (bit, shape) in Shape::ALL.iter().enumerate() {
            let end = trie.insert(shape.prefix());
            trie.info[end].shapes |= 1 << bit;
        }
        trie.link();
        let Trie { class, width, next, info } = trie;
        let mut boring = [false; 256];
        for (byte, boring) in boring.iter_mut().enumerate() {
            *boring = next[usize::from(class[byte])] == 0;
        }
        Self { class, width, next, info, boring }
    }

    /// How many of the first bytes leave the root where it is.
    pub(super) fn boring(&self, text: &[u8]) -> usize {
        text.iter().position(|byte| !self.boring[usize::from(*byte)]).unwrap_or(text.len())
    }

    #[inline]
    pub(super) fn next(&self, state: usize, byte: u8) -> usize {
        self.next[state * self.width + usize::from(self.class[usize::from(byte)])] as usize
    }

    /// Whether something ends in this state.
    #[inline]
    pub(super) fn tells(&self, state: usize) -> bool {
        let info = self.info[state];
        info.literal | info.shapes != 0
    }

    pub(super) fn literal(&self, state: usize) -> Option<usize> {
        let length = self.info[state].literal as usize;
        (length > 0).then_some(length)
    }

    pub(super) fn shapes(&self, state: usize) -> impl Iterator<Item = Shape> + use<> {
        let bits = self.info[state].shapes;
        Shape::ALL
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| bits & (1 << bit) != 0)
            .map(|(_, shape)| shape)
    }

    /// How many of the last bytes are the beginning of something that is not at its end yet.
    pub(super) fn live(&self, state: usize) -> usize {
        self.info[state].live as usize
    }
}

/// Bytes that no pattern tells apart share a class, which keeps the table small.
fn classes(spellings: &[Vec<u8>]) -> [u8; 256] {
    let mut used = [false; 256];
    let prefixes = Shape::ALL.iter().map(|shape| shape.prefix());
    for pattern in spellings.iter().map(Vec::as_slice).chain(prefixes) {
        for byte in pattern {
            used[usize::from(*byte)] = true;
        }
    }
    let mut class = [0; 256];
    // With every byte in use there is no class left for the others, nor any other byte.
    let mut last = if used.iter().all(|used| *used) { None } else { Some(0_u8) };
    for (class, used) in class.iter_mut().zip(used) {
        if used {
            last = Some(last.map_or(0, |last| last.saturating_add(1)));
            *class = last.unwrap_or(0);
        }
    }
    class
}

struct Trie {
    class: [u8; 256],
    width: usize,
    next: Vec<u32>,
    info: Vec<Info>,
}

impl Trie {
    fn insert(&mut self, pattern: &[u8]) -> usize {
        let mut state = ROOT;
        for byte in pattern {
            let slot = state * self.width + usize::from(self.class[usize::from(*byte)]);
            if self.next[slot] == 0 {
                let depth = self.info[state].depth + 1;
                self.next[slot] = u32::try_from(self.info.len()).expect("the patterns of a run fit 4 GiB");
                self.info.push(Info { depth, ..Info::default() });
                self.next.extend(std::iter::repeat_n(0, self.width));
            }
            state = self.next[slot] as usize;
        }
        state
    }

    /// Breadth first: every missing edge goes where the longest proper suffix goes.
    fn link(&mut self) {
        let mut suffix = vec![ROOT; self.info.len()];
        let mut queue: VecDeque<usize> = VecDeque::from([ROOT]);
        while let Some(state) = queue.pop_front() {
            let row = state * self.width;
            let goes_on = self.next[row..row + self.width].iter().any(|child| *child != 0);
            self.info[state].live =
                if goes_on { self.info[state].depth } else { self.info[suffix[state]].live };
            for class in 0..self.width {
                let slot = state * self.width + class;
                let child = self.next[slot] as usize;
                let fallback =
                    if state == ROOT { ROOT } else { self.next[suffix[state] * self.width + class] as usize };
                // A child is deeper than its parent; anything else is a missing edge.
                if child == ROOT {
                    self.next[slot] = u32::try_from(fallback).expect("states fit the table");
                    continue;
                }
                suffix[child] = fallback;
                let inherited = self.info[fallback];
                let info = &mut self.info[child];
                info.literal = info.literal.max(inherited.literal);
                info.shapes |= inherited.shapes;
                queue.push_back(child);
            }
        }
    }
}

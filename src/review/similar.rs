//! How alike two texts are: the one place where a defect told in other words is recognised.
//!
//! Owns the trait behind which embeddings could stand one day, and today's measure: words without their endings,
//! and letters in threes. It knows neither findings nor beads. Start with [`Similarity`] and [`Words`].

use std::collections::BTreeSet;

/// A measure of likeness.
pub trait Similarity: Send + Sync {
    /// 0 for nothing in common, 1 for the same; the same both ways round.
    fn of(&self, a: &str, b: &str) -> f64;
}

/// Words and trigrams, without any model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words;

/// Only so much of a text is compared.
const COMPARED_CHARS: usize = 600;
/// What words count; the rest is letters in threes, which forgive another form of a word.
const WORDS_COUNT: f64 = 0.6;

/// Texts that name code, but not the same code, are about two things, however alike their other words are.
const OTHER_CODE: f64 = 0.35;
/// So much of what is missing to 1 is given for naming the same code.
const SAME_CODE: f64 = 0.20;

impl Similarity for Words {
    fn of(&self, a: &str, b: &str) -> f64 {
        let (a, b) = (beginning(a), beginning(b));
        let (code_a, code_b) = (code(&a), code(&b));
        let (a, b) = (normalised(&a), normalised(&b));
        if a == b {
            return 1.0;
        }
        let words = dice(&stems(&a), &stems(&b));
        let threes = dice(&trigrams(&a), &trigrams(&b));
        let alike = WORDS_COUNT * words + (1.0 - WORDS_COUNT) * threes;
        let alike = match dice(&code_a, &code_b) {
            _ if code_a.is_empty() || code_b.is_empty() => alike,
            0.0 => alike * OTHER_CODE,
            shared => alike + (1.0 - alike) * SAME_CODE * shared,
        };
        // Only what is equal is 1.
        alike.min(0.99)
    }
}

/// Names from code: what stands in backticks, and words with `_`, `::`, `()` or a capital inside.
fn code(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2).filter(|name| name.len() < 80).map(str::to_owned);
    let looks_it = |word: &&str| {
        let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
        inner.contains('_')
            || inner.contains("::")
            || word.contains("()")
            || inner.chars().skip(1).any(char::is_uppercase) && inner.chars().any(char::is_lowercase)
    };
    let bare = text.split_whitespace().filter(looks_it).map(str::to_owned);
    quoted
        .chain(bare)
        .map(|name| normalised(&name).replace(' ', "_"))
        .filter(|name| !name.is_empty())
        .collect()
}

/// A title as it is compared: lower case, words only, one space between.
pub fn normalised(title: &str) -> String {
    title
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn beginning(text: &str) -> String {
    text.chars().take(COMPARED_CHARS).collect()
}

/// Words that say nothing about a defect.
const EMPTY: &[&str] = &[
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "is", "are", "be", "it", "its", "this", "that",
    "and", "or", "with", "by", "as", "when", "if", "can", "may", "does", "do", "from", "was", "has", "have",
    "will", "which",
];

fn stems(text: &str) -> BTreeSet<String> {
    text.split(' ').filter(|word| !EMPTY.contains(word)).map(|word| stem(word).to_owned()).collect()
}

fn stem(word: &str) -> &str {
    for ending in ["ing", "ies", "ed", "es", "s", "e"] {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() >= 3) {
            return stem;
        }
    }
    word
}

fn trigrams(text: &str) -> BTreeSet<String> {
    let letters: Vec<char> = format!(" {text} ").chars().collect();
    letters.windows(3).map(|three| three.iter().collect()).collect()
}

fn dice(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 0.0;
    }
    let shared = a.intersection(b).count();
    2.0 * shared as f64 / (a.len() + b.len()) as f64
}

#[cfg(test)]
mod tests;

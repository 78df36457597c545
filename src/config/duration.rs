//! Durations and sizes as people write them: `90s`, `10m`, `6h`, `2d` and `512m`, `4g`.
//!
//! Owns one grammar for both: a whole number and one unit letter, nothing else, so that no value can be
//! misread. It knows no limits. Start with [`Span`] and [`Size`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time, at least one second and at most a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

/// A number of bytes, at least one mebibyte and at most an exbibyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

/// What is wrong with a duration or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct BadAmount {
    pub expected: &'static str,
    pub found: String,
}

const SPAN: &str = "a duration such as `90s`, `10m`, `6h` or `2d`";
const SIZE: &str = "a size such as `512m` or `4g`";

impl Span {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub fn get(self) -> Duration {
        self.0
    }
}

impl Size {
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// Splits `15m` into 15 and `m`; refuses signs, spaces, fractions and a missing or longer unit.
fn split(text: &str) -> Option<(u64, u8)> {
    let (unit, digits) = text.as_bytes().split_last()?;
    let plain = (1..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits).ok()?;
    plain.then(|| number.parse().ok().map(|n| (n, *unit)))?
}

impl FromStr for Span {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let seconds = split(text).and_then(|(number, unit)| {
            let factor = match unit {
                b's' => 1,
                b'm' => 60,
                b'h' => 3600,
                b'd' => 86_400,
                _ => return None,
            };
            number.checked_mul(factor)
        });
        match seconds {
            Some(seconds @ 1..=31_536_000) => Ok(Self::from_secs(seconds)),
            _ => Err(BadAmount { expected: SPAN, found: text.chars().take(40).collect() }),
        }
    }
}

impl FromStr for Size {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let bytes = split(text).and_then(|(number, unit)| {
            let factor = match unit {
                b'm' => 1 << 20,
                b'g' => 1 << 30,
                _ => return None,
            };
            number.checked_mul(factor)
        });
        match bytes {
            Some(bytes) if (1 << 20..=1 << 60).contains(&bytes) => Ok(Self(bytes)),
            _ => Err(BadAmount { expected: SIZE, found: text.chars().take(40).collect() }),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (number, unit) = match seconds {
            s if s % 86_400 == 0 && s > 86_400 => (s / 86_400, 'd'),
            s if s % 3600 == 0 => (s / 3600, 'h'),
            s if s % 60 == 0 => (s / 60, 'm'),
            s => (s, 's'),
        };
        write!(f, "{number}{unit}")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1 << 30) {
            write!(f, "{}g", self.0 >> 30)
        } else {
            write!(f, "{}m", self.0 >> 20)
        }
    }
}

impl TryFrom<String> for Span {
    type Error = BadAmount;

    fn try_from(text: String) -> Result<Self, BadAmount> {
        text.parse()
    }
}

impl TryFrom<String> for Size {
    type Error = BadAmount;

    fn try_from(text: String) -> Result<Self, BadAmount> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

#[cfg(test)]
mod tests;

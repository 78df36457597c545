//! How one secret may be spelled in a log.
//!
//! Owns the encodings that programs apply without meaning harm: JSON strings, percent encoding, base64 at
//! any offset inside something longer. Start with [`of`].

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::SHORTEST_SECRET;

/// All spellings of a secret; none of one that is too short.
pub(super) fn of(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    let secret = secret.trim_ascii();
    if secret.len() < SHORTEST_SECRET {
        return forms;
    }
    forms.insert(secret.to_vec());
    // A match over line breaks is looked for in a text without them.
    forms.insert(secret.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect());
    if let Ok(text) = std::str::from_utf8(secret) {
        forms.insert(json(text, false));
        forms.insert(json(text, true));
    }
    for upper in [false, true] {
        forms.insert(percent(secret, upper, false));
        forms.insert(percent(secret, upper, true));
    }
    for offset in 0..3 {
        forms.insert(base64_at(secret, offset, &STANDARD_NO_PAD));
        forms.insert(base64_at(secret, offset, &URL_SAFE_NO_PAD));
    }
    forms.retain(|form| form.len() >= SHORTEST_SECRET);
    forms
}

/// As inside a JSON string; `ascii` writes everything else as `\uXXXX` too, as Python does.
fn json(text: &str, ascii: bool) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = &quoted[1..quoted.len() - 1];
    if !ascii {
        return inner.as_bytes().to_vec();
    }
    let mut out = String::new();
    for c in inner.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
        }
    }
    out.into_bytes()
}

/// Unreserved characters stay; `form` writes a space as `+`.
fn percent(secret: &[u8], upper: bool, form: bool) -> Vec<u8> {
    let mut out = String::new();
    for byte in secret {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(*byte))
            }
            b' ' if form => out.push('+'),
            byte if upper => write!(out, "%{byte:02X}").expect("writing to a string cannot fail"),
            byte => write!(out, "%{byte:02x}").expect("writing to a string cannot fail"),
        }
    }
    out.into_bytes()
}

/// The characters that the secret alone decides when it stands `offset` bytes into what is encoded.
fn base64_at(secret: &[u8], offset: usize, engine: &impl base64::Engine) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let text = engine.encode(&padded).into_bytes();
    // The first and the last of six bits may hold bits of a neighbour.
    let from = (offset * 8).div_ceil(6);
    let to = padded.len() * 8 / 6;
    text[from..to].to_vec()
}

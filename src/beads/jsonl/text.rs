//! JSON text as Go's `encoding/json` writes it, so that our lines look like `bd`'s.
//!
//! Owns the escaping of strings and the form of timestamps. Reading is serde's. Start with [`string`].

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// A JSON string: `<`, `>`, `&`, U+2028 and U+2029 escaped as Go does, other Unicode raw.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a String cannot fail");
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An array of strings.
pub(crate) fn strings(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|s| string(s)).collect::<Vec<_>>().join(","))
}

/// RFC 3339 in UTC with `Z`, nanoseconds with trailing zeros trimmed.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    let full = at.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let digits = full.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{digits}Z")
}

/// `now`, or just after `old` where the clock went back: a change that is not newer is ignored by importers.
pub(crate) fn newer(old: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let now = now.min(last_moment());
    match old {
        Some(old) if old >= now => old.checked_add_signed(TimeDelta::nanoseconds(1)).unwrap_or(old),
        _ => now,
    }
}

/// RFC 3339 has four digits for the year.
fn last_moment() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(9999, 1, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .expect("the first of January is a day")
        .and_utc()
}

/// An array's text with one more item at its end; the other items keep their text.
pub(crate) fn appended(array: Option<&str>, item: &str) -> String {
    let open = array.map(str::trim).and_then(|a| a.strip_suffix(']')).map(str::trim_end);
    match open {
        Some(open) if open.trim_start() != "[" => format!("{open},{item}]"),
        _ => format!("[{item}]"),
    }
}

#[cfg(test)]
mod tests;

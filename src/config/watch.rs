//! Whom the daemon tells that it lives: `watch` of the user's own config (rules 19.3).
//!
//! Owns the grammar and the defaults. It reads no secret and sends nothing: the file is only named here. An
//! address is https, or http to this very machine. Start with [`Watch`].

use std::path::PathBuf;

use super::duration::Span;
use super::error::ConfigError;
use super::notify::Address;
use super::table::Table;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Where heartbeats go.
    pub url: Address,
    pub style: Style,
    /// How often.
    pub every: Span,
    /// The other side raises an alarm when nothing advanced for so long while beads are under work.
    pub stall: Span,
    /// How the watchman calls this machine; `None`: its host name.
    pub name: Option<String>,
}

/// What a heartbeat is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// POST of a signed message for `bead watchman`. A relative path begins at the config's folder.
    Signed { secret: PathBuf },
    /// GET of the address, and of `<address>/fail` while nothing advances: for services that count pings.
    Ping,
}

const URL: &str = "an https address (http only to this machine) without user and fragment";
const EVERY: Span = Span::from_secs(180);
const STALL: Span = Span::from_secs(1800);
const DAY: u64 = 86_400;

pub(super) fn watch(root: &Table<'_>) -> Result<Option<Watch>, ConfigError> {
    let Some(table) = root.table("watch")? else { return Ok(None) };
    table.only(&["url", "style", "every", "secret_file", "stall", "name"])?;
    let url = table.text("url")?.ok_or_else(|| table.missing("url", URL))?;
    // Not shown: it may hold a secret.
    let url = Address::parse(url).ok_or_else(|| table.bad("url", URL, "another"))?;
    let span = |key: &str, least: u64, usual: Span| match table.span(key)? {
        Some(span) if !(least..=DAY).contains(&span.get().as_secs()) => {
            Err(table.bad(key, &format!("a duration from `{least}s` to `24h`"), &format!("`{span}`")))
        }
        span => Ok(span.unwrap_or(usual)),
    };
    let secret = table.text("secret_file")?.map(PathBuf::from);
    let style = match (table.text("style")?.unwrap_or("signed"), secret) {
        ("signed", Some(secret)) => Style::Signed { secret },
        ("signed", None) => {
            return Err(table.missing("secret_file", "the file with the secret that the watchman has too"));
        }
        ("ping", None) => Style::Ping,
        ("ping", Some(_)) => return Err(table.bad("secret_file", "none with `style: ping`", "one")),
        (other, _) => return Err(table.bad("style", "`signed` or `ping`", &format!("`{other}`"))),
    };
    let name = table.text("name")?.map(str::trim);
    if let Some(name) = name.filter(|name| !is_name(name)) {
        return Err(table.bad(
            "name",
            "a name of 1 to 60 letters, digits, `.`, `-`, `_`",
            &format!("`{name}`"),
        ));
    }
    Ok(Some(Watch {
        url,
        style,
        every: span("every", 5, EVERY)?,
        stall: span("stall", 60, STALL)?,
        name: name.map(str::to_owned),
    }))
}

/// A name that is safe in a message and in a file.
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    (1..=60).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests;

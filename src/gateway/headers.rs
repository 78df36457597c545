//! Which headers cross the gateway, in both directions.
//!
//! Owns two closed lists (T08): what a client may say to the API, and what the API's answer may say to the
//! client. Credentials, cookies and organisations of the client are dropped; ours is put in their place. It
//! knows nothing of bodies. Start with [`outgoing`].

use hyper::HeaderMap;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};

use super::credential::{Credential, CredentialKind};

const BETA: HeaderName = HeaderName::from_static("anthropic-beta");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What Claude Code 2.1.329 sends (measured) and what carries neither identity nor power.
/// `anthropic-dangerous-direct-browser-access` is sent too and means nothing without a browser.
const FORWARDED: &[&str] = &[
    "accept",
    "anthropic-version",
    "content-type",
    "user-agent",
    "x-app",
    "x-claude-code-session-id",
    "x-stainless-arch",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
];

/// Betas that change how an answer is shaped, cached or streamed, by family (the date is left off: it moves
/// with every client release). Families that let the provider fetch, store, run or spend more (files, mcp,
/// code execution, web, skills, agents, fast mode) are absent on purpose.
const BETAS: &[&str] = &[
    "advanced-tool-use",
    "cache-diagnosis",
    "claude-code",
    "context-1m",
    "context-hint",
    "context-management",
    "effort",
    "extended-cache-ttl",
    "fine-grained-tool-streaming",
    "interleaved-thinking",
    "mid-conversation-system",
    "mid-conversation-system-clear-at",
    "mid-conversation-tool-changes",
    "output-128k",
    "per-turn-control",
    "prompt-caching",
    "prompt-caching-scope",
    "redact-thinking",
    "structured-outputs",
    "task-budgets",
    "thinking-display-updates",
    "thinking-token-count",
    "token-counting",
    "token-efficient-tools",
    "tool-search-tool",
];

/// Without this beta the API refuses a subscription token.
const OAUTH_BETA: &str = "oauth-2025-04-20";

/// A header value longer than this carries something else than a header value.
const MAX_VALUE: usize = 1024;

/// The headers of the upstream request.
pub(crate) fn outgoing(client: &HeaderMap, credential: &Credential) -> HeaderMap {
    let mut out = HeaderMap::new();
    for name in FORWARDED {
        if let Some(value) = client.get(*name).filter(|value| value.len() <= MAX_VALUE) {
            out.insert(HeaderName::from_static(name), value.clone());
        }
    }
    out.entry(VERSION).or_insert(HeaderValue::from_static("2023-06-01"));
    out.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    out.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    out.entry(USER_AGENT).or_insert(HeaderValue::from_static("beadwork"));
    // A compressed answer could not be metered.
    out.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let betas = betas(client, credential.kind());
    if !betas.is_empty() {
        out.insert(BETA, HeaderValue::from_str(&betas).expect("made of checked names"));
    }
    let (name, value) = match credential.kind() {
        CredentialKind::ApiKey => (API_KEY, credential.header_value("")),
        CredentialKind::OAuthToken => (AUTHORIZATION, credential.header_value("Bearer ")),
    };
    out.insert(name, value);
    out
}

fn betas(client: &HeaderMap, kind: CredentialKind) -> String {
    let values = client.get_all(&BETA).iter().filter_map(|value| value.to_str().ok());
    let mut kept: Vec<&str> = Vec::new();
    for beta in values.flat_map(|value| value.split(',')).map(str::trim) {
        if BETAS.contains(&family(beta)) && !kept.contains(&beta) {
            kept.push(beta);
        }
    }
    if kind == CredentialKind::OAuthToken {
        kept.push(OAUTH_BETA);
    }
    kept.join(",")
}

/// The beta's name without its date: `effort-2025-11-24` and `claude-code-20250219` both carry one. A name
/// without a date is its own family, and so on no list that matters.
fn family(beta: &str) -> &str {
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    for (length, dashes) in [(11, true), (9, false)] {
        let Some(at) = beta.len().checked_sub(length).filter(|at| beta.is_char_boundary(*at)) else {
            continue;
        };
        let (name, date) = beta.split_at(at);
        let parts: Vec<&str> = date.split('-').skip(1).collect();
        let shape: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let wanted: &[usize] = if dashes { &[4, 2, 2] } else { &[8] };
        if date.starts_with('-') && shape == wanted && parts.iter().all(|part| all_digits(part)) {
            return name;
        }
    }
    ""
}

/// The headers of the answer that the client may see.
pub(crate) fn incoming(upstream: &HeaderMap) -> HeaderMap {
    let named = |name: &HeaderName| {
        *name == CONTENT_TYPE
            || *name == RETRY_AFTER
            || matches!(name.as_str(), "request-id" | "x-should-retry")
            || name.as_str().starts_with("anthropic-ratelimit-")
    };
    upstream
        .iter()
        .filter(|(name, _)| named(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The limit headers alone, as text, for those who plan by them.
pub(crate) fn limits(upstream: &HeaderMap) -> std::collections::BTreeMap<String, String> {
    let wanted =
        |name: &HeaderName| *name == RETRY_AFTER || name.as_str().starts_with("anthropic-ratelimit-");
    let text =
        |value: &HeaderValue| value.to_str().ok().filter(|text| text.len() <= MAX_VALUE).map(str::to_owned);
    let all = upstream.iter().filter(|(name, _)| wanted(name));
    all.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).take(64).collect()
}

#[cfg(test)]
mod tests;

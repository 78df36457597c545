//! The HTTP client of everything that is sent to people: alerts, heartbeats, alarms.
//!
//! Owns what all of them keep: no proxy, no redirect, no referrer, no kept connection, no second try, a few seconds
//! each. Which addresses may be reached is for those who send: push adds a guard to its resolver. Start with
//! [`client`].

use std::sync::Once;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

/// How long one send may take, from the first byte to the head of the answer.
pub(super) const BUDGET: Duration = Duration::from_secs(5);

/// A client for one address, to be built by whoever sends. Without encryption it believes no certificate, so that it
/// cannot be led to a way it was not made for.
pub(super) fn client(encrypted: bool) -> ClientBuilder {
    install_tls();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .timeout(BUDGET)
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never());
    if encrypted { client } else { client.tls_certs_only([]) }
}

/// The last cause: the ones before it repeat the address, which may be a secret.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    crate::domain::clean::ellipsis(&cause.to_string(), 200)
}

/// The process has one TLS provider; whoever is first installs it.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests;

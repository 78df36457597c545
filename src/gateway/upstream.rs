//! Where the gateway sends what it lets through, and the client it sends it with.
//!
//! Owns the one destination of a gateway: https anywhere, plain http to this machine only (T58). The HTTP
//! client follows no redirect and uses no proxy. It injects nothing: `headers` does. Start with
//! [`Upstream::parse`].

use std::net::IpAddr;
use std::sync::Once;
use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;
use thiserror::Error;

const DEFAULT: &str = "https://api.anthropic.com";

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the upstream may be silent before the connection is given up.
const SILENCE: Duration = Duration::from_mins(10);

#[derive(Debug, Error, PartialEq, Eq)]
pub enum UpstreamError {
    #[error(
        "`ANTHROPIC_BASE_URL` is no address: {reason}, expected something like `https://api.anthropic.com`"
    )]
    Unreadable { reason: String },
    #[error(
        "`ANTHROPIC_BASE_URL` is plain http to `{host}`: the key would travel unprotected, expected https (http only to this machine)"
    )]
    Plain { host: String },
    #[error("`ANTHROPIC_BASE_URL` has the scheme `{scheme}`, expected https (http only to this machine)")]
    Scheme { scheme: String },
    #[error("`ANTHROPIC_BASE_URL` carries {part}, expected scheme, host, port and path only")]
    Extra { part: &'static str },
}

/// A base address without trailing slash; requests are appended to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    base: String,
    host: String,
}

impl Upstream {
    /// Reads the value of `ANTHROPIC_BASE_URL`; absent or blank means the API's own address.
    pub fn parse(base: Option<&str>) -> Result<Self, UpstreamError> {
        let text = base.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(DEFAULT);
        let url =
            Url::parse(text).map_err(|error| UpstreamError::Unreadable { reason: error.to_string() })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UpstreamError::Extra { part: "a user name or password" });
        }
        if url.query().is_some() {
            return Err(UpstreamError::Extra { part: "a query" });
        }
        if url.fragment().is_some() {
            return Err(UpstreamError::Extra { part: "a fragment" });
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(UpstreamError::Plain { host }),
            scheme => return Err(UpstreamError::Scheme { scheme: scheme.to_owned() }),
        }
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), host })
    }

    /// The host, as people read it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of a path that begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The client every request of one gateway goes through.
pub(crate) fn client(upstream: &Upstream) -> Result<reqwest::Client, reqwest::Error> {
    install_tls();
    let mut client = reqwest::Client::builder();
    if upstream.base.starts_with("http:") {
        // A rehearsal needs no certificates, and must run where the system has none.
        client = client.tls_certs_only([]);
    }
    client
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .pool_idle_timeout(Duration::from_mins(1))
        // A retry inside the client would be a second charge the meter does not see.
        .retry(reqwest::retry::never())
        .build()
}

/// The process has one TLS provider; whoever builds a client first installs it.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that another room was first, with the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests;

//! Addresses that a browser may ask us to send to.
//!
//! Owns the list of push services and the form of their addresses (T35): https on its own port, a known host, no
//! user; or an exact origin that the user's config names. What a name resolves to is judged when it is dialled.
//! Start with [`Endpoint::parse`].

use reqwest::Url;

use super::super::net::Reach;
use crate::config::notify::Address;

/// Hosts of push services, and domains below which all hosts are theirs.
const HOSTS: &[&str] = &["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"];
const DOMAINS: &[&str] = &[".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com"];

/// An address longer than any that was seen.
const LONGEST: usize = 2000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("the endpoint is no address")]
    Odd,
    #[error("the endpoint carries a user name or a fragment")]
    Extra,
    #[error("the endpoint is not https on port 443")]
    Plain,
    #[error("`{host}` is no known push service; `notify.push.extra_origins` can allow it")]
    Unknown { host: String },
}

/// An address that may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub url: Url,
    pub reach: Reach,
    pub encrypted: bool,
    /// Its origin, which a signature is for.
    pub audience: String,
}

impl Endpoint {
    pub(super) fn parse(text: &str, extra: &[Address]) -> Result<Self, EndpointError> {
        if text.len() > LONGEST || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(EndpointError::Odd);
        }
        let url = Url::parse(text).map_err(|_| EndpointError::Odd)?;
        if !url.username().is_empty()
            || url.password().is_some()
            || url.fragment().is_some()
            || text.contains('@')
        {
            return Err(EndpointError::Extra);
        }
        let audience = url.origin().ascii_serialization();
        let encrypted = url.scheme() == "https";
        if extra.iter().any(|origin| origin.origin() == audience) {
            return Ok(Self { url, reach: Reach::Named, encrypted, audience });
        }
        if !encrypted || url.port().is_some() {
            return Err(EndpointError::Plain);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if !HOSTS.contains(&host.as_str()) && !DOMAINS.iter().any(|domain| host.ends_with(domain)) {
            return Err(EndpointError::Unknown { host });
        }
        Ok(Self { url, reach: Reach::Public, encrypted, audience })
    }
}

//! Addresses that the user's own config names: where alerts are sent to.
//!
//! Owns one narrow grammar: https, or http to this very machine; no user, no fragment. It resolves no name and
//! knows no push service. Start with [`Address::parse`].

use std::net::IpAddr;

/// An address that may be sent to. It prints without its path, which may be as good as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    /// Scheme, host and port, as far as they were given; lower case.
    origin: String,
}

impl Address {
    /// `None` for everything but `https://host[:port][/path][?query]`, and `http://` to a loopback host.
    pub fn parse(text: &str) -> Option<Self> {
        let odd = |c: char| c.is_control() || c.is_whitespace() || "@\\\"<>#`".contains(c) || !c.is_ascii();
        if text.len() > 2000 || text.contains(odd) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, port) = host_and_port(&rest[..end])?;
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            _ => return None,
        }
        // The port of the scheme is no part of an origin.
        let usual = if scheme == "https" { 443 } else { 80 };
        let port = port.filter(|port| *port != usual).map(|port| format!(":{port}")).unwrap_or_default();
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Some(Self { text: text.to_owned(), origin: format!("{scheme}://{host}{port}") })
    }

    /// The whole of it, for whoever sends.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Without brackets, where it is an address of IPv6.
    pub fn host(&self) -> &str {
        let rest = self.origin.split_once("://").map_or("", |(_, rest)| rest);
        match rest.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => rest.split(':').next().unwrap_or_default(),
        }
    }

    /// It names nothing behind its host.
    pub fn is_origin(&self) -> bool {
        let after = self.text.split_once("://").map_or("", |(_, rest)| rest);
        after.find(['/', '?']).is_none_or(|at| &after[at..] == "/")
    }

    /// For people: its origin, and whether there is more.
    pub fn shown(&self) -> String {
        if self.is_origin() { self.origin() } else { format!("{}/...", self.origin) }
    }

    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.shown())
    }
}

/// `host`, `host:port` or `[v6]:port`; the host in lower case and without brackets.
pub(super) fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (
                host,
                after
                    .strip_prefix(':')
                    .map_or_else(|| after.is_empty().then_some(None), |p| Some(Some(p)))?,
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || c == ':';
    if host.is_empty() || host.len() > 253 || !host.chars().all(plain) || host.starts_with(['.', '-']) {
        return None;
    }
    let port = match port {
        None => None,
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
    };
    Some((host.to_ascii_lowercase(), port))
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// One plain mail address: no name, no list, nothing that could become a header (T38).
pub fn is_mailbox(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_{|}~.".contains(c);
    let named = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    text.len() <= 254
        && !name.is_empty()
        && !domain.is_empty()
        && name.chars().all(good)
        && domain.chars().all(named)
        && !domain.starts_with(['.', '-'])
        && !name.starts_with('.')
}

//! Under which names this daemon is reached: the exact `Host` table, and the one `Origin` that belongs to each.
//!
//! Owns the defence against DNS rebinding (T14) and the origins of T13, as tables without a wildcard. It reads no request
//! beyond those two headers. Start with [`Reach`].

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

use crate::config::server::PublicUrl;

/// One name of this daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// As it stands in `Host`.
    pub host: String,
    /// As it stands in `Origin`.
    pub origin: String,
    /// Browsers come by https: cookies are `Secure`.
    pub https: bool,
}

impl Site {
    fn new(host: String, https: bool) -> Self {
        let scheme = if https { "https" } else { "http" };
        Self { origin: format!("{scheme}://{host}"), host, https }
    }
}

/// All names, the one to print first. Empty: reached over the unix socket alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    sites: Vec<Site>,
    public: Option<Site>,
}

impl Reach {
    /// The addresses that are listened on, with the port as it was given out, and the public name. `localhost` is a name of
    /// ours only where every address it may stand for is (`both`).
    pub fn new(listening: &[SocketAddr], both: bool, https: bool, public: Option<&PublicUrl>) -> Self {
        let mut sites = Vec::new();
        for address in listening.iter().filter(|address| !address.ip().is_unspecified()) {
            sites.push(Site::new(host(&address.ip().to_string(), *address, https), https));
        }
        if let Some(address) = listening.iter().find(|address| both && address.ip().is_loopback()) {
            sites.push(Site::new(host("localhost", *address, https), https));
        }
        let public =
            public.map(|url| Site { host: url.host.clone(), origin: url.origin(), https: url.https });
        Self { sites, public }
    }

    /// The name by which this request came: exactly one `Host`, exactly one of ours.
    pub fn site(&self, headers: &HeaderMap) -> Option<&Site> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
        let mut all = self.sites.iter().chain(&self.public);
        all.find(|site| host.as_bytes().eq_ignore_ascii_case(site.host.as_bytes()))
    }

    /// Where a browser on this machine goes.
    pub fn url(&self) -> Option<&str> {
        self.sites.first().map(|site| site.origin.as_str())
    }

    /// Where any browser goes, and what links in mails and messages begin with.
    pub fn public_url(&self) -> Option<&str> {
        self.public.as_ref().map(|site| site.origin.as_str())
    }
}

fn host(name: &str, address: SocketAddr, https: bool) -> String {
    let name = match address.ip() {
        IpAddr::V6(_) if name.contains(':') => format!("[{name}]"),
        _ => name.to_owned(),
    };
    // Browsers leave out the port that is usual.
    let usual = if https { 443 } else { 80 };
    if address.port() == usual { name } else { format!("{name}:{}", address.port()) }
}

#[cfg(test)]
mod tests;

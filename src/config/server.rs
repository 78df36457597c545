//! `server` in the user's config: where the daemon listens, and how it is reached from elsewhere.
//!
//! Owns the grammar of an address, of the public URL and of the files for TLS, and what may not be combined. It opens
//! nothing. Start with [`Server`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::error::ConfigError;
use super::table::Table;

/// Where the daemon listens when nothing is said.
pub const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// None: [`DEFAULT`], and no harm when another has that port.
    pub listen: Option<SocketAddr>,
    pub public_url: Option<PublicUrl>,
    pub tls: Option<Tls>,
}

/// Files of the daemon's own certificate, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// The one address under which others reach the daemon: exactly one Host and one Origin (rules 19.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// As browsers write it in `Host`: lower case, a usual port left out.
    pub host: String,
    pub https: bool,
}

impl PublicUrl {
    /// `https://name[:port]`, nothing behind it; plain http only to this machine itself.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim_end_matches('/').split_once("://")?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let rest = rest.to_ascii_lowercase();
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port.parse::<u16>().ok()?)),
            _ => (rest.as_str(), None),
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        let six = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
        let fine = match six {
            Some(six) => six.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !name.is_empty() && name.bytes().all(plain) && !name.starts_with('.') && !name.ends_with('.')
            }
        };
        let here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        if !fine || (!https && !here) {
            return None;
        }
        let usual = if https { 443 } else { 80 };
        let host = match port.filter(|port| *port != usual) {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        Some(Self { host, https })
    }

    /// As browsers write it in `Origin`, and the base of every link.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.host)
    }
}

/// The text is no address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as `127.0.0.1:7070`")]
pub struct NoAddress;

/// `IP:PORT`, `localhost:PORT` or a port alone.
pub fn address(text: &str) -> Result<SocketAddr, NoAddress> {
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::new(DEFAULT.ip(), port));
    }
    match text.strip_prefix("localhost:") {
        Some(port) => Ok(SocketAddr::new(DEFAULT.ip(), port.parse().map_err(|_| NoAddress)?)),
        None => text.parse().map_err(|_| NoAddress),
    }
}

pub(super) fn server(root: &Table<'_>) -> Result<Server, ConfigError> {
    let Some(table) = root.table("server")? else { return Ok(Server::default()) };
    table.only(&["listen", "public_url", "tls"])?;
    let listen = table
        .text("listen")?
        .map(|text| {
            let bad = || table.bad("listen", "an address such as `127.0.0.1:7070`", &format!("`{text}`"));
            address(text).map_err(|_| bad())
        })
        .transpose()?;
    let public_url = table
        .text("public_url")?
        .map(|text| {
            let expected = "`https://NAME` without a path (`http` only for this machine itself)";
            PublicUrl::parse(text).ok_or_else(|| table.bad("public_url", expected, &format!("`{text}`")))
        })
        .transpose()?;
    let tls = table.table("tls")?.map(|tls| files(&tls)).transpose()?;
    Ok(Server { listen, public_url, tls })
}

fn files(table: &Table<'_>) -> Result<Tls, ConfigError> {
    table.only(&["cert", "key"])?;
    let path = |key: &str| {
        let text = table.text(key)?.ok_or_else(|| table.missing(key, "the path of a PEM file"))?;
        let path = PathBuf::from(text);
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(table.bad(key, "an absolute path", &format!("`{text}`")))
        }
    };
    Ok(Tls { cert: path("cert")?, key: path("key")? })
}

#[cfg(test)]
mod tests;

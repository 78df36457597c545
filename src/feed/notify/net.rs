//! HTTP for alerts: the client of all that is sent, a guard for push, and what an answer means.
//!
//! Owns the guard of push (T35): a name is resolved by us, every address it has must be public, and the very
//! address that was judged is dialled. Start with [`Web`].

mod public;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{RequestBuilder, StatusCode};

use super::channel::{Class, Failed, Retry, Sent};
use crate::feed::wire::{self, innermost};
pub(super) use public::is_public;

/// No server is believed that wants a longer pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync {
    fn look_up(&self, host: String)
    -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Lookup for System {
    fn look_up(
        &self,
        host: String,
    ) -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("`{host}` has the address {address}, which is not public")]
struct Private {
    host: String,
    address: IpAddr,
}

/// Gives addresses only where all of a name's are public.
struct Guard(Arc<dyn Lookup>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let found = self.0.look_up(host.clone());
        Box::pin(async move {
            let addresses = found.await?;
            if let Some(address) = addresses.iter().find(|address| !is_public(**address)) {
                return Err(Private { host, address: *address }.into());
            }
            let all: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(all)
        })
    }
}

/// The clients of one process.
#[derive(Clone)]
pub struct Web {
    lookup: Arc<dyn Lookup>,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To public addresses only.
    Public,
    /// To an address that the user's own config names.
    Named,
}

impl Web {
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup }
    }

    /// A client for one request: alerts are few, and a kept connection would be a kept promise.
    pub(super) fn client(&self, reach: Reach, encrypted: bool) -> Result<reqwest::Client, Failed> {
        let mut client = wire::client(encrypted);
        if reach == Reach::Public {
            client = client.dns_resolver(Guard(Arc::clone(&self.lookup)));
        }
        client.build().map_err(|error| Failed::later(Class::Tls, innermost(&error)))
    }
}

/// Sends and judges the answer by its status; its body is not read.
pub(super) async fn send(request: RequestBuilder) -> Result<Sent, Failed> {
    let answer = request.send().await.map_err(|error| failed(&error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(Sent);
    }
    let why = format!("the server answered {}", status.as_u16());
    let retry = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Retry::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            pause(&answer).map_or(Retry::Later, Retry::After)
        }
        StatusCode::REQUEST_TIMEOUT => Retry::Later,
        status if status.is_server_error() => Retry::Later,
        _ => Retry::Never,
    };
    Err(Failed { class: Class::Refused, why, retry })
}

/// `Retry-After` in seconds; a date is not worth a parser.
fn pause(answer: &reqwest::Response) -> Option<Duration> {
    let text = answer.headers().get("retry-after")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs).map(|pause| pause.min(LONGEST_PAUSE))
}

fn failed(error: &reqwest::Error) -> Failed {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        if cause.is::<Private>() {
            // Said by a resolver, which may say another thing tomorrow; nothing was dialled.
            return Failed::later(Class::Forbidden, cause.to_string());
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Failed::later(Class::Tls, tls.to_string());
        }
        // An I/O error may hold the TLS error without naming it as its source.
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(tls) = inner.downcast_ref::<rustls::Error>()
        {
            return Failed::later(Class::Tls, tls.to_string());
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    let class = if error.is_timeout() { Class::Timeout } else { Class::Connect };
    Failed::later(class, innermost(error))
}

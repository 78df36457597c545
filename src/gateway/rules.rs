//! Which request may pass, judged from its head alone.
//!
//! Owns the closed list of the gateway (T07): two POST endpoints, compared byte for byte with nothing
//! normalised first, so that no second reading of a path exists. It does not look into bodies (`inspect`) and
//! chooses no header to forward (`headers`). Start with [`check`].

use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use hyper::{HeaderMap, Method, StatusCode, Uri, Version};

use super::answer::{ErrorKind, Refusal};

/// The largest request body that is read, in bytes: the API's own limit.
pub const MAX_BODY: u64 = 32 * 1024 * 1024;

/// The endpoints that exist on the other side of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Messages,
    CountTokens,
}

/// A request that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) endpoint: Endpoint,
    /// `?beta=true` was asked for.
    pub(crate) beta: bool,
    pub(crate) length: u64,
}

impl Allowed {
    /// Path and query as they go upstream: made here, never copied from the request.
    pub(crate) fn path(self) -> &'static str {
        match (self.endpoint, self.beta) {
            (Endpoint::Messages, true) => "/v1/messages?beta=true",
            (Endpoint::Messages, false) => "/v1/messages",
            (Endpoint::CountTokens, true) => "/v1/messages/count_tokens?beta=true",
            (Endpoint::CountTokens, false) => "/v1/messages/count_tokens",
        }
    }
}

/// The head of a request as the HTTP parser gave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
}

pub(crate) fn check(head: Head<'_>) -> Result<Allowed, Refusal> {
    framing(head)?;
    let uri = head.uri;
    if head.method == Method::CONNECT || uri.scheme().is_some() || uri.authority().is_some() {
        return Err(forbidden("a request for another host", "the gateway is no proxy: it has one upstream"));
    }
    let endpoint = match uri.path() {
        "/v1/messages" => Endpoint::Messages,
        "/v1/messages/count_tokens" => Endpoint::CountTokens,
        // Clients ask a few optional endpoints at start; a plain "not there" lets them go on at once.
        path if path.starts_with("/api/") || path == "/" => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                ErrorKind::NotFound,
                "another endpoint",
                NO_ENDPOINT,
            ));
        }
        _ => return Err(forbidden("another endpoint", NO_ENDPOINT)),
    };
    if head.method != Method::POST {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Err(Refusal::new(
            status,
            ErrorKind::InvalidRequest,
            "another method",
            "only POST passes the gateway",
        ));
    }
    let beta = match uri.query() {
        None => false,
        Some("beta=true") => true,
        Some(_) => return Err(forbidden("another query", "only `beta=true` passes the gateway as a query")),
    };
    let length = length(head.headers)?;
    Ok(Allowed { endpoint, beta, length })
}

const NO_ENDPOINT: &str = "only `/v1/messages` and `/v1/messages/count_tokens` pass the gateway";

/// Two readers must not be able to disagree on where a request ends or whom it is for.
fn framing(head: Head<'_>) -> Result<(), Refusal> {
    if head.version != Version::HTTP_11 {
        return Err(malformed("the gateway speaks HTTP/1.1"));
    }
    // The parser silently prefers Transfer-Encoding where both lengths are given, so neither is accepted.
    if head.headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::new(
            StatusCode::LENGTH_REQUIRED,
            ErrorKind::InvalidRequest,
            "a body without length",
            "the gateway needs a `content-length` and takes no `transfer-encoding`",
        ));
    }
    if head.headers.contains_key(UPGRADE) {
        return Err(forbidden("an upgrade", "the gateway upgrades no connection"));
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_local(host.as_bytes()) => Ok(()),
        (Some(_), None) => Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            ErrorKind::Permission,
            "a foreign host",
            "the gateway answers for `localhost` only",
        )),
        _ => Err(malformed("exactly one `host` header is needed")),
    }
}

fn is_local(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    matches!(name, "localhost" | "127.0.0.1")
        && port.parse::<u16>().is_ok()
        && port.bytes().all(|b| b.is_ascii_digit())
}

fn length(headers: &HeaderMap) -> Result<u64, Refusal> {
    let mut all = headers.get_all(CONTENT_LENGTH).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(malformed("exactly one `content-length` header is needed"));
    };
    let length = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    match length {
        Some(length) if length > MAX_BODY => Err(too_large()),
        Some(length) => Ok(length),
        None => Err(malformed("`content-length` is no number")),
    }
}

pub(crate) fn too_large() -> Refusal {
    let message = "request bodies above 32 MB do not pass the gateway";
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorKind::TooLarge, "a body above 32 MB", message)
}

pub(crate) fn malformed(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, ErrorKind::InvalidRequest, "a malformed request", message)
}

fn forbidden(what: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, ErrorKind::Permission, what, message)
}

#[cfg(test)]
mod tests;

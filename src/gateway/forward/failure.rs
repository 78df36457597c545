//! Answers that the gateway makes itself, and the class of a failure it met.
//!
//! Owns their bodies and headers, and the words for what went wrong, which hold no address and no key. Start
//! with `local`.

use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::Answer;
use crate::gateway::answer::{ErrorKind, Refusal};
use crate::gateway::breaker::Last;
use crate::gateway::meter::BUDGET;

/// The words under which a request is counted that was not sent because the upstream is down.
const PAUSED: &str = "a request while the upstream does not answer";

/// The upstream is not asked now: its last refusal is told again, so that the run ends and waits elsewhere.
pub(super) fn down(last: &Last) -> Refusal {
    let status =
        last.status.and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimit,
        _ if status.as_u16() == 529 => ErrorKind::Overloaded,
        _ => ErrorKind::Api,
    };
    let message = format!("the upstream does not answer ({}): nothing is sent for now", last.class);
    Refusal::new(status, kind, PAUSED, &message)
}

/// An answer made here. The connection ends with it: what else was sent on it is not read.
pub(super) fn local(refusal: &Refusal) -> Answer {
    let body = Full::new(refusal.body()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if refusal.what == PAUSED {
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    if refusal.what == BUDGET {
        // With these the client gives up at once instead of asking again for minutes (measured).
        headers.insert(RETRY_AFTER, HeaderValue::from_static("3600"));
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    response
}

pub(super) fn unavailable(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, ErrorKind::Api, "a request the upstream did not answer", message)
}

/// The class of a failure and words that hold no address and no key.
pub(super) fn classify(error: &reqwest::Error) -> (&'static str, &'static str) {
    if by_certificate(error) {
        return ("tls", "the upstream's certificate was not accepted");
    }
    if error.is_timeout() {
        ("timeout", "the upstream did not answer in time")
    } else if error.is_connect() {
        ("connect", "the upstream cannot be reached")
    } else {
        ("broken", "the connection to the upstream broke off")
    }
}

fn by_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(each) = cause {
        if each.is::<rustls::Error>() {
            return true;
        }
        // An I/O error leaves the error it carries out of its own chain.
        let carried = each.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if carried.is_some_and(|carried| by_certificate(carried)) {
            return true;
        }
        cause = each.source();
    }
    false
}

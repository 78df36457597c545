//! The answers the gateway gives by itself, in the API's own form.
//!
//! Owns the error body and its words; which request earns one is decided in `rules`, `inspect` and `meter`.
//! Start with [`Refusal`].

use bytes::Bytes;
use hyper::StatusCode;

/// The API's `error.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Api,
    InvalidRequest,
    NotFound,
    Overloaded,
    Permission,
    RateLimit,
    Timeout,
    TooLarge,
}

impl ErrorKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api_error",
            Self::InvalidRequest => "invalid_request_error",
            Self::NotFound => "not_found_error",
            Self::Overloaded => "overloaded_error",
            Self::Permission => "permission_error",
            Self::RateLimit => "rate_limit_error",
            Self::Timeout => "timeout_error",
            Self::TooLarge => "request_too_large",
        }
    }
}

/// A request that does not reach the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) kind: ErrorKind,
    /// What was refused, as people read it in the run's story; one of a small set.
    pub(crate) what: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, kind: ErrorKind, what: &'static str, message: &str) -> Self {
        Self { status, kind, what, message: message.to_owned() }
    }

    /// `{"type":"error","error":{"type":..,"message":..}}`
    pub(crate) fn body(&self) -> Bytes {
        let message = format!("beadwork gateway: {}", self.message);
        let error = serde_json::json!({ "type": self.kind.as_str(), "message": message });
        Bytes::from(serde_json::json!({ "type": "error", "error": error }).to_string())
    }
}

//! The headers that every answer carries (T57): nothing is framed, sniffed, cached, sent on, or run that is not ours.
//!
//! Owns their values; a golden test holds them over every route. Start with [`dress`].

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Scripts, styles and connections of our own alone; nothing inline; no frame, no base, no foreign form.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'";

/// On every answer, whatever a route says.
pub const ALWAYS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Puts them on. Nothing is kept in a cache: not what agents said, nor what a newer program has otherwise.
pub fn dress(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

//! Errors of the API: `application/problem+json`, with what to do next.
//!
//! Owns the translation of refusals and failures into a status and a body. Start with [`Problem`].

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::beads::TrackerError;
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::domain::clean::clean_line;

/// One error as its reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub status: StatusCode,
    pub detail: String,
    pub hints: Vec<String>,
    pub can_force: bool,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), hints: Vec::new(), can_force: false }
    }

    pub(super) fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            detail: refusal.message,
            hints: refusal.hints,
            can_force: refusal.can_force,
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Tracker(error @ TrackerError::UnknownId { .. }) => Self::gone(error.to_string()),
            EngineError::Tracker(error) if error.is_refusal() => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            other => {
                let (refused, hints) = other.advice();
                let status = if refused { StatusCode::CONFLICT } else { StatusCode::INTERNAL_SERVER_ERROR };
                Self { hints, ..Self::new(status, other.to_string()) }
            }
        }
    }
}

impl From<crate::journal::JournalError> for Problem {
    fn from(error: crate::journal::JournalError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<TrackerError> for Problem {
    fn from(error: TrackerError) -> Self {
        EngineError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": clean_line(&self.detail),
            "hints": self.hints,
            "can_force": self.can_force,
        });
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

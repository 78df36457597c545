//! Errors of the API: `application/problem+json`, with what to do next.
//!
//! Owns the one shape of an error and its schema. What a refusal of some room becomes is decided where that room is known.
//! Start with [`Problem`].

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::clean::clean_line;

/// A longer sentence is nobody's to read, and may quote what was sent.
const LONGEST: usize = 2000;

/// One error as its reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: String,
    pub hints: Vec<String>,
    /// The member of the body with which, set to true, the same order would go on.
    pub force_key: Option<&'static str>,
}

/// What stands in the body (RFC 9457, with two members of ours).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What is wrong, in one sentence.
    detail: String,
    /// What to do next, one sentence each.
    hints: Vec<String>,
    /// The same order would go on, if it were sent with the member that `force_key` names.
    can_force: bool,
    /// The member of the body that is to be `true` for that: `force`, `skip_gates`.
    force_key: Option<&'static str>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), hints: Vec::new(), force_key: None }
    }

    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The request cannot be meant as it is written.
    pub fn wrong(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The same order would go on with this member of its body.
    #[must_use]
    pub fn forced_by(self, key: &'static str) -> Self {
        Self { force_key: Some(key), ..self }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let detail: String = clean_line(&self.detail).chars().take(LONGEST).collect();
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail,
            hints: self.hints.iter().map(|hint| clean_line(hint)).collect(),
            can_force: self.force_key.is_some(),
            force_key: self.force_key,
        };
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

#[cfg(test)]
mod tests;

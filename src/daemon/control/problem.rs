//! What refusals and failures of the rooms become over the API.
//!
//! Owns only the translation into a status; the shape of a problem is `feed::web`'s. Start with the `From`s of [`Problem`].

use axum::http::StatusCode;

use crate::beads::TrackerError;
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
pub(super) use crate::feed::web::problem::Problem;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self {
            hints: refusal.hints,
            force_key: refusal.can_force.then_some("force"),
            ..Self::new(StatusCode::CONFLICT, refusal.message)
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

//! One heartbeat: what it says, how it is signed, and which events are progress.
//!
//! Owns the message's shape, which the other machine's version must understand: fields are only ever added.
//! Start with [`Beat`].

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::domain::event::Body;

/// What the daemon says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// How the machine is called.
    pub host: String,
    pub state: Standing,
    /// By the sender's clock; no two beats of a host have the same.
    pub at: DateTime<Utc>,
    /// The next beat comes by then; `None`: the daemon leaves on purpose, and none is promised.
    pub next_by: Option<DateTime<Utc>>,
    /// The newest event by which a bead advanced.
    pub progress_seq: u64,
    /// Grows while models answer to running beads, so that a long turn is progress too.
    #[serde(default)]
    pub meter: u64,
    /// So many seconds without progress are too many.
    #[serde(default)]
    pub stall_s: Option<u64>,
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Beads are under work.
    Advancing,
    /// A window is open, and there is nothing to do.
    Idle,
    /// Nothing runs, and what is begun waits for a known condition.
    Suspended,
    /// No window is open, or the daemon has left.
    Closed,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advancing => "advancing",
            Self::Idle => "idle",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

fn mac(secret: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    mac.update(body);
    mac
}

/// The value of the signature's header.
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    let tag = mac(secret, body).finalize().into_bytes();
    let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// Whether the header is the body's signature; compared in constant time.
pub fn verify(secret: &[u8], body: &[u8], header: &str) -> bool {
    let Some(hex) = header.strip_prefix("sha256=").filter(|hex| hex.len() == 64 && hex.is_ascii()) else {
        return false;
    };
    let bytes = (0..32).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16));
    let Ok(tag) = bytes.collect::<Result<Vec<u8>, _>>() else { return false };
    mac(secret, body).verify_slice(&tag).is_ok()
}

/// Whether a bead advanced by this event. What only tells, is tried again, or goes in circles is no progress.
pub fn advances(body: &Body) -> bool {
    matches!(
        body,
        Body::Claimed
            | Body::AttemptStarted { .. }
            | Body::WorkspaceReady
            | Body::AgentStarted { .. }
            | Body::TaskGiven
            | Body::AgentEnded(_)
            | Body::Exported { .. }
            | Body::NothingChanged { .. }
            | Body::Merged { .. }
            | Body::Conflicted { .. }
            | Body::ConflictRunStarted { .. }
            | Body::GateEnded { .. }
            | Body::GatesPassed { .. }
            | Body::GatesFailed { .. }
            | Body::Reviewed { .. }
            | Body::Blocked { .. }
            | Body::Protected { .. }
            | Body::Landed { .. }
            | Body::LandedBeside { .. }
            | Body::LeftOnBranch { .. }
            | Body::Closed { .. }
            | Body::Settled
            | Body::Suspended { .. }
            | Body::Resumed { .. }
            | Body::Finished(_)
    )
}

//! What can go wrong at a moment of a simulated night, or be done by its user.
//!
//! Owns the list with its names and what each needs to know. How a fault is put into effect stands in `strike`.
//! Start with [`Fault`].

use std::time::Duration;

/// One thing that happens. Spans are how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) lasts: Duration,
    /// Seconds of a jump or a header, a number of things; 0 where it means nothing.
    pub(super) by: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// kill -9 of the daemon, which is started again after the span.
    KillDaemon,
    /// SIGTERM: it finishes landings, leaves the containers, and is started again after the span.
    StopDaemon,
    /// The container engine does not answer for the span; containers run on.
    DockerdAway,
    /// The engine restarts and every container is gone.
    DockerdRestart,
    /// One container disappears.
    ContainerLost,
    /// The next `by` starts of an agent, an export or a gate are refused.
    AgentStartFails,
    ExportStartFails,
    GateStartFails,
    /// The next agent's container says "running" whatever is done to it.
    NeverEnds,
    /// The next agent's output breaks off after `by` bytes and can be attached again.
    Disconnect,
    ImageMissing,
    /// 529, 500, 401, credit too low, reset or stalled streams.
    Overloaded,
    ServerErrors,
    Unauthorised,
    CreditLow,
    StreamsBreak,
    StreamsStall,
    /// 429 with `retry-after: by`.
    Throttled,
    /// The usage limit is reached for the span; the API tells a reset `by` seconds beside the truth.
    UsageLimit,
    /// The same, and the reset is told in milliseconds.
    UsageLimitMillis,
    DiskLow,
    InodesLow,
    MemoryLow,
    /// The wall clock is set by so many seconds.
    ClockJump,
    UserCommits,
    /// The user changes the file that many beads change.
    UserCommitsShared,
    UserRewrites,
    UserDeletesTarget,
    UserDirties,
    UserCleans,
    UserClosesBead,
    UserTakesBead,
    RefLock,
}

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("kill_daemon", Kind::KillDaemon),
    ("stop_daemon", Kind::StopDaemon),
    ("dockerd_away", Kind::DockerdAway),
    ("dockerd_restart", Kind::DockerdRestart),
    ("container_lost", Kind::ContainerLost),
    ("agent_start_fails", Kind::AgentStartFails),
    ("export_start_fails", Kind::ExportStartFails),
    ("gate_start_fails", Kind::GateStartFails),
    ("never_ends", Kind::NeverEnds),
    ("disconnect", Kind::Disconnect),
    ("image_missing", Kind::ImageMissing),
    ("overloaded", Kind::Overloaded),
    ("server_errors", Kind::ServerErrors),
    ("unauthorised", Kind::Unauthorised),
    ("credit_low", Kind::CreditLow),
    ("streams_break", Kind::StreamsBreak),
    ("streams_stall", Kind::StreamsStall),
    ("throttled", Kind::Throttled),
    ("usage_limit", Kind::UsageLimit),
    ("usage_limit_millis", Kind::UsageLimitMillis),
    ("disk_low", Kind::DiskLow),
    ("inodes_low", Kind::InodesLow),
    ("memory_low", Kind::MemoryLow),
    ("clock_jump", Kind::ClockJump),
    ("user_commits", Kind::UserCommits),
    ("user_commits_shared", Kind::UserCommitsShared),
    ("user_rewrites", Kind::UserRewrites),
    ("user_deletes_target", Kind::UserDeletesTarget),
    ("user_dirties", Kind::UserDirties),
    ("user_cleans", Kind::UserCleans),
    ("user_closes_bead", Kind::UserClosesBead),
    ("user_takes_bead", Kind::UserTakesBead),
    ("ref_lock", Kind::RefLock),
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("?", |(name, _)| name)
    }
}

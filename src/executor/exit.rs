//! Reads why a sandbox ended out of what the engine said and what we did ourselves.
//!
//! Owns the order of the questions: an exit code alone lies (T48). A child that died of memory leaves code 0,
//! 137 is memory, a kill of ours or a limit. It decides no outcome of a run. Start with [`Ended::class`].

use std::time::Duration;

use super::{Exit, Signal};

/// All that is known about an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub exit: Exit,
    /// The last signal we sent, if any.
    pub killed: Option<Signal>,
    /// From start to end, by our clock.
    pub ran: Duration,
    /// The spec's time limit.
    pub limit: Duration,
}

/// Why it ended. Only `Clean` may ever be taken for success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitClass {
    /// Code 0, nothing killed, nobody asked it to stop.
    Clean,
    /// The kernel killed something in it for memory, whatever the code says.
    OutOfMemory,
    /// We signalled it before it ended. Its code means nothing: a trap may say 0.
    KilledByUs,
    /// Its first process, the time limit, ended it.
    TimeLimit,
    /// A signal from inside.
    Signal(i64),
    Code(i64),
    /// What an engine reports when it lost track of the container (F12).
    Unknown(i64),
}

impl Ended {
    /// Memory first, then our own intent, then the time limit, then the code.
    pub fn class(&self) -> ExitClass {
        match self.exit.code {
            _ if self.exit.out_of_memory => ExitClass::OutOfMemory,
            _ if self.killed.is_some() => ExitClass::KilledByUs,
            // 124: ended by TERM; 137: it had to be killed after TERM. Both mean something else before the limit.
            124 | 137 if self.ran >= self.limit => ExitClass::TimeLimit,
            0 => ExitClass::Clean,
            255.. | ..0 => ExitClass::Unknown(self.exit.code),
            code @ 129..=192 => ExitClass::Signal(code - 128),
            code => ExitClass::Code(code),
        }
    }
}

#[cfg(test)]
mod tests;

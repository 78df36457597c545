//! Ctrl-C, `kill` and a closed terminal, for commands that have something to put in order first.
//!
//! Owns when signals are caught: from [`Signals::catch`] on, which is called before anybody can see that the
//! command runs. A signal that came before a listener was there would end the process on the spot.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CliError, Exit};

/// The process's signals. Once caught they are caught for good, so whoever drops this swallows them.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    pub(super) fn catch() -> Result<Self, CliError> {
        Ok(Self {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
            hangup: None,
        })
    }

    /// Also the end of the terminal, for a command that lives in one.
    pub(super) fn with_hangup(mut self) -> Result<Self, CliError> {
        self.hangup = Some(caught(SignalKind::hangup())?);
        Ok(self)
    }

    /// Waits for the next one. Losing the future loses no signal.
    pub(super) async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

fn caught(kind: SignalKind) -> Result<Signal, CliError> {
    signal(kind).map_err(|error| CliError::from_error(Exit::Failed, &error))
}

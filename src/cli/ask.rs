//! A yes or no from the person at the terminal.
//!
//! Owns how a question is put and what counts as an answer. Whether there is a person to ask is the command's
//! to know. Start with [`agreed`].

use std::io::Write as _;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::signals::Signals;
use super::{CliError, Exit};

/// What Enter alone means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enter {
    Yes,
    No,
}

/// Asks on stderr, and reads one line of stdin. A closed input is a no: nobody said anything. Ctrl-C ends the
/// command, also where an earlier part of it has caught signals.
pub(super) async fn agreed(question: &str, enter: Enter) -> Result<bool, CliError> {
    let failed = |error: std::io::Error| CliError::from_error(Exit::Failed, &error);
    let mut signals = Signals::catch()?;
    let choice = if enter == Enter::Yes { "[Y/n]" } else { "[y/N]" };
    let mut err = std::io::stderr();
    write!(err, "{question} {choice} ").and_then(|()| err.flush()).map_err(failed)?;
    let mut answer = String::new();
    let mut input = BufReader::new(tokio::io::stdin());
    tokio::select! {
        read = input.read_line(&mut answer) => { read.map_err(failed)?; }
        () = signals.next() => {
            let _ = writeln!(err);
            return Err(CliError::new(Exit::Interrupted, "interrupted before an answer"));
        }
    }
    if answer.is_empty() {
        let _ = writeln!(err);
    }
    Ok(said(&answer, enter))
}

fn said(answer: &str, enter: Enter) -> bool {
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => true,
        "" => !answer.is_empty() && enter == Enter::Yes,
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! `bead model serve`: the scripted model server by itself, for your own experiments.
//!
//! Owns the arguments and the wait for Ctrl-C; it listens on loopback only. Start with [`run`].

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::desk::Desk;
use super::signals::Signals;
use super::{CliError, Exit};
use crate::clock::SystemClock;
use crate::model::{ModelServer, ModelServerSpec};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the Messages API from a script, on loopback, until Ctrl-C
    Serve {
        /// What the model answers (docs/rehearsal.md)
        #[arg(long, value_name = "FILE")]
        script: PathBuf,
        /// Where to listen; port 0 picks one
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
        listen: SocketAddr,
        /// Write one JSON line for each request (no body, no credential)
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let Command::Serve { script, listen, record } = args.command;
    if !listen.ip().is_loopback() {
        return Err(CliError::new(Exit::Usage, format!("`--listen {listen}`: expected a loopback address")));
    }
    let script = super::rehearse::read(&script)?;
    let mut signals = Signals::catch()?;
    let clock = std::sync::Arc::new(SystemClock::default());
    let spec = ModelServerSpec { script, bind: listen, record, clock };
    let server = ModelServer::start(spec).await.map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    if desk.output.json {
        desk.output.value(&json!({ "url": server.url() }));
    } else {
        desk.output.line(&format!("serving on {}", server.url()));
        desk.output.say(&format!(
            "use it: ANTHROPIC_BASE_URL={} ANTHROPIC_API_KEY=none claude -p hello",
            server.url()
        ));
    }
    signals.next().await;
    server.close().await;
    Ok(Exit::Interrupted)
}

//! `bead model serve`: the scripted model server by itself, for your own experiments.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::desk::Desk;
use super::{CliError, Exit};
use crate::model::ModelServer;

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
    },
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let Command::Serve { script, listen } = args.command;
    if !listen.ip().is_loopback() {
        return Err(CliError::new(Exit::Usage, format!("`--listen {listen}`: expected a loopback address")));
    }
    let script = super::rehearse::read(&script)?;
    let server =
        ModelServer::start(script, listen).await.map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    if desk.output.json {
        desk.output.value(&json!({ "url": server.url() }));
    } else {
        desk.output.line(&format!("serving on {}", server.url()));
        desk.output.say(&format!("use it: ANTHROPIC_BASE_URL={} ANTHROPIC_API_KEY=none claude -p hello", server.url()));
    }
    let _ = tokio::signal::ctrl_c().await;
    server.stop().await;
    Ok(Exit::Interrupted)
}

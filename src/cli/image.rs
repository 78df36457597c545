//! `bead image`: what agents and gates run in.

use clap::{Args as ClapArgs, Subcommand};

use super::desk::Desk;
use super::output::{DIM, GOOD, WARN, paint};
use super::{CliError, Exit};
use crate::executor::image;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build one of the images that are part of this program; does nothing when it is up to date
    Build {
        /// `worker` is the one there is
        name: String,
    },
    /// List our images
    List,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let _ = (desk, args.command, DIM, GOOD, WARN, image::NAMES, paint);
    Ok(Exit::Done)
}

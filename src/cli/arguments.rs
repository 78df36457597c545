//! The grammar of the command line.
//!
//! Owns the global flags and the list of subcommands; each subcommand's own arguments stand in its file. What
//! the commands promise to scripts is the project's public interface. Start with [`Command`].

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Works through a project's beads and lands only what was proven.
#[derive(Debug, Parser)]
#[command(name = "bead", version, max_term_width = 100, disable_help_subcommand = true)]
pub(super) struct Arguments {
    /// Print JSON on stdout: one value, or one object a line where output streams
    #[arg(long, global = true)]
    pub json: bool,
    /// The project: a repository's folder or a registered name (default: the one around you)
    #[arg(long, global = true, value_name = "PATH|NAME")]
    pub project: Option<PathBuf>,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// A named set of settings (not built yet)
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub profile: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write bead.yaml for this repository, and a tracker if there is none
    Init(super::init::Args),
    /// Add a bead
    Add(super::add::Args),
    /// List beads
    List(super::list::Args),
    /// Show one bead whole
    Show(super::show::Args),
    /// List what could run now, in order
    Ready(super::ready::Args),
    /// Say in one sentence why a bead is, or is not, ready or running
    Why(super::why::Args),
    /// Work on beads, one after the other: claim, run, prove, land, close
    Work(super::work::Args),
    /// Work through the ready beads of all registered projects, now
    Night(super::night::Args),
    /// Run as a daemon: work in the windows of your config, and for other commands
    Serve(super::serve::Args),
    /// The settings in force, with their origin, and the prices
    Config(super::config::Args),
    /// The repositories a night works through
    Project(super::project::Args),
    /// Close a bead by hand
    Close(super::close::CloseArgs),
    /// Open a closed, claimed or parked bead again
    Reopen(super::close::ReopenArgs),
    /// List runs, newest first
    Runs(super::runs::Args),
    /// Print a run's log
    Logs(super::logs::Args),
    /// Print the journal
    Events(super::events::Args),
    /// Run a command with everything real but the model, on a temporary copy
    Rehearse(super::rehearse::Args),
    /// Play a whole night in a second, with everything doubled but the house itself
    Simulate(super::simulate::Args),
    /// The scripted model server of rehearsals
    Model(super::model::Args),
    /// Container images
    Image(super::image::Args),
    /// Tell what a recorded agent stream says
    InspectStream(super::inspect::Args),
    /// Remove what nothing needs any more, or say what holds each gigabyte
    Gc(super::gc::Args),
    /// Write all beads as JSONL, in the tracker's form or another
    Export(super::export::Args),
    /// Take beads from JSONL, all or none
    Import(super::import::Args),
    /// Merge two versions of a tracker file, as git's merge driver
    MergeDriver(super::merge_driver::Args),
    /// Check that journal, repository, tracker and containers tell one story
    Verify(super::verify::Args),
}

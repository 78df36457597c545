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
    /// What reviews found, and where it stands
    Findings(super::findings::Args),
    /// Print exactly what an agent would be told now
    Prompt(super::prompt::Args),
    /// Print what a prompt says of the project
    Context(super::prompt::Args),
    /// Work on beads, one after the other: claim, run, prove, land, close
    Work(super::work::Args),
    /// Work through the ready beads of all registered projects, now
    Night(super::night::Args),
    /// Run as a daemon: work in the windows of your config, and for other commands
    Serve(super::serve::Args),
    /// The report of a night: what landed, what needs you, what it cost
    Brief(super::brief::Args),
    /// Print a link that logs one browser in, once
    Login,
    /// Print the token for scripts, and where the daemon is reached
    Token(super::token::Args),
    /// Alerts on phones and browsers: the key, the devices, a test
    Push(super::push::Args),
    /// Look whether everything is there for a night, and what to do where it is not
    Doctor(super::doctor::Args),
    /// On another machine: miss the daemon's heartbeats, and raise the alarm
    Watchman(super::watchman::Args),
    /// The settings in force, with their origin, and the prices
    Config(super::config::Args),
    /// The repositories a night works through
    Project(super::project::Args),
    /// End a bead's work; what was done is kept
    Cancel(super::hand::NameArgs),
    /// Put a run aside: its clone and conversation are kept, its slot is free
    Pause(super::hand::NameArgs),
    /// Go on with a run that was put aside
    Resume(super::hand::NameArgs),
    /// Have a parked, failed or cancelled bead worked on again, with what is kept
    Retry(super::hand::RetryArgs),
    /// Say something to a run's agent
    Send(super::hand::SendArgs),
    /// Answer an agent's question, and let it go on
    Answer(super::hand::AnswerArgs),
    /// Let held work go on, close a bead with nothing to do, or open a proposed one
    Approve(super::hand::NameArgs),
    /// Leave a bead to a person
    Park(super::hand::ParkArgs),
    /// Show a run's progress here, to its end
    Attach(super::attach::Args),
    /// Open a shell on a bead's kept work, in a sandbox; what you leave there is kept
    Shell(super::shell::Args),
    /// Close a bead by hand
    Close(super::close::CloseArgs),
    /// Open a closed, claimed or parked bead again
    Reopen(super::close::ReopenArgs),
    /// Have an independent agent read kept work or a branch
    Review(super::review::Args),
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

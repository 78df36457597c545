//! The command line: one file for each subcommand, its arguments with their help on top, its handler below.
//!
//! Owns parsing, the global flags and the way from an error to an exit code. It decides nothing about beads:
//! every handler asks the rooms. Start with [`run`].

mod add;
mod arguments;
mod ask;
mod attach;
mod brief;
mod close;
mod config;
mod desk;
mod display;
mod doctor;
mod error;
mod events;
mod export;
mod findings;
mod forecast;
mod gc;
mod hand;
mod image;
mod import;
mod init;
mod inspect;
mod list;
mod login;
mod logs;
mod merge_driver;
mod model;
mod night;
mod output;
mod progress;
mod project;
mod prompt;
mod proposed;
mod push;
mod ready;
mod rehearse;
mod review;
mod runs;
mod serve;
mod shell;
mod show;
mod signals;
mod simulate;
mod through;
mod token;
mod verify;
mod watchman;
mod why;
mod work;

use clap::Parser;

use arguments::{Arguments, Command};
pub use error::{CliError, Exit};
use output::Output;

use crate::config::environment::Environment;

/// Parses, runs and reports; the value is the process's exit code.
pub fn run(environment: Environment) -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => {
            // clap prints help to stdout and mistakes to stderr, with the documented code 2.
            let _ = refused.print();
            if refused.use_stderr() && std::env::args().any(|word| word == "--json") {
                error::print_usage(&refused.to_string());
            }
            return u8::try_from(refused.exit_code()).unwrap_or(2);
        }
    };
    let output = Output::new(&arguments, &environment);
    match dispatch(arguments, environment, output) {
        Ok(exit) => exit.code(),
        Err(error) => {
            output.fail(&error);
            error.exit.code()
        }
    }
}

fn dispatch(arguments: Arguments, environment: Environment, output: Output) -> Result<Exit, CliError> {
    if let Some(profile) = &arguments.profile {
        return Err(CliError::refused(format!("`--profile {profile}`: profiles are not built yet"))
            .hint("set the values in bead.yaml or in your own config.yaml"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    let desk = desk::Desk { environment, output, project: arguments.project };
    let exit = runtime.block_on(execute(&desk, arguments.command));
    // A task that waits for a silent connection must not keep a finished command alive.
    runtime.shutdown_background();
    exit
}

/// Runs one parsed command; a rehearsal comes back here with its own desk.
async fn execute(desk: &desk::Desk, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Init(args) => init::run(desk, args).await,
        Command::Add(args) => add::run(desk, args).await,
        Command::List(args) => list::run(desk, args).await,
        Command::Show(args) => show::run(desk, args).await,
        Command::Ready(args) => ready::run(desk, args).await,
        Command::Why(args) => why::run(desk, args).await,
        Command::Prompt(args) => prompt::run(desk, args).await,
        Command::Context(args) => prompt::context(desk, args).await,
        Command::Findings(args) => findings::run(desk, args).await,
        Command::Cancel(args) => hand::cancel(desk, args).await,
        Command::Pause(args) => hand::pause(desk, args).await,
        Command::Resume(args) => hand::resume(desk, args).await,
        Command::Retry(args) => hand::retry(desk, args).await,
        Command::Send(args) => hand::send(desk, args).await,
        Command::Answer(args) => hand::answer(desk, args).await,
        Command::Approve(args) => hand::approve(desk, args).await,
        Command::Park(args) => hand::park(desk, args).await,
        Command::Attach(args) => attach::run(desk, args).await,
        Command::Shell(args) => shell::run(desk, args).await,
        Command::Close(args) => close::close(desk, args).await,
        Command::Reopen(args) => close::reopen(desk, args).await,
        Command::Work(args) => work::run(desk, args).await,
        Command::Night(args) => night::run(desk, args).await,
        Command::Serve(args) => serve::run(desk, args).await,
        Command::Brief(args) => brief::run(desk, args),
        Command::Login => login::run(desk).await,
        Command::Token(args) => token::run(desk, args).await,
        Command::Push(args) => push::run(desk, args).await,
        Command::Doctor(args) => doctor::run(desk, args).await,
        Command::Watchman(args) => watchman::run(desk, args).await,
        Command::Config(args) => config::run(desk, args).await,
        Command::Project(args) => project::run(desk, args).await,
        Command::Review(args) => review::run(desk, args).await,
        Command::Runs(args) => runs::run(desk, args),
        Command::Logs(args) => logs::run(desk, args).await,
        Command::Events(args) => events::run(desk, args).await,
        Command::Rehearse(args) => rehearse::run(desk, args).await,
        Command::Simulate(args) => simulate::run(desk, args).await,
        Command::Model(args) => model::run(desk, args).await,
        Command::Image(args) => image::run(desk, args).await,
        Command::InspectStream(args) => inspect::run(desk, args),
        Command::Gc(args) => gc::run(desk, args).await,
        Command::Export(args) => export::run(desk, args).await,
        Command::Import(args) => import::run(desk, args).await,
        Command::MergeDriver(args) => merge_driver::run(desk, &args),
        Command::Verify(args) => verify::run(desk, args).await,
    }
}

//! The `bead` program: reads the environment, runs the command, exits with its documented code.

use std::process::ExitCode;

use beadwork::{cli, config, telemetry};

fn main() -> ExitCode {
    let environment = config::environment::Environment::read();
    telemetry::start(environment.log.as_deref());
    ExitCode::from(cli::run(environment))
}

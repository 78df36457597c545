//! `bead project`: the repositories that a night works through.
//!
//! Owns the three subcommands; the checks are the daemon room's. A running daemon notices by itself. Start
//! with [`run`].

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::desk::{Desk, engine_error, journal_error};
use super::output::{DIM, paint};
use super::{CliError, Exit};
use crate::daemon::control::client::Client;
use crate::daemon::projects;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Register a repository (default: the one around you)
    Add {
        /// Its folder, or one inside it
        path: Option<PathBuf>,
        /// What to call it (default: the folder's name)
        #[arg(long)]
        name: Option<String>,
    },
    /// List registered repositories
    List,
    /// Forget one; its beads, logs and refs stay
    Remove {
        /// Its name or folder
        #[arg(value_name = "NAME")]
        which: String,
    },
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    match args.action {
        Action::Add { path, name } => {
            let path = path.map_or_else(|| desk.project_path(), Ok)?;
            let added = projects::add(&house, &path, name.as_deref()).await.map_err(engine_error)?;
            if desk.output.json {
                desk.output.document(&added);
            } else {
                desk.output.line(&format!("{}  {}", added.name, added.path.display()));
            }
            tell_daemon(&house).await;
        }
        Action::List => {
            let all = house.journal.projects().map_err(journal_error)?;
            if desk.output.json {
                desk.output.document(&all);
            } else {
                let wide = all.iter().map(|p| p.name.chars().count()).max().unwrap_or_default();
                for project in &all {
                    let path = project.path.display().to_string();
                    let gone = if project.path.is_dir() { "" } else { "  (not there now)" };
                    desk.output.line(&format!("{:<wide$}  {}{gone}", project.name, paint(DIM, &path)));
                }
                if all.is_empty() {
                    desk.output.say("no project is registered; `bead project add PATH` registers one");
                }
            }
        }
        Action::Remove { which } => {
            let gone = projects::remove(&house, &which).map_err(engine_error)?;
            if desk.output.json {
                desk.output.document(&gone);
            } else {
                desk.output.say(&format!("{} is no longer worked on at night", gone.name));
            }
            tell_daemon(&house).await;
        }
    }
    Ok(Exit::Done)
}

/// A daemon looks at its registry once a minute anyway; this makes it look now.
async fn tell_daemon(house: &crate::daemon::house::House) {
    if let Some(daemon) = Client::find(&house.places).await {
        let _ = daemon.post("/api/poke", &serde_json::json!({})).await;
    }
}

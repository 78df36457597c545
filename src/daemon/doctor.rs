//! `bead doctor`: what stands in the way of a night, one line each, with what to do.
//!
//! Owns the order of the checks and nothing of what they ask: engine, key, tracker and settings are asked as a run
//! would ask them. It changes nothing: the journal is looked at without being opened, projects are opened over a
//! folder that goes again. Start with [`examine`].

mod alerts;
mod ground;
mod projects;
mod reach;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::control::client::Client;
use super::house::House;
use super::lazy::Lazy;
use super::machine::Machine;
use super::refusal::Refusal;
use crate::agent::claude::Claude;
use crate::clock::{Clock, Ids};
use crate::config::environment::Environment;
use crate::config::places::Places;
use crate::config::zone::Zone;
use crate::executor::Executor;
use crate::executor::docker::Access;
use crate::feed::notify::net::System;
use crate::journal::Journal;
use crate::journal::peek::Peek;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `engine`, `project tally`.
    pub name: String,
    pub health: Health,
    /// What was found, without a final period.
    pub says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Good,
    /// It works, and somebody should know.
    Mind,
    /// A run would be refused, or worse.
    Bad,
}

impl Check {
    fn good(name: &str, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), health: Health::Good, says: says.into(), todo: None }
    }

    fn mind(name: &str, says: impl Into<String>, todo: &str) -> Self {
        let todo = Some(todo.to_owned()).filter(|todo| !todo.is_empty());
        Self { name: name.to_owned(), health: Health::Mind, says: says.into(), todo }
    }

    fn bad(name: &str, says: impl Into<String>, todo: &str) -> Self {
        Self { health: Health::Bad, ..Self::mind(name, says, todo) }
    }

    fn refused(name: &str, refusal: &Refusal) -> Self {
        Self::bad(name, refusal.message.clone(), &refusal.hints.join("; "))
    }
}

/// Who is examined.
pub struct Visit {
    pub environment: Environment,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub zone: Zone,
    /// The one project that was named; none: the registered ones, else the one around us.
    pub project: Option<PathBuf>,
    /// In place of the engine that the environment names.
    pub executor: Option<Arc<dyn Executor>>,
}

/// All checks, in the order in which things depend on each other.
pub async fn examine(visit: Visit) -> Vec<Check> {
    let uid = rustix::process::getuid().as_raw();
    let places = match Places::find(&visit.environment, uid) {
        Ok(places) => places,
        Err(error) => return vec![Check::bad("state", error.to_string(), "set HOME or BEAD_STATE_DIR")],
    };
    let mut checks = vec![ground::git(&visit.environment).await, ground::state(&places, uid)];
    let (journal, peek) = ground::journal(&places, visit.clock.now());
    checks.extend(journal);
    checks.push(ground::config(&places));
    let client = Client::find(&places).await;
    checks.push(reach::daemon(&places, client.as_ref()).await);
    let (_folder, house, executor) = match bench(&visit, &places, uid) {
        Ok(bench) => bench,
        Err(refusal) => {
            checks.push(Check::refused("machine", &refusal));
            return checks;
        }
    };
    let engine = reach::engine(&*executor).await;
    let answers = engine.iter().all(|check| check.health != Health::Bad);
    checks.extend(engine);
    // Without the config nobody knows what else there is to look at; what is wrong with it was just told.
    if let Ok(machine) = Machine::new(&house, executor, Arc::new(Claude)) {
        checks.push(reach::credential(&machine));
        checks.push(reach::disk(&places));
        checks.push(reach::windows(&machine.user, visit.zone, visit.clock.now()));
        checks.push(reach::links(&machine.user));
        checks.extend(reach::watch(&machine.user, &places));
        let (registered, known) = peek
            .map(|peek| {
                let Peek { projects, devices, failing, .. } = peek;
                (projects, alerts::Known { devices, failing })
            })
            .unwrap_or_default();
        let (vault, key) = (super::alerts::vault(&house), places.push_key());
        checks.extend(alerts::alerts(&machine.user.notify, &vault, (&key, &known), &System).await);
        let (house, machine) = (Arc::new(house), Arc::new(machine));
        let named = visit.project.clone();
        checks.extend(projects::all(&house, &machine, named, registered, answers).await);
    }
    checks
}

/// A house over a folder that goes again, with the user's real environment and config.
fn bench(
    visit: &Visit,
    places: &Places,
    uid: u32,
) -> Result<(tempfile::TempDir, House, Arc<dyn Executor>), Refusal> {
    let refused = |why: String| Refusal::new(why);
    let folder = tempfile::tempdir().map_err(|error| refused(error.to_string()))?;
    let own = Places::beneath(folder.path(), uid).map_err(|error| refused(error.to_string()))?;
    let journal = Journal::in_memory(Arc::clone(&visit.clock)).map_err(|error| refused(error.to_string()))?;
    let executor = visit.executor.clone().unwrap_or_else(|| {
        Arc::new(Lazy::new(Access {
            host: visit.environment.docker_host.clone(),
            runtime_dir: visit.environment.xdg_runtime_dir.clone(),
            home: visit.environment.home.clone(),
            roots: own.mount_roots(),
        }))
    });
    let house = House {
        environment: visit.environment.clone(),
        places: own.with_config_of(places),
        instance: String::new(),
        journal: Arc::new(journal),
        clock: Arc::clone(&visit.clock),
        ids: Arc::clone(&visit.ids),
        uid,
    };
    Ok((folder, house, executor))
}

#[cfg(test)]
mod tests;

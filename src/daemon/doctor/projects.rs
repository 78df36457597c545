//! The projects a night would work through: tracker, target, settings, gates, image.
//!
//! Owns which projects are looked at and how much is told of each. They are opened as a run would open them, over
//! a folder of our own that goes again. Start with [`all`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Check, Health};
use crate::beads::era::{self, Era};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::machine::Machine;
use crate::journal::projects::Registered;

/// The named one, else the registered ones, else the one around us.
pub(super) async fn all(
    house: &Arc<House>,
    machine: &Arc<Machine>,
    named: Option<PathBuf>,
    registered: Vec<Registered>,
    engine: bool,
) -> Vec<Check> {
    let of_name = |wanted: &Path| registered.iter().find(|p| Path::new(&p.name) == wanted).cloned();
    let one = |path: PathBuf| {
        let folder = path.file_name().map(|name| name.to_string_lossy().into_owned());
        vec![(folder.unwrap_or_else(|| "here".to_owned()), path)]
    };
    let list: Vec<(String, PathBuf)> = match named {
        Some(name) => match of_name(&name).filter(|_| !name.is_dir()) {
            Some(known) => vec![(known.name, known.path)],
            None => one(name),
        },
        None if registered.is_empty() => match std::env::current_dir() {
            Ok(here) => one(here),
            Err(_) => Vec::new(),
        },
        None => registered.into_iter().map(|p| (p.name, p.path)).collect(),
    };
    let mut checks = Vec::new();
    for (name, path) in list {
        checks.extend(project(house, machine, (&name, &path), engine).await);
    }
    checks
}

async fn project(
    house: &Arc<House>,
    machine: &Arc<Machine>,
    (name, path): (&str, &Path),
    engine: bool,
) -> Vec<Check> {
    let name = format!("project {}", crate::domain::text::one_line(name, 60));
    let site = match Site::open(house, path).await {
        Ok(site) => Arc::new(site),
        Err(error) => return vec![failed(&name, &error)],
    };
    let mut checks = vec![tracker(&name, &site).await];
    let engine_of = Engine::new(Arc::clone(house), Arc::clone(&site), Arc::clone(machine));
    match engine_of.outlook().await {
        Err(error) => checks.push(failed(&name, &error)),
        Ok(settings) => {
            let gates = settings.gates.len();
            let target = settings.target.value.as_deref().unwrap_or("the checked-out branch");
            if gates == 0 {
                let todo = "add a gate, such as: `gates: [{ name: test, run: make test }]`, and commit it";
                checks.push(Check::bad(
                    &name,
                    "bead.yaml has no gates, so nothing could prove the work",
                    todo,
                ));
            } else {
                let gates = if gates == 1 { "1 gate".to_owned() } else { format!("{gates} gates") };
                checks.push(Check::good(&name, format!("bead.yaml is fine: {gates}, lands on {target}")));
            }
            if let Some(target) = settings.target.value.as_deref()
                && site.repo.dirt(target).await.is_ok_and(|dirt| !dirt.is_empty())
            {
                let says = format!("{target} is checked out with changes: work would land beside");
                checks.push(Check::mind(&name, says, "commit or stash them before the night"));
            }
            if engine {
                match engine_of.image(&settings).await {
                    Ok(image) => {
                        checks.push(Check::good(&name, format!("image `{}` is there", image.reference)))
                    }
                    Err(error) => checks.push(failed(&name, &error)),
                }
            }
        }
    }
    checks
}

async fn tracker(name: &str, site: &Site) -> Check {
    let kind = match era::detect(&site.root()) {
        Ok(Era::Embedded { .. }) => "its JSONL file is the truth",
        Ok(Era::ClassicSqlite { .. }) => "a classic `bd` with SQLite",
        Ok(Era::Dolt { .. }) => "a `bd` with Dolt",
        Ok(Era::NoTracker) | Err(_) => "unknown",
    };
    if let Err(error) = site.tracker.check_writable().await {
        return failed(name, &error.into());
    }
    match site.tracker.snapshot().await {
        Err(error) => failed(name, &error.into()),
        Ok(snapshot) => {
            let told = format!("tracker: {kind}, {} beads", snapshot.beads.len());
            match snapshot.problems.first() {
                Some(first) => {
                    let says = format!("{told}, {} lines cannot be read: {first}", snapshot.problems.len());
                    Check::mind(name, says, "correct those lines: nobody works on their beads")
                }
                None if !snapshot.notes.is_empty() => Check {
                    health: Health::Mind,
                    ..Check::good(name, format!("{told}; {}", snapshot.notes.join("; ")))
                },
                None => Check::good(name, told),
            }
        }
    }
}

fn failed(name: &str, error: &EngineError) -> Check {
    match error {
        EngineError::Refused(refusal) => Check::refused(name, refusal),
        other => Check::bad(name, other.to_string(), &other.advice().1.join("; ")),
    }
}

//! What the other sandboxes of a simulated night do: export, checkout and gate.
//!
//! Owns their scripts on the virtual git: an export prints which commit it made, a checkout fills a volume, a
//! gate judges the files of the volume's commit and nothing else. What passed is noted, so that the check after
//! the night can ask whether a landing was proven. Start with [`export`] and [`gate`].

use std::sync::Arc;
use std::time::Duration;

use super::forge::{commit_of, id_of};
use super::time::Chance;
use super::world::{Blindness, World};
use crate::domain::ids::Oid;
use crate::executor::scripted::{Ending, Stage};
use crate::executor::spec::Mount;

/// Content that no gate lets pass.
const BAD: &str = "bad:";

/// Prints `unchanged`, or `work` and the commit it made of the clone's files.
pub(super) async fn export(world: Arc<World>, stage: Stage) -> Ending {
    let labels = &stage.spec().labels;
    let mut chance = Chance::of(world.seed(), &stage.spec().name);
    tokio::time::sleep(chance.seconds(2, 9)).await;
    let Some(forge) = world.forge(&labels.project) else { return Ending::Code(127) };
    let base = stage.spec().argv.iter().rev().find_map(|word| Oid::parse(word).ok());
    let (Some(base), clone) = (base, stage.host("/work")) else { return Ending::Code(2) };
    let said = {
        let mut state = forge.state();
        let Some(clone) = state.clones.get(&clone).cloned() else { return Ending::Code(2) };
        let same = state.commit(&clone.from).is_some_and(|c| *c.tree == clone.files);
        let tip = if same {
            clone.from
        } else {
            let message = format!("work of {} ({})", labels.bead, labels.attempt);
            let commit = commit_of(Arc::new(clone.files), vec![clone.from], &message);
            let id = id_of(&commit);
            state.exported.insert(id.clone(), commit);
            id
        };
        if tip == base { "unchanged\n".to_owned() } else { format!("work {tip}\n") }
    };
    stage.stdout(said);
    Ending::Code(0)
}

/// Fills the volume and waits, as the real one does.
pub(super) async fn checkout(world: Arc<World>, stage: Stage) -> Ending {
    tokio::time::sleep(Duration::from_secs(2)).await;
    let commit = stage.spec().argv.iter().find_map(|word| Oid::parse(word).ok());
    if let (Some(volume), Some(commit)) = (volume(&stage), commit) {
        world.fill(volume, commit);
    }
    stage.stdout("ready\n");
    Ending::Never
}

/// Fails where a file of the commit is bad, and in a small share of cases for no reason at all.
pub(super) async fn gate(world: Arc<World>, stage: Stage) -> Ending {
    let labels = stage.spec().labels.clone();
    let mut chance = Chance::of(world.seed(), &stage.spec().name);
    tokio::time::sleep(chance.seconds(20, 200)).await;
    let Some(forge) = world.forge(&labels.project) else { return Ending::Code(127) };
    let Some(commit) = volume(&stage).and_then(|volume| world.filled(&volume)) else {
        stage.stderr("nothing is checked out\n");
        return Ending::Code(126);
    };
    if world.blind == Blindness::NoGates {
        return Ending::Code(0);
    }
    if chance.happens(world.scenario.gate_out_of_memory) {
        return Ending::OutOfMemory(137);
    }
    let judged = {
        let state = forge.state();
        state.commit(&commit).map(|c| {
            let bad =
                c.tree.iter().find(|(_, content)| content.starts_with(BAD)).map(|(path, _)| path.clone());
            (c.tree_id.clone(), bad)
        })
    };
    match judged {
        None => Ending::Code(126),
        Some((_, Some(path))) => {
            stage.stdout(format!("FAILED {path}: it is bad\n"));
            Ending::Code(1)
        }
        Some((tree, None)) if chance.happens(world.scenario.gate_flaky) => {
            stage.stdout(format!("FAILED by chance at {}\n", tree.short()));
            Ending::Code(1)
        }
        Some((tree, None)) => {
            world.passed(tree);
            stage.stdout("ok\n");
            Ending::Code(0)
        }
    }
}

pub(super) fn volume(stage: &Stage) -> Option<String> {
    stage.spec().mounts.iter().find_map(|mount| match mount {
        Mount::Volume { name, .. } => Some(name.clone()),
        _ => None,
    })
}
